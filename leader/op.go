package leader

import (
	"fmt"
	"strings"

	"scaleio-framework/internal/zkconn"
)

// Limits of a commit, below ZooKeeper's own packet limit of 1 MiB.
const (
	// MaxOps is the number of operations.
	MaxOps = 500
	// MaxBytes is the sum over paths and data.
	MaxBytes = 512 << 10
	// MaxRecord is the data of one znode.
	MaxRecord = 64 << 10
)

// OpKind is what an operation does.
type OpKind int

const (
	// KindCreate makes a persistent znode.
	KindCreate OpKind = iota
	// KindSet replaces a znode's data.
	KindSet
	// KindDelete removes a znode.
	KindDelete
)

// String names the kind as errors show it.
func (k OpKind) String() string {
	switch k {
	case KindCreate:
		return "create"
	case KindSet:
		return "set"
	case KindDelete:
		return "delete"
	default:
		return "unknown"
	}
}

// Op is one operation of a commit. Make it with Create, Set or Delete.
type Op struct {
	Kind OpKind
	// Path is relative to the root, such as "/framework".
	Path string
	Data []byte
	// Version is the one last read; "any" is not possible.
	Version int32
}

// Create makes a persistent znode, whose parent must exist.
func Create(path string, data []byte) Op { return Op{Kind: KindCreate, Path: path, Data: data} }

// Set replaces the data of the znode of that version.
func Set(path string, data []byte, version int32) Op {
	return Op{Kind: KindSet, Path: path, Data: data, Version: version}
}

// Delete removes the znode of that version.
func Delete(path string, version int32) Op {
	return Op{Kind: KindDelete, Path: path, Version: version}
}

// Result is what an applied operation gave.
type Result struct {
	// Version is the znode's version now: 0 after a Create.
	Version int32
}

// Entry is one znode of a Snapshot.
type Entry struct {
	Data    []byte
	Version int32
}

// Snapshot maps paths to znodes.
type Snapshot map[string]Entry

// Validate checks operations as Commit does before it sends anything: the
// errors are ErrInvalid and ErrTooLarge.
func Validate(ops []Op) error {
	if len(ops) > MaxOps {
		return fmt.Errorf("%w: %d operations, at most %d", ErrTooLarge, len(ops), MaxOps)
	}
	total := 0
	for _, op := range ops {
		if err := op.validate(); err != nil {
			return err
		}
		total += len(op.Path) + len(op.Data)
	}
	if total > MaxBytes {
		return fmt.Errorf("%w: %d bytes, at most %d", ErrTooLarge, total, MaxBytes)
	}
	return nil
}

func (op Op) validate() error {
	switch {
	case op.Kind < KindCreate || op.Kind > KindDelete:
		return fmt.Errorf("%w operation on %s: kind %d", ErrInvalid, op.Path, int(op.Kind))
	case !strings.HasPrefix(op.Path, "/"):
		return fmt.Errorf("%w operation: path %q does not start with a slash", ErrInvalid, op.Path)
	case reserved(op.Path):
		return fmt.Errorf("%w operation: %s belongs to the election", ErrInvalid, op.Path)
	case op.Kind != KindCreate && op.Version < 0:
		return fmt.Errorf("%w operation: %s %s without the version last read", ErrInvalid, op.Kind, op.Path)
	case len(op.Data) > MaxRecord:
		return fmt.Errorf("%w: %s of %d bytes, a record has at most %d", ErrTooLarge, op.Path, len(op.Data), MaxRecord)
	}
	return nil
}

func (op Op) wire() zkconn.Op {
	switch op.Kind {
	case KindCreate:
		return zkconn.CreateOp(op.Path, op.Data, zkconn.Persistent)
	case KindSet:
		return zkconn.SetOp(op.Path, op.Data, op.Version)
	default:
		return zkconn.DeleteOp(op.Path, op.Version)
	}
}
