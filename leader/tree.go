package leader

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"scaleio-framework/internal/zkconn"
)

// readersAtOnce bounds the reads in flight while a tree is loaded: enough to
// hide the round trips, few enough to leave the connection usable.
const readersAtOnce = 8

// Tree returns everything that is stored, as of now or later: all znodes
// below the root but /leader, /candidates and containers that hold nothing.
// It settles earlier commits first. ErrSuspended says that no server answered:
// Recover, then read again. ErrRefused says that an ACL hides a record: what is
// hidden is not absent, so nothing can be decided. A hidden order is left out.
func (t *Term) Tree(ctx context.Context) (Snapshot, error) {
	if err := t.Err(); err != nil {
		return nil, err
	}
	tree, err := readTree(ctx, t.conn)
	if err == nil {
		return tree, nil
	}
	if err = t.verdict(err); t.Err() == nil && errors.Is(err, zkconn.ErrDisconnected) {
		err = fmt.Errorf("%w: %w", ErrSuspended, err)
	}
	return nil, refusal(err)
}

func readTree(ctx context.Context, conn Conn) (Snapshot, error) {
	if err := conn.Sync(ctx); err != nil {
		return nil, err
	}
	names, err := conn.Children(ctx, "/")
	if err != nil {
		return nil, err
	}
	l := loader{conn: conn, tree: Snapshot{}}
	level := paths("", names)
	for len(level) > 0 {
		if level, err = l.load(ctx, level); err != nil {
			return nil, err
		}
	}
	for _, path := range containers() {
		if len(l.tree[path].Data) == 0 {
			delete(l.tree, path)
		}
	}
	return l.tree, nil
}

func paths(parent string, names []string) []string {
	full := make([]string, 0, len(names))
	for _, name := range names {
		if p := parent + "/" + name; !volatile(p) {
			full = append(full, p)
		}
	}
	return full
}

// loader reads a tree level by level.
type loader struct {
	conn Conn
	mu   sync.Mutex
	tree Snapshot
}

// load reads one level and returns the paths of the next.
func (l *loader) load(ctx context.Context, level []string) ([]string, error) {
	next := map[string]struct{}{}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(readersAtOnce)
	for _, path := range level {
		group.Go(func() error {
			children, err := l.read(ctx, path)
			l.mu.Lock()
			defer l.mu.Unlock()
			for _, child := range children {
				next[child] = struct{}{}
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return slices.Sorted(maps.Keys(next)), nil
}

// read keeps one znode and returns the paths of its children. One that was
// removed meanwhile is left out.
func (l *loader) read(ctx context.Context, path string) ([]string, error) {
	data, stat, err := l.conn.Get(ctx, path)
	switch {
	case errors.Is(err, zkconn.ErrNoNode):
		return nil, nil
	case errors.Is(err, zkconn.ErrNoAuth) && strings.HasPrefix(path, PathOrders+"/"):
		return nil, nil // anyone may place an order, with whatever ACL
	case err != nil:
		return nil, err
	}
	l.mu.Lock()
	l.tree[path] = Entry{Data: data, Version: stat.Version}
	l.mu.Unlock()
	if stat.Children == 0 {
		return nil, nil
	}
	names, err := l.conn.Children(ctx, path)
	if errors.Is(err, zkconn.ErrNoNode) {
		return nil, nil
	}
	return paths(path, names), err
}
