// Package rpmfiletest writes rpm package files for tests, bad ones among them:
// rpmbuild makes only good ones.
package rpmfiletest

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/cavaliergopher/cpio"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

// Types of files, beside their permissions, as in the mode of an Entry.
const (
	Regular = 0o100000
	Dir     = 0o040000
	Link    = 0o120000
	Char    = 0o020000
)

// Entry is a file of a package.
type Entry struct {
	Name string
	Mode uint32 // type and permissions; a plain file with 0644 when 0
	Body string // content, or a link's target
	// Inode and Links are of a file with several names.
	Inode, Links int
}

// Package is what is written.
type Package struct {
	Name, Version, Release string
	// Compression is gzip, xz, zstd, uncompressed, or any word with a payload
	// that is not compressed.
	Compression string
	Entries     []Entry
}

// File returns the package file.
func (p Package) File() []byte {
	lead := make([]byte, 96)
	copy(lead, []byte{0xed, 0xab, 0xee, 0xdb, 3, 0, 0, 0, 0, 1})
	copy(lead[10:], p.Name)
	var b bytes.Buffer
	b.Write(lead)
	b.Write(header(map[uint32]string{62: "signatures"}))
	b.Write(make([]byte, (8-b.Len()%8)%8))
	b.Write(header(map[uint32]string{
		1000: p.Name, 1001: p.Version, 1002: p.Release, 1124: "cpio", 1125: p.Compression,
	}))
	b.Write(p.payload())
	return b.Bytes()
}

// Write writes the package file.
func (p Package) Write(file string) error { return os.WriteFile(file, p.File(), 0o644) }

// header has texts only, the empty ones left out.
func header(texts map[uint32]string) []byte {
	var index, store bytes.Buffer
	for tag := uint32(0); tag < 2000; tag++ {
		if texts[tag] == "" {
			continue
		}
		_ = binary.Write(&index, binary.BigEndian, []uint32{tag, 6, uint32(store.Len()), 1})
		store.WriteString(texts[tag] + "\x00")
	}
	out := []byte{0x8e, 0xad, 0xe8, 0x01, 0, 0, 0, 0}
	out = binary.BigEndian.AppendUint32(out, uint32(index.Len()/16))
	out = binary.BigEndian.AppendUint32(out, uint32(store.Len()))
	return append(append(out, index.Bytes()...), store.Bytes()...)
}

func (p Package) payload() []byte {
	var b bytes.Buffer
	to := compressor(&b, p.Compression)
	archive := cpio.NewWriter(to)
	for i, e := range p.Entries {
		h := &cpio.Header{Name: e.Name, Mode: cpio.FileMode(e.Mode), Size: int64(len(e.Body)), Links: e.Links, Inode: int64(e.Inode)}
		if h.Mode == 0 {
			h.Mode = Regular | 0o644
		}
		if h.Links == 0 {
			h.Links, h.Inode = 1, int64(1000+i)
		}
		must(archive.WriteHeader(h))
		_, err := io.Copy(archive, strings.NewReader(e.Body))
		must(err)
	}
	must(archive.Close())
	must(to.Close())
	return b.Bytes()
}

func compressor(b *bytes.Buffer, compression string) io.WriteCloser {
	switch compression {
	case "gzip", "":
		return gzip.NewWriter(b)
	case "xz":
		w, err := xz.NewWriter(b)
		must(err)
		return w
	case "zstd":
		w, err := zstd.NewWriter(b)
		must(err)
		return w
	default:
		return plain{b}
	}
}

type plain struct{ io.Writer }

func (plain) Close() error { return nil }

// must: what is written goes to memory.
func must(err error) {
	if err != nil {
		panic(fmt.Sprintf("write a package: %v", err))
	}
}
