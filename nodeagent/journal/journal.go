package journal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync"

	"github.com/hashicorp/go-hclog"

	"scaleio-framework/nodeagent/hostfs"
)

// Directories below the state directory.
const (
	stepsDir   = "steps"
	pendingDir = "pending"
	groupsDir  = "groups"
	cacheDir   = "cache"
	restartDir = "agent-restart"
)

// Journal is an open state directory. Its methods are safe for concurrent use.
type Journal struct {
	dir  string
	root hostfs.Root
	lock *os.File

	mu      sync.Mutex
	epoch   uint64
	entries map[string]Entry
}

// Open waits for the directory's lock, until the context ends, and reads the
// journal. The directory is made when it is not there.
func Open(ctx context.Context, dir string, logger hclog.Logger) (*Journal, error) {
	for _, sub := range []string{"", stepsDir, pendingDir, groupsDir, cacheDir, restartDir} {
		path := filepath.Join(dir, sub)
		if err := os.MkdirAll(path, 0o700); err != nil {
			return nil, fmt.Errorf("make state directory: %w", err)
		}
		if err := os.Chmod(path, 0o700); err != nil {
			return nil, fmt.Errorf("protect state directory: %w", err)
		}
	}
	held, err := lock(ctx, dir, func() {
		logger.Info("another node agent holds the state directory, waiting for it to end", "directory", dir)
	})
	if err != nil {
		return nil, err
	}
	j := &Journal{dir: dir, root: hostfs.New(dir), lock: held, entries: map[string]Entry{}}
	if err := errors.Join(j.forget(), j.load()); err != nil {
		return nil, errors.Join(err, held.Close())
	}
	return j, nil
}

// Close gives the lock back.
func (j *Journal) Close() error {
	if err := j.lock.Close(); err != nil {
		return fmt.Errorf("close journal: %w", err)
	}
	return nil
}

// GroupsDir is where package runner notes the process groups that run.
func (j *Journal) GroupsDir() string { return filepath.Join(j.dir, groupsDir) }

// RestartDir is where package agentrestart keeps its record.
func (j *Journal) RestartDir() string { return filepath.Join(j.dir, restartDir) }

// CacheDir is where package artifacts keeps files.
func (j *Journal) CacheDir() string { return filepath.Join(j.dir, cacheDir) }

// Epoch is the highest epoch seen; 0 before the first.
func (j *Journal) Epoch() uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.epoch
}

// RaiseEpoch stores a higher epoch; it is durable when RaiseEpoch returns. A
// lower or equal one changes nothing.
func (j *Journal) RaiseEpoch(epoch uint64) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if epoch <= j.epoch {
		return nil
	}
	data, err := encode(epochFile{V: Version, Epoch: epoch})
	if err != nil {
		return err
	}
	if err := j.root.Write("/epoch.json", data, 0o600); err != nil {
		return fmt.Errorf("store epoch %d: %w", epoch, err)
	}
	j.epoch = epoch
	return nil
}

// Get returns the entry of a step.
func (j *Journal) Get(step string) (Entry, bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	e, ok := j.entries[step]
	return e, ok
}

// Put stores an entry; it is durable when Put returns.
func (j *Journal) Put(e Entry) error {
	e.V = Version
	data, err := encode(e)
	if err != nil {
		return fmt.Errorf("journal step %s: %w", e.Step, err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.root.Write(stepFile(e.Step), data, 0o600); err != nil {
		return fmt.Errorf("journal step %s: %w", e.Step, err)
	}
	j.entries[e.Step] = e
	return nil
}

// Open entries are those whose attempt has no outcome, sorted by step.
func (j *Journal) OpenEntries() []Entry {
	j.mu.Lock()
	defer j.mu.Unlock()
	var open []Entry
	for _, e := range j.entries {
		if !e.Ended() {
			open = append(open, e)
		}
	}
	sort.Slice(open, func(a, b int) bool { return open[a].Step < open[b].Step })
	return open
}

type epochFile struct {
	V     int    `json:"v"`
	Epoch uint64 `json:"epoch"`
}

func (j *Journal) load() error {
	if err := j.loadEpoch(); err != nil {
		return err
	}
	names, err := os.ReadDir(filepath.Join(j.dir, stepsDir))
	if err != nil {
		return fmt.Errorf("list journal: %w", err)
	}
	for _, name := range names {
		path := filepath.Join(j.dir, stepsDir, name.Name())
		if strings.HasPrefix(name.Name(), ".") {
			// A write that a crash ended before its rename: it never counted.
			if err := os.Remove(path); err != nil {
				return fmt.Errorf("sweep journal: %w", err)
			}
			continue
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("read journal: %w", err)
		}
		e, err := ParseEntry(data)
		if err == nil && stepFile(e.Step) != "/"+stepsDir+"/"+name.Name() {
			err = fmt.Errorf("entry of step %q does not belong into this file", e.Step)
		}
		if err != nil {
			return unreadable(path, err, "the step is then run again from its detection")
		}
		j.entries[e.Step] = e
	}
	return nil
}

func (j *Journal) loadEpoch() error {
	path := filepath.Join(j.dir, "epoch.json")
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read epoch: %w", err)
	}
	var stored epochFile
	if err := json.Unmarshal(data, &stored); err != nil {
		return unreadable(path, err, "the next command from the leader sets the epoch again")
	}
	if stored.V != Version {
		return unreadable(path, fmt.Errorf("layout %d, this node agent knows %d", stored.V, Version), "or run the newer node agent")
	}
	j.epoch = stored.Epoch
	return nil
}

// UnreadableError says that a file of the state directory cannot be
// understood. Nothing was changed.
type UnreadableError struct {
	Path   string
	Reason error
	remedy string
}

func (e *UnreadableError) Error() string {
	return fmt.Sprintf("state file %s cannot be read: %v: look at it, then move it away (%s)", e.Path, e.Reason, e.remedy)
}

func (e *UnreadableError) Unwrap() error { return e.Reason }

func unreadable(path string, reason error, remedy string) error {
	return &UnreadableError{Path: path, Reason: reason, remedy: remedy}
}

// stepFile is the file of a step below the state directory. The key is
// escaped, since it comes from outside and may hold slashes.
func stepFile(step string) string {
	return "/" + stepsDir + "/" + url.QueryEscape(step) + ".json"
}
