package zkmodel

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"scaleio-framework/internal/zkconn"
)

// Refusals that have no sentinel of their own.
var (
	errBadArguments    = fmt.Errorf("%w: bad arguments", zkconn.ErrRejected)
	errEphemeralParent = fmt.Errorf("%w: ephemeral znodes have no children", zkconn.ErrRejected)
	errInvalidPath     = fmt.Errorf("%w: invalid path", zkconn.ErrRejected)
)

// znode is one node of a tree. Its data is never changed in place.
type znode struct {
	data     []byte
	version  int32
	owner    int64
	created  int64
	modified int64
	at       time.Time
	children map[string]struct{}
	creates  int // of children, ever: the number of the next sequential one
}

func (z *znode) stat() zkconn.Stat {
	return zkconn.Stat{
		Version: z.version, EphemeralOwner: z.owner, CreatedZxid: z.created, ModifiedZxid: z.modified,
		Modified: z.at, Children: len(z.children),
	}
}

// tree is the data of one server, by full path.
type tree map[string]*znode

func newTree() tree { return tree{"/": {}} }

// stamp is what a transaction leaves on the znodes that it writes.
type stamp struct {
	zxid    int64
	at      time.Time
	session int64
}

// apply carries out all operations or none. The results are those of the
// operations; failed is the index of the one that err is about. The returned
// operations are what was done, with the names of sequential znodes resolved.
func (t tree) apply(ops []zkconn.Op, s stamp) (done []zkconn.Op, results []zkconn.OpResult, failed int, err error) {
	var undo []func()
	for i, op := range ops {
		result, back, err := t.one(&op, s)
		if err != nil {
			for _, back := range slices.Backward(undo) {
				back()
			}
			return nil, nil, i, err
		}
		undo = append(undo, back)
		done = append(done, op)
		results = append(results, result)
	}
	return done, results, 0, nil
}

// one carries out a single operation and returns how to take it back. The
// order of the checks is the server's.
func (t tree) one(op *zkconn.Op, s stamp) (zkconn.OpResult, func(), error) {
	if op.Kind == zkconn.OpCreate {
		return t.create(op, s)
	}
	z := t[op.Path]
	switch {
	case op.Kind == zkconn.OpDelete && op.Path == "/":
		return zkconn.OpResult{}, nil, errBadArguments
	case z == nil:
		return zkconn.OpResult{}, nil, zkconn.ErrNoNode
	case op.Version != -1 && op.Version != z.version:
		return zkconn.OpResult{}, nil, zkconn.ErrBadVersion
	}
	switch op.Kind {
	case zkconn.OpSet:
		before := *z
		z.data, z.version, z.modified, z.at = op.Data, z.version+1, s.zxid, s.at
		return zkconn.OpResult{Stat: z.stat()}, func() { *z = before }, nil
	case zkconn.OpDelete:
		if len(z.children) > 0 {
			return zkconn.OpResult{}, nil, zkconn.ErrNotEmpty
		}
		parent, name := t[path.Dir(op.Path)], path.Base(op.Path)
		delete(parent.children, name)
		delete(t, op.Path)
		return zkconn.OpResult{}, func() { parent.children[name] = struct{}{}; t[op.Path] = z }, nil
	default:
		return zkconn.OpResult{}, func() {}, nil
	}
}

func (t tree) create(op *zkconn.Op, s stamp) (zkconn.OpResult, func(), error) {
	at := op.Path[:strings.LastIndexByte(op.Path, '/')]
	if at == "" {
		at = "/"
	}
	parent := t[at]
	if parent == nil {
		return zkconn.OpResult{}, nil, zkconn.ErrNoNode
	}
	if op.Mode&zkconn.Sequential != 0 {
		op.Path = fmt.Sprintf("%s%010d", op.Path, parent.creates)
		op.Mode &^= zkconn.Sequential
	}
	if t[op.Path] != nil {
		return zkconn.OpResult{}, nil, zkconn.ErrNodeExists
	}
	if parent.owner != 0 {
		return zkconn.OpResult{}, nil, errEphemeralParent
	}
	z := &znode{data: op.Data, created: s.zxid, modified: s.zxid, at: s.at}
	if op.Mode&zkconn.Ephemeral != 0 {
		z.owner = s.session
	}
	if parent.children == nil {
		parent.children = map[string]struct{}{}
	}
	created, name := op.Path, path.Base(op.Path)
	t[created], parent.children[name] = z, struct{}{}
	parent.creates++
	return zkconn.OpResult{Path: created}, func() {
		parent.creates--
		delete(parent.children, name)
		delete(t, created)
	}, nil
}

// ephemerals are the operations that a session leaves behind.
func (t tree) ephemerals(session int64) (ops []zkconn.Op) {
	for _, p := range slices.Sorted(maps.Keys(t)) {
		if t[p].owner == session {
			ops = append(ops, zkconn.DeleteOp(p, -1))
		}
	}
	return ops
}

func (t tree) names(p string) []string { return slices.Sorted(maps.Keys(t[p].children)) }
