package packages_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/nodeagent/hostfs"
	"scaleio-framework/nodeagent/packages"
	"scaleio-framework/nodeagent/runner"
)

// childVariable makes this program a child that unpacks a package and may be
// killed: root, tools and file, by spaces.
const childVariable = "UNPACK_IN_CHILD"

func unpackInChild() {
	var root, tools, file string
	if _, err := fmt.Sscan(os.Getenv(childVariable), &root, &tools, &file); err != nil {
		panic(err)
	}
	m, err := packages.New(packages.Unpacked, runner.New(runner.Options{Tools: tools}), hostfs.New(root), marks{})
	if err != nil {
		panic(err)
	}
	fmt.Println("begins")
	if err := m.Install(context.Background(), file, packages.Env{}); err != nil {
		panic(err)
	}
}

// unpackKilled unpacks in a child that is killed after that time, 0 for never,
// and tells how long it took.
func (h *image) unpackKilled(file string, after time.Duration) time.Duration {
	h.t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childVariable+"="+strings.Join([]string{h.root, h.tools, file}, " "))
	stdout, err := cmd.StdoutPipe()
	require.NoError(h.t, err)
	require.NoError(h.t, cmd.Start())
	_, err = bufio.NewReader(stdout).ReadString('\n')
	require.NoError(h.t, err)
	begun := time.Now()
	if after > 0 {
		time.Sleep(after) // the moment of the crash, which nobody waits for
		require.NoError(h.t, cmd.Process.Kill())
	}
	err = cmd.Wait()
	require.True(h.t, after > 0 || err == nil, "%v", err)
	return time.Since(begun)
}

// A node agent that is killed at any moment: what is there then counts as not
// installed or is whole, the next attempt makes it whole, and a removal leaves
// nothing.
func TestAKillAtAnyMomentOfUnpacking(t *testing.T) {
	file := packSDS(t, oldVersion)
	whole := newImage(t).unpackKilled(file, 0)
	const moments = 12
	unfinished := 0
	for i := range moments {
		h := newImage(t)
		upgrade := i%2 == 1
		if upgrade {
			require.NoError(t, h.Install(t.Context(), packSDS(t, newVersion), packages.Env{}))
		}
		moment := whole * time.Duration(i+1) / moments
		h.unpackKilled(file, moment)
		present, err := h.Present(t.Context(), "EMC-ScaleIO-sds")
		require.NoError(t, err)
		switch version := h.version("EMC-ScaleIO-sds"); {
		case version == "" && present:
			unfinished++
		case version == "":
			require.Empty(t, h.files(), "killed after %s", moment)
		case version == newVersion:
			require.True(t, upgrade)
			require.Equal(t, "program of "+newVersion, h.read("/opt/emc/scaleio/sds/bin/sds-2"))
		default:
			require.Equal(t, oldVersion, version)
		}
		if i%3 != 0 {
			require.NoError(t, h.Install(t.Context(), file, packages.Env{}), "killed after %s", moment)
			require.Equal(t, oldVersion, h.version("EMC-ScaleIO-sds"))
			require.Equal(t, "program of "+oldVersion, h.read("/opt/emc/scaleio/sds/bin/sds-2"))
			for _, name := range h.files() {
				require.NotContains(t, name, ".unpacking", "killed after %s", moment)
				require.NotContains(t, name, newVersion, "killed after %s", moment)
			}
		}
		require.NoError(t, h.Remove(t.Context(), "EMC-ScaleIO-sds"), "killed after %s", moment)
		require.Empty(t, h.files(), "killed after %s", moment)
	}
	require.Positive(t, unfinished, "no kill fell into the middle")
}
