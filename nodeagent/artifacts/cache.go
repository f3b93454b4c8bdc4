package artifacts

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"scaleio-framework/internal/nodeproto"
)

// DefaultLimit is how many bytes a cache keeps. The packages of one host, the
// gateway's being the largest, take less than half of it.
const DefaultLimit = 2 << 30

// Options configure a Cache.
type Options struct {
	// Dir keeps the files. It must exist, and no other Cache may use it.
	Dir string
	// Limit is how many bytes are kept; a single file may be larger.
	// DefaultLimit when 0.
	Limit int64
	// Stall ends a fetch that brings nothing for so long; a minute when 0.
	Stall time.Duration
}

// Cache holds verified files.
type Cache struct {
	dir    string
	limit  int64
	stall  time.Duration
	client *http.Client

	mu    sync.Mutex
	users map[string]int           // by checksum: uses that are not over
	locks map[string]chan struct{} // by checksum: who fetches
}

// New keeps files in a directory.
func New(o Options) *Cache {
	return &Cache{
		dir: o.Dir, limit: cmp.Or(o.Limit, DefaultLimit), stall: cmp.Or(o.Stall, stallTimeout),
		users: make(map[string]int), locks: make(map[string]chan struct{}),
		client: &http.Client{Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, ResponseHeaderTimeout: headerTimeout,
			TLSHandshakeTimeout: headerTimeout, DisableKeepAlives: true,
			DisableCompression: true, // sizes and ranges are those of the file
		}},
	}
}

// hold keeps a file from being removed until release is called.
func (c *Cache) hold(sum string) (release func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.users[sum]++
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.users[sum]--; c.users[sum] == 0 {
			delete(c.users, sum)
			delete(c.locks, sum)
		}
	}
}

// lock waits until nobody else fetches a file that is held.
func (c *Cache) lock(ctx context.Context, sum string) (unlock func(), err error) {
	c.mu.Lock()
	turn := c.locks[sum]
	if turn == nil {
		turn = make(chan struct{}, 1)
		c.locks[sum] = turn
	}
	c.mu.Unlock()
	select {
	case turn <- struct{}{}:
		return func() { <-turn }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for another fetch of the same file: %w", context.Cause(ctx))
	}
}

// touch notes the use of a file, as the time of its directory.
func (c *Cache) touch(sum string) error {
	now := time.Now()
	return os.Chtimes(filepath.Join(c.dir, sum), now, now)
}

// makeRoom removes files until the wanted one fits below the limit and on the
// disk.
func (c *Cache) makeRoom(a nodeproto.Artifact, sum string) error {
	c.mu.Lock() // what is found unused stays so until it is removed
	defer c.mu.Unlock()
	old, kept, err := c.removable()
	if err != nil {
		return err
	}
	needed := a.Size - sizeOf(filepath.Join(c.dir, sum)) // the partial file is there already
	for {
		room, err := c.free()
		if err != nil {
			return err
		}
		switch {
		case room >= needed && (kept+needed <= c.limit || len(old) == 0):
			return nil
		case len(old) == 0:
			return fmt.Errorf("%s has %d bytes free, needed are %d: free space for the node agent's state", c.dir, room, needed)
		}
		if err := os.RemoveAll(filepath.Join(c.dir, old[0].sum)); err != nil {
			return err
		}
		kept -= old[0].size
		old = old[1:]
	}
}

// stored is a file of the cache with its directory.
type stored struct {
	sum  string
	size int64
	used time.Time
}

// removable lists what is not in use, the longest unused first, and the size of
// all that is kept. The caller holds c.mu.
func (c *Cache) removable() (list []stored, size int64, err error) {
	entries, err := os.ReadDir(c.dir)
	if err != nil {
		return nil, 0, err
	}
	for _, entry := range entries {
		info, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, 0, err
		}
		s := stored{sum: entry.Name(), size: sizeOf(filepath.Join(c.dir, entry.Name())), used: info.ModTime()}
		size += s.size
		if c.users[s.sum] == 0 {
			list = append(list, s)
		}
	}
	slices.SortFunc(list, func(a, b stored) int { return a.used.Compare(b.used) })
	return list, size, nil
}

// sizeOf adds up the files below a directory; what vanishes meanwhile counts
// nothing.
func sizeOf(dir string) (size int64) {
	_ = filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return nil
		}
		if info, err := entry.Info(); err == nil {
			size += info.Size()
		}
		return nil
	})
	return size
}

// free is how many bytes may still be written.
func (c *Cache) free() (int64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(c.dir, &s); err != nil {
		return 0, fmt.Errorf("free space of %s: %w", c.dir, err)
	}
	return int64(s.Bavail) * s.Bsize, nil
}
