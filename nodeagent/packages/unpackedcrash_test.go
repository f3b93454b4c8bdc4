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

	"scaleio-framework/nodeagent/failure"
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

// unpackKilled unpacks in a child that is killed after that moment, nil for
// never, and tells how long it took.
func (h *image) unpackKilled(file string, moment func()) time.Duration {
	h.t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childVariable+"="+strings.Join([]string{h.root, h.tools, file}, " "))
	stdout, err := cmd.StdoutPipe()
	require.NoError(h.t, err)
	require.NoError(h.t, cmd.Start())
	_, err = bufio.NewReader(stdout).ReadString('\n')
	require.NoError(h.t, err)
	begun := time.Now()
	if moment != nil {
		moment()
		require.NoError(h.t, cmd.Process.Kill())
	}
	err = cmd.Wait()
	require.True(h.t, moment != nil || err == nil, "%v", err)
	return time.Since(begun)
}

// unfinished reports whether unpacking was begun and has not ended.
func (h *image) unfinished() bool {
	h.t.Helper()
	present, err := h.Present(h.t.Context(), "EMC-ScaleIO-sds")
	require.NoError(h.t, err)
	return present && h.version("EMC-ScaleIO-sds") == ""
}

// again does what the node agent does next. A program that the killed one was
// just starting may have its lock for an instant: such an attempt is repeated.
func (h *image) again(work func() error) {
	h.t.Helper()
	require.Eventually(h.t, func() bool {
		err := work()
		require.True(h.t, err == nil || failure.KindOf(err) == failure.Interruption, "%v", err)
		return err == nil
	}, time.Minute, time.Millisecond)
}

// A node agent that is killed at any moment: what is there then counts as not
// installed or is whole, the next attempt makes it whole, and a removal leaves
// nothing.
func TestAKillAtAnyMomentOfUnpacking(t *testing.T) {
	file := packSDS(t, oldVersion)
	whole := newImage(t).unpackKilled(file, nil)
	const moments = 12
	unfinished := 0
	for i := range moments {
		h := newImage(t)
		if i%2 == 1 {
			require.NoError(t, h.Install(t.Context(), packSDS(t, newVersion), packages.Env{}))
		}
		// The moment of a crash, which nobody waits for.
		h.unpackKilled(file, func() { time.Sleep(whole * time.Duration(i+1) / moments) })
		if h.unfinished() {
			unfinished++
		}
		h.goesOn(file, i%2 == 1, i%3 != 0)
	}
	for try := 0; unfinished == 0; try++ {
		require.Less(t, try, 100, "no kill fell into the middle")
		h := newImage(t)
		h.unpackKilled(file, func() { require.Eventually(t, h.unfinished, time.Minute, 50*time.Microsecond) })
		if h.unfinished() {
			unfinished++
		}
		h.goesOn(file, false, true)
	}
}

// goesOn requires of a host whose node agent was killed that what it has is
// nothing, a whole version or known to be unfinished, and that the next
// attempts, of the installation if wanted and of a removal, do all.
func (h *image) goesOn(file string, upgrade, install bool) {
	h.t.Helper()
	t := h.t
	switch version := h.version("EMC-ScaleIO-sds"); {
	case h.unfinished():
	case version == "":
		require.Empty(t, h.files())
	case version == newVersion:
		require.True(t, upgrade)
		require.Equal(t, "program of "+newVersion, h.read("/opt/emc/scaleio/sds/bin/sds-2"))
	default:
		require.Equal(t, oldVersion, version)
	}
	if install {
		h.again(func() error { return h.Install(t.Context(), file, packages.Env{}) })
		require.Equal(t, oldVersion, h.version("EMC-ScaleIO-sds"))
		require.Equal(t, "program of "+oldVersion, h.read("/opt/emc/scaleio/sds/bin/sds-2"))
		for _, name := range h.files() {
			require.NotContains(t, name, ".unpacking")
			require.NotContains(t, name, newVersion)
		}
	}
	h.again(func() error { return h.Remove(t.Context(), "EMC-ScaleIO-sds") })
	require.Empty(t, h.files())
}
