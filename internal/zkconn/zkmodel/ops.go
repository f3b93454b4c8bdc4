package zkmodel

import (
	"context"
	"errors"
	"path"
	"slices"
	"strings"

	"scaleio-framework/internal/zkconn"
)

// full puts the root before a path; "/" is the root itself.
func (c *Conn) full(p string) string {
	if p == "/" && c.opts.Root != "" {
		return c.opts.Root
	}
	return c.opts.Root + p
}

// Get returns the data of a znode.
func (c *Conn) Get(ctx context.Context, p string) ([]byte, zkconn.Stat, error) {
	r, err := c.read(ctx, "get", p, kindGet, false)
	return r.data, r.stat, err
}

// Exists tells whether a znode exists. Look at the error first.
func (c *Conn) Exists(ctx context.Context, p string) (zkconn.Stat, bool, error) {
	r, err := c.read(ctx, "exists", p, kindExists, false)
	return r.stat, r.exists, err
}

// Children returns the names of a znode's children, sorted.
func (c *Conn) Children(ctx context.Context, p string) ([]string, error) {
	r, err := c.read(ctx, "children", p, kindChildren, false)
	return r.names, err
}

func (c *Conn) read(ctx context.Context, op, p string, k kind, watch bool) (reply, error) {
	full := c.full(p)
	if !valid(full, false) {
		return reply{}, &zkconn.CallError{Op: op, Path: p, Err: errInvalidPath}
	}
	return c.call(ctx, flight{op: op, path: p, kind: k, full: full, watch: watch, repeat: true})
}

// Create makes a znode and returns its path, which for sequential modes is
// chosen by the server. The parent must exist.
func (c *Conn) Create(ctx context.Context, p string, data []byte, mode zkconn.Mode) (string, error) {
	r, err := c.write(ctx, "create", p, zkconn.CreateOp(p, data, mode))
	return strings.TrimPrefix(r.Path, c.opts.Root), err
}

// Set replaces the data of a znode of that version; -1 means any.
func (c *Conn) Set(ctx context.Context, p string, data []byte, version int32) (zkconn.Stat, error) {
	r, err := c.write(ctx, "set", p, zkconn.SetOp(p, data, version))
	return r.Stat, err
}

// Delete removes a znode of that version; -1 means any.
func (c *Conn) Delete(ctx context.Context, p string, version int32) error {
	_, err := c.write(ctx, "delete", p, zkconn.DeleteOp(p, version))
	return err
}

func (c *Conn) write(ctx context.Context, name, p string, op zkconn.Op) (zkconn.OpResult, error) {
	op.Path, op.Data = c.full(p), slices.Clone(op.Data)
	if !valid(op.Path, op.Mode&zkconn.Sequential != 0) {
		return zkconn.OpResult{}, &zkconn.CallError{Op: name, Path: p, Err: errInvalidPath}
	}
	r, err := c.call(ctx, flight{op: name, path: p, kind: kindWrite, ops: []zkconn.Op{op}})
	if err != nil {
		return zkconn.OpResult{}, err
	}
	return r.results[0], nil
}

// Multi applies all operations or none. When one of them fails the error is a
// *zkconn.MultiError.
func (c *Conn) Multi(ctx context.Context, ops ...zkconn.Op) ([]zkconn.OpResult, error) {
	full := slices.Clone(ops)
	for i := range full {
		full[i].Path, full[i].Data = c.full(ops[i].Path), slices.Clone(ops[i].Data)
	}
	r, err := c.call(ctx, flight{op: "multi", kind: kindWrite, ops: full})
	if err != nil {
		if r.err != nil {
			return nil, &zkconn.MultiError{Index: r.failed, Op: ops[r.failed], Err: r.err}
		}
		return nil, err
	}
	results := slices.Clone(r.results)
	for i := range results {
		results[i].Path = strings.TrimPrefix(results[i].Path, c.opts.Root)
	}
	return results, nil
}

// Sync makes later reads of this Conn see everything that was committed
// before, and settles every write begun before.
func (c *Conn) Sync(ctx context.Context) error {
	f := flight{op: "sync", kind: kindSync, repeat: true}
	ctx, cancel := context.WithTimeout(ctx, c.opts.CallTimeout)
	defer cancel()
	err := c.awaitWrites(ctx)
	c.client.awaitRunning(f.name())
	if err != nil {
		return c.failure(&f, false, err)
	}
	_, err = c.call(ctx, f)
	return err
}

// EnsurePath creates a persistent znode without data, and its parents, the
// root's included, where they are missing.
func (c *Conn) EnsurePath(ctx context.Context, p string) error {
	if _, yes, err := c.Exists(ctx, p); err != nil || yes {
		return err
	}
	at := "/"
	for part := range strings.SplitSeq(strings.Trim(c.full(p), "/"), "/") {
		at = path.Join(at, part)
		if err := c.ensure(ctx, at); err != nil {
			return err
		}
	}
	return nil
}

// ensure creates one znode by its full path. It may be repeated: creating
// twice is the same as once.
func (c *Conn) ensure(ctx context.Context, full string) error {
	r, err := c.call(ctx, flight{op: "create", path: full, kind: kindExists, full: full, repeat: true})
	if err != nil || r.exists {
		return err
	}
	op := zkconn.CreateOp(full, nil, zkconn.Persistent)
	_, err = c.call(ctx, flight{op: "create", path: full, kind: kindWrite, ops: []zkconn.Op{op}, repeat: true})
	if errors.Is(err, zkconn.ErrNodeExists) {
		return nil
	}
	return err
}

// valid tells the paths that the client of zkconn sends at all.
func valid(p string, sequential bool) bool {
	if p == "/" {
		return true
	}
	if !strings.HasPrefix(p, "/") {
		return false
	}
	if sequential {
		p = strings.TrimSuffix(p, "/") // the number makes the name
	}
	for part := range strings.SplitSeq(p[1:], "/") {
		if part == "" || part == "." || part == ".." || strings.ContainsFunc(part, unprintable) {
			return false
		}
	}
	return true
}

func unprintable(r rune) bool {
	return r <= 0x1f || r >= 0x7f && r <= 0x9f || r >= 0xf000 && r <= 0xf8ff || r >= 0xfff0 && r < 0xffff
}
