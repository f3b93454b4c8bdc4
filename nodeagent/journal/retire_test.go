package journal_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/hashicorp/go-hclog"
	"github.com/stretchr/testify/require"

	"scaleio-framework/nodeagent/journal"
)

// A host that was left is begun anew, but for the epoch, which still holds off
// a leader that slept.
func TestARetiredJournalForgetsStepsAndKeepsTheEpoch(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "scaleio-framework", "demo")
	open := func() *journal.Journal {
		j, err := journal.Open(t.Context(), dir, hclog.NewNullLogger())
		require.NoError(t, err)
		return j
	}
	j := open()
	require.NoError(t, j.Erase(), "nobody retired")
	require.DirExists(t, dir)
	require.NoError(t, j.RaiseEpoch(7))
	require.NoError(t, j.Put(journal.Entry{Step: "sds-package", Attempt: 1, State: journal.Done}))
	require.NoError(t, j.Pending().Mark("lia", "x"))
	require.NoError(t, j.Pending().Retire())
	_, known := j.Get("sds-package")
	require.True(t, known, "it counts until the node agent ends")
	require.NoError(t, j.Close())

	j = open()
	_, known = j.Get("sds-package")
	require.False(t, known)
	_, marked, err := j.Pending().Note("lia")
	require.NoError(t, err)
	require.False(t, marked)
	retired, err := j.Pending().Retired()
	require.NoError(t, err)
	require.False(t, retired)
	require.Equal(t, uint64(7), j.Epoch())

	require.NoError(t, j.Pending().Retire())
	require.NoError(t, j.Erase())
	require.NoError(t, j.Close())
	require.NoDirExists(t, filepath.Dir(dir))
}

// Another framework's journal on the same host stays.
func TestErasingLeavesOtherFrameworksAlone(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a", "b"} {
		j, err := journal.Open(t.Context(), filepath.Join(dir, name), hclog.NewNullLogger())
		require.NoError(t, err)
		if name == "b" {
			require.NoError(t, j.Pending().Retire())
			require.NoError(t, j.Erase())
		}
		require.NoError(t, j.Close())
	}
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 1)
	require.Equal(t, "a", entries[0].Name())
}
