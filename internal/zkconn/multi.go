package zkconn

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/go-zookeeper/zk"
)

// OpKind is what an operation of a Multi does.
type OpKind int

const (
	// OpCheck verifies the version of a znode.
	OpCheck OpKind = iota
	// OpCreate makes a znode.
	OpCreate
	// OpSet replaces the data of a znode.
	OpSet
	// OpDelete removes a znode.
	OpDelete
)

// String names the kind as errors show it.
func (k OpKind) String() string {
	switch k {
	case OpCheck:
		return "check"
	case OpCreate:
		return "create"
	case OpSet:
		return "set"
	case OpDelete:
		return "delete"
	default:
		return "unknown"
	}
}

// Op is one operation of a Multi. Make it with CheckOp, CreateOp, SetOp or
// DeleteOp.
type Op struct {
	Kind    OpKind
	Path    string
	Data    []byte
	Version int32
	Mode    Mode
}

// CheckOp fails the Multi unless the znode has that version.
func CheckOp(path string, version int32) Op {
	return Op{Kind: OpCheck, Path: path, Version: version}
}

// CreateOp makes a znode.
func CreateOp(path string, data []byte, mode Mode) Op {
	return Op{Kind: OpCreate, Path: path, Data: data, Mode: mode}
}

// SetOp replaces the data of a znode of that version; -1 means any.
func SetOp(path string, data []byte, version int32) Op {
	return Op{Kind: OpSet, Path: path, Data: data, Version: version}
}

// DeleteOp removes a znode of that version; -1 means any.
func DeleteOp(path string, version int32) Op {
	return Op{Kind: OpDelete, Path: path, Version: version}
}

// OpResult is what an applied operation gave.
type OpResult struct {
	// Path is the path of a created znode.
	Path string
	// Stat is the state after a set.
	Stat Stat
}

// MultiError says which operation of a Multi failed. Nothing was applied.
type MultiError struct {
	// Index counts the operations from 0.
	Index int
	// Op is the operation itself.
	Op Op
	// Err is one of this package's sentinels.
	Err error
}

// Error names the operation and the reason.
func (e *MultiError) Error() string {
	return fmt.Sprintf("zookeeper: multi: operation %d, %s %s: %v", e.Index, e.Op.Kind, e.Op.Path, e.Err)
}

// Unwrap gives the sentinel to errors.Is.
func (e *MultiError) Unwrap() error { return e.Err }

// Multi applies all operations or none. When one of them fails the error is a
// *MultiError; the server stops at the first that fails, so operations before
// it would have passed.
func (c *Conn) Multi(ctx context.Context, ops ...Op) ([]OpResult, error) {
	requests := make([]any, len(ops))
	for i, op := range ops {
		requests[i] = c.multiRequest(op)
	}
	responses, err := call(ctx, c, request{op: "multi"}, func(z *zk.Conn) ([]zk.MultiResponse, error) {
		responses, err := z.Multi(requests...)
		if err != nil && len(responses) > 0 {
			err = &rejection{err} // results came, so a server has decided
		}
		return responses, err
	})
	if err != nil {
		return nil, blame(err, ops, responses)
	}
	results := make([]OpResult, len(responses))
	for i, r := range responses {
		results[i] = OpResult{Path: strings.TrimPrefix(r.String, c.opts.Root), Stat: statOf(r.Stat)}
	}
	return results, nil
}

func (c *Conn) multiRequest(op Op) any {
	full := c.full(op.Path)
	switch op.Kind {
	case OpCreate:
		return &zk.CreateRequest{Path: full, Data: op.Data, Acl: c.acl, Flags: int32(op.Mode)}
	case OpSet:
		return &zk.SetDataRequest{Path: full, Data: op.Data, Version: op.Version}
	case OpDelete:
		return &zk.DeleteRequest{Path: full, Version: op.Version}
	default:
		return &zk.CheckVersionRequest{Path: full, Version: op.Version}
	}
}

// blame finds the operation that failed. The overall code is the same for
// whichever it was; only the list of results tells, in which operations
// behind the failed one carry a code of their own.
func blame(err error, ops []Op, responses []zk.MultiResponse) error {
	if errors.Is(err, ErrUnknownOutcome) {
		return err
	}
	for i, r := range responses {
		if r.Error == nil || i >= len(ops) {
			continue
		}
		sentinel, known := answer(r.Error)
		if !known {
			sentinel = fmt.Errorf("%w: %w", ErrRejected, r.Error)
		}
		return &MultiError{Index: i, Op: ops[i], Err: sentinel}
	}
	return err
}
