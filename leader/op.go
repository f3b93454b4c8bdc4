package leader

// OpKind says what an Op does.
type OpKind int

const (
	// OpCreate makes a persistent znode; it fails when the znode is there.
	OpCreate OpKind = iota + 1
	// OpSet replaces the data of a znode at a known version.
	OpSet
	// OpDelete removes a znode at a known version.
	OpDelete
)

// Op is one write of a commit. Path is relative to the framework's root, for
// example "/framework".
type Op struct {
	Kind    OpKind
	Path    string
	Data    []byte
	Version int32
}

// Create makes a znode.
func Create(path string, data []byte) Op { return Op{Kind: OpCreate, Path: path, Data: data} }

// Set replaces the data of a znode whose version is known.
func Set(path string, data []byte, version int32) Op {
	return Op{Kind: OpSet, Path: path, Data: data, Version: version}
}

// Delete removes a znode whose version is known.
func Delete(path string, version int32) Op {
	return Op{Kind: OpDelete, Path: path, Version: version}
}

// Entry is one znode as it was read.
type Entry struct {
	Data    []byte
	Version int32
}

// Snapshot holds znodes by path.
type Snapshot map[string]Entry
