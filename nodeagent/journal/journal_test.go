package journal_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"scaleio-framework/nodeagent/journal"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, dir string) *journal.Journal {
	t.Helper()
	j, err := journal.Open(t.Context(), dir, hclog.NewNullLogger())
	require.NoError(t, err)
	return j
}

func TestEverythingIsThereAgainAfterClosing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	j := open(t, dir)
	require.Zero(t, j.Epoch())
	require.NoError(t, j.RaiseEpoch(7))
	require.NoError(t, j.RaiseEpoch(3), "a lower epoch changes nothing")
	done := journal.Entry{
		Step: "add-standby-mdm/mdm 2/../x", Attempt: 2, Digest: "d", Params: json.RawMessage(`{"a":1}`),
		State: journal.Done, Changed: true, Result: json.RawMessage(`{"b":2}`),
	}
	started := journal.Entry{Step: "sds-package", Attempt: 1, State: journal.Started}
	require.NoError(t, j.Put(done))
	require.NoError(t, j.Put(started))
	require.NoError(t, j.Pending().Mark("rexray", "note"))
	require.NoError(t, j.Close())

	j = open(t, dir)
	defer func() { require.NoError(t, j.Close()) }()
	require.Equal(t, uint64(7), j.Epoch())
	got, ok := j.Get(done.Step)
	require.True(t, ok)
	require.JSONEq(t, string(done.Params), string(got.Params))
	require.True(t, got.Ended())
	require.True(t, got.Report().Changed)
	openEntries := j.OpenEntries()
	require.Len(t, openEntries, 1)
	require.Equal(t, "sds-package", openEntries[0].Step)
	note, pending, err := j.Pending().Note("rexray")
	require.NoError(t, err)
	require.True(t, pending)
	require.Equal(t, "note", note)
	require.NoError(t, j.Pending().Clear("rexray"))
	require.NoError(t, j.Pending().Clear("rexray"), "clearing twice is fine")
	info, err := os.Stat(dir)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o700), info.Mode().Perm())
}

// A crash leaves at most a temporary file: the entry before it stands.
func TestATornWriteIsSweptAway(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	require.NoError(t, j.Put(journal.Entry{Step: "s", Attempt: 1, State: journal.Started}))
	require.NoError(t, j.Close())
	torn := filepath.Join(dir, "steps", ".s.json.123")
	require.NoError(t, os.WriteFile(torn, []byte(`{"v":1,"step":"s","atte`), 0o600))
	j = open(t, dir)
	defer func() { require.NoError(t, j.Close()) }()
	e, ok := j.Get("s")
	require.True(t, ok)
	require.Equal(t, journal.Started, e.State)
	require.NoFileExists(t, torn)
}

func TestAFileThatCannotBeReadIsNamedAndKept(t *testing.T) {
	for name, c := range map[string]struct{ file, content string }{
		"an entry that is cut off":     {"steps/s.json", `{"v":1,"step":"s","att`},
		"an empty entry":               {"steps/s.json", ``},
		"an entry of another step":     {"steps/s.json", `{"v":1,"step":"other","attempt":1,"state":"done"}`},
		"an entry of a newer layout":   {"steps/s.json", `{"v":2,"step":"s","attempt":1,"state":"done"}`},
		"an entry in no known state":   {"steps/s.json", `{"v":1,"step":"s","attempt":1,"state":"maybe"}`},
		"an entry without an attempt":  {"steps/s.json", `{"v":1,"step":"s","state":"done"}`},
		"two entries in one file":      {"steps/s.json", `{"v":1,"step":"s","attempt":1,"state":"done"}{}`},
		"an epoch that is no number":   {"epoch.json", `{"v":1,"epoch":"seven"}`},
		"an epoch of a newer layout":   {"epoch.json", `{"v":9,"epoch":7}`},
		"an epoch that is cut off":     {"epoch.json", `{"v":1,`},
		"an epoch file that was wiped": {"epoch.json", ``},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			require.NoError(t, open(t, dir).Close())
			path := filepath.Join(dir, c.file)
			require.NoError(t, os.WriteFile(path, []byte(c.content), 0o600))
			_, err := journal.Open(t.Context(), dir, hclog.NewNullLogger())
			var unreadable *journal.UnreadableError
			require.ErrorAs(t, err, &unreadable)
			require.Equal(t, path, unreadable.Path)
			require.ErrorContains(t, err, "move it away")
			kept, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Equal(t, c.content, string(kept), "nothing is lost")
			require.NoError(t, os.Rename(path, path+".away"))
			require.NoError(t, os.Rename(path+".away", filepath.Join(t.TempDir(), "away")))
			require.NoError(t, open(t, dir).Close(), "the remedy helps")
		})
	}
}

func TestOneHolderAtATime(t *testing.T) {
	dir := t.TempDir()
	first := open(t, dir)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := journal.Open(ctx, dir, hclog.NewNullLogger())
	require.ErrorIs(t, err, context.DeadlineExceeded, "the wait ends with the context")
	second := make(chan *journal.Journal)
	go func() {
		j, err := journal.Open(t.Context(), dir, hclog.NewNullLogger())
		if err != nil {
			close(second)
			return
		}
		second <- j
	}()
	require.NoError(t, first.Close())
	j := <-second
	require.NotNil(t, j)
	require.NoError(t, j.Close())
}

func FuzzParseEntry(f *testing.F) {
	f.Add([]byte(`{"v":1,"step":"s","attempt":1,"state":"done","result":{"a":[1]}}`))
	f.Add([]byte(`{"v":1,"step":"s","attempt":1,"state":"started"`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := journal.ParseEntry(data)
		if err != nil {
			return
		}
		require.NotEmpty(t, e.Step)
		require.Positive(t, e.Attempt)
		again, err := json.Marshal(e)
		require.NoError(t, err)
		same, err := journal.ParseEntry(again)
		require.NoError(t, err, "what was read can be written and read again")
		require.Equal(t, e.Report().State, same.Report().State)
	})
}
