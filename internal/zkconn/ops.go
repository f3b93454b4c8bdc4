package zkconn

import (
	"context"
	"errors"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/go-zookeeper/zk"
)

// Mode is the kind of a znode to create.
type Mode int32

const (
	// Persistent znodes stay until deleted.
	Persistent Mode = 0
	// Ephemeral znodes vanish with the session.
	Ephemeral Mode = zk.FlagEphemeral
	// Sequential znodes get a ten-digit number behind their name.
	Sequential Mode = zk.FlagSequence
	// EphemeralSequential is both.
	EphemeralSequential Mode = zk.FlagEphemeral | zk.FlagSequence
)

// Stat is what ZooKeeper keeps about a znode.
type Stat struct {
	// Version counts the writes of the data, from 0 at the creation.
	Version int32
	// EphemeralOwner is the session that owns an ephemeral znode, else 0.
	EphemeralOwner int64
	// CreatedZxid and ModifiedZxid are the transactions of creation and of
	// the last write.
	CreatedZxid, ModifiedZxid int64
	// Modified is the server's clock at the last write.
	Modified time.Time
	// Children counts the children.
	Children int
}

func statOf(s *zk.Stat) Stat {
	if s == nil {
		return Stat{}
	}
	return Stat{
		Version:        s.Version,
		EphemeralOwner: s.EphemeralOwner,
		CreatedZxid:    s.Czxid,
		ModifiedZxid:   s.Mzxid,
		Modified:       time.UnixMilli(s.Mtime),
		Children:       int(s.NumChildren),
	}
}

// full puts the root before a path; "/" is the root itself.
func (c *Conn) full(p string) string {
	if p == "/" {
		if c.opts.Root == "" {
			return "/"
		}
		return c.opts.Root
	}
	return c.opts.Root + p
}

type node struct {
	data []byte
	stat Stat
}

// Get returns the data of a znode.
func (c *Conn) Get(ctx context.Context, p string) ([]byte, Stat, error) {
	n, err := call(ctx, c, request{"get", p, true}, func(z *zk.Conn) (node, error) {
		data, stat, err := z.Get(c.full(p))
		return node{data, statOf(stat)}, err
	})
	return n.data, n.stat, err
}

// Exists tells whether a znode exists. Look at the error first.
func (c *Conn) Exists(ctx context.Context, p string) (Stat, bool, error) {
	type found struct {
		stat Stat
		yes  bool
	}
	f, err := call(ctx, c, request{"exists", p, true}, func(z *zk.Conn) (found, error) {
		yes, stat, err := z.Exists(c.full(p))
		if err != nil || !yes {
			return found{}, err
		}
		return found{statOf(stat), true}, nil
	})
	return f.stat, f.yes, err
}

// Children returns the names of a znode's children, sorted.
func (c *Conn) Children(ctx context.Context, p string) ([]string, error) {
	return call(ctx, c, request{"children", p, true}, func(z *zk.Conn) ([]string, error) {
		names, _, err := z.Children(c.full(p))
		slices.Sort(names)
		return names, err
	})
}

// Create makes a znode and returns its path, which for sequential modes is
// chosen by the server. The parent must exist.
func (c *Conn) Create(ctx context.Context, p string, data []byte, mode Mode) (string, error) {
	return call(ctx, c, request{"create", p, false}, func(z *zk.Conn) (string, error) {
		created, err := z.Create(c.full(p), data, int32(mode), c.acl)
		return strings.TrimPrefix(created, c.opts.Root), err
	})
}

// Set replaces the data of a znode of that version; -1 means any.
func (c *Conn) Set(ctx context.Context, p string, data []byte, version int32) (Stat, error) {
	return call(ctx, c, request{"set", p, false}, func(z *zk.Conn) (Stat, error) {
		stat, err := z.Set(c.full(p), data, version)
		return statOf(stat), err
	})
}

// Delete removes a znode of that version; -1 means any.
func (c *Conn) Delete(ctx context.Context, p string, version int32) error {
	_, err := call(ctx, c, request{"delete", p, false}, func(z *zk.Conn) (struct{}, error) {
		return struct{}{}, z.Delete(c.full(p), version)
	})
	return err
}

// Sync makes later reads of this Conn see everything that was committed
// before, and settles every write begun before: none of them can take effect
// afterwards.
func (c *Conn) Sync(ctx context.Context) error {
	r := request{op: "sync", read: true}
	ctx, cancel := context.WithTimeout(ctx, c.opts.CallTimeout)
	defer cancel()
	if err := c.awaitWrites(ctx); err != nil {
		return c.failure(r, false, err)
	}
	_, err := call(ctx, c, r, func(z *zk.Conn) (string, error) { return z.Sync(c.full("/")) })
	return err
}

// EnsurePath creates a persistent znode without data, and its parents, the
// root's included, where they are missing. The parents of the root stay open
// to everyone, so that others can keep their own roots beside it.
func (c *Conn) EnsurePath(ctx context.Context, p string) error {
	if _, yes, err := c.Exists(ctx, p); err != nil || yes {
		return err
	}
	parts := strings.Split(strings.Trim(c.full(p), "/"), "/")
	at := "/"
	for _, part := range parts {
		at = path.Join(at, part)
		acl := c.acl
		if len(at) < len(c.opts.Root) {
			acl = zk.WorldACL(zk.PermAll)
		}
		if err := c.ensure(ctx, at, acl); err != nil {
			return err
		}
	}
	return nil
}

// ensure creates one znode by its full path. It is marked as a read because
// it may be repeated: creating twice is the same as once.
func (c *Conn) ensure(ctx context.Context, full string, acl []zk.ACL) error {
	_, err := call(ctx, c, request{"create", full, true}, func(z *zk.Conn) (struct{}, error) {
		yes, _, err := z.Exists(full)
		if err != nil || yes {
			return struct{}{}, err
		}
		_, err = z.Create(full, nil, 0, acl)
		return struct{}{}, err
	})
	if errors.Is(err, ErrNodeExists) {
		return nil
	}
	return err
}
