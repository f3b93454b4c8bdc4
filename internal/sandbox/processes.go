package sandbox

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// marks are what the environment of each process of a sandbox has, with a path
// below the sandbox's directory: of schedulers, of node agents and what they
// start, of ZooKeeper.
func marks() []string { return []string{"MESOS_SANDBOX=", "SIO_HOST_ROOT=", "HOME="} }

// process is one process of the machine.
type process struct {
	pid         string
	program     string
	environment []string
}

// has reports whether the environment has the entry.
func (p process) has(entry string) bool { return slices.Contains(p.environment, entry) }

func (p process) String() string { return p.program + " " + p.pid }

// processesOf lists the processes that were started for a sandbox in dir.
func processesOf(dir string) []process {
	var list []process
	names, _ := filepath.Glob("/proc/[0-9]*") // the pattern is well formed
	for _, name := range names {
		args, _ := os.ReadFile(filepath.Join(name, "cmdline")) // it may just have ended
		env, _ := os.ReadFile(filepath.Join(name, "environ"))
		program, _, _ := bytes.Cut(args, []byte{0})
		p := process{filepath.Base(name), filepath.Base(string(program)), strings.Split(string(env), "\x00")}
		if slices.ContainsFunc(p.environment, func(entry string) bool { return marked(entry, dir) }) {
			list = append(list, p)
		}
	}
	return list
}

func marked(entry, dir string) bool {
	for _, mark := range marks() {
		if path, ok := strings.CutPrefix(entry, mark); ok && (path == dir || strings.HasPrefix(path, dir+"/")) {
			return true
		}
	}
	return false
}

// accountLimit is how long the kernel and the node agents may take to end what
// has been ended.
const accountLimit = 10 * time.Second

// account waits until each host runs one node agent and each scheduler is a
// candidate; the error says what is too many or too few.
func (w *World) account(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, accountLimit)
	defer cancel()
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	for {
		wrong := w.unaccounted(ctx)
		if len(wrong) == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("not all processes are accounted for: %s", strings.Join(wrong, "; "))
		case <-ticker.C:
		}
	}
}

func (w *World) unaccounted(ctx context.Context) (wrong []string) {
	cards, err := w.client.Candidates(ctx)
	if err != nil || len(cards) != len(w.schedulers) {
		wrong = append(wrong, fmt.Sprintf("%d candidates of %d schedulers (%v)", len(cards), len(w.schedulers), err))
	}
	all := processesOf(w.dir)
	for _, h := range w.hosts {
		n := 0
		for _, p := range all {
			if p.program == "scaleio-nodeagent" && p.has("SIO_HOST_ROOT="+h.Root) {
				n++
			}
		}
		if n != 1 {
			wrong = append(wrong, fmt.Sprintf("%d node agents on %s", n, h.Name))
		}
	}
	return wrong
}

// allEnded waits until no process of the sandbox is left.
func allEnded(ctx context.Context, dir string) error {
	ctx, cancel := context.WithTimeout(ctx, accountLimit)
	defer cancel()
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	for {
		left := processesOf(dir)
		if len(left) == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("processes were left behind: %v", left)
		case <-ticker.C:
		}
	}
}
