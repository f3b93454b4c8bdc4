package rpmfile

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/cavaliergopher/cpio"
)

// Package is a package file that is being read.
type Package struct {
	Name string
	// Version and Release are as the vendor wrote them: 2.6, 11000.113.el7.
	Version, Release string

	payload io.Closer
	archive *cpio.Reader
	last    *lastRead
	left    int64 // bytes of the present file that were not read
}

// Entry is one file in a package.
type Entry struct {
	// Name is absolute and clean.
	Name string
	// Mode has the type (a file, a directory or a symbolic link) and the
	// permissions, setuid, setgid and sticky among them.
	Mode fs.FileMode
	// Size of a file, in bytes.
	Size int64
	// Target of a symbolic link, as it stands in the package.
	Target string
	// Inode is the same for the names of one file with several; only the last
	// of them has content. 0 for a file with one name.
	Inode int64
}

// Read reads what describes a package. The files follow by Next.
func Read(r io.Reader) (*Package, error) {
	buffered := bufio.NewReader(r)
	if err := readLead(buffered); err != nil {
		return nil, err
	}
	if _, err := readHeader(buffered, true); err != nil {
		return nil, fmt.Errorf("its signatures: %w", err)
	}
	h, err := readHeader(buffered, false)
	if err != nil {
		return nil, fmt.Errorf("its header: %w", err)
	}
	p := &Package{Name: h[tagName], Version: h[tagVersion], Release: h[tagRelease]}
	for _, field := range []struct{ what, text string }{{"name", p.Name}, {"version", p.Version}, {"release", p.Release}} {
		if field.text == "" || strings.ContainsFunc(field.text, func(r rune) bool { return r <= ' ' || r > '~' || r == '/' }) {
			return nil, fmt.Errorf("its header has the %s %q", field.what, field.text)
		}
	}
	if format := h[tagFormat]; format != "" && format != "cpio" {
		return nil, fmt.Errorf("its payload is %q, want cpio", format)
	}
	payload, err := decompress(buffered, h[tagCompression])
	if err != nil {
		return nil, fmt.Errorf("its payload: %w", broken(err))
	}
	p.payload, p.last = payload, &lastRead{r: payload}
	p.archive = cpio.NewReader(p.last)
	return p, nil
}

// Close ends the reading.
func (p *Package) Close() error { return p.payload.Close() }

// Next goes to the next file; io.EOF behind the last one.
func (p *Package) Next() (Entry, error) {
	h, err := p.archive.Next()
	if errors.Is(err, io.EOF) && string(p.last.bytes) == trailer {
		return Entry{}, io.EOF
	}
	if err != nil {
		return Entry{}, fmt.Errorf("its payload: %w", broken(err))
	}
	e := Entry{Size: h.Size, Target: h.Linkname}
	if e.Name, err = clean(h.Name); err != nil {
		return Entry{}, err
	}
	if h.Size < 0 || h.Links < 0 || h.Inode < 0 {
		return Entry{}, fmt.Errorf("%s: the archive's numbers are negative", e.Name)
	}
	if e.Mode, err = mode(h.Mode); err != nil {
		return Entry{}, fmt.Errorf("%s: %w", e.Name, err)
	}
	if link := e.Mode&fs.ModeSymlink != 0; link && (e.Target == "" || !readable(e.Target)) {
		return Entry{}, fmt.Errorf("%s: it is a symbolic link to %q", e.Name, e.Target)
	}
	if e.Mode.IsRegular() && h.Links > 1 {
		e.Inode = h.Inode
	}
	p.left = h.Size
	return e, nil
}

// Read reads the content of the file that Next went to.
func (p *Package) Read(b []byte) (int, error) {
	if p.left == 0 {
		return 0, io.EOF
	}
	n, err := p.archive.Read(b)
	p.left -= int64(n)
	if err != nil && p.left > 0 {
		return n, fmt.Errorf("its payload: %w", broken(err))
	}
	return n, nil
}

// trailer is how the name of an archive's last entry is written. The reader
// takes an archive that is cut off between two files for one that ended.
const trailer = "TRAILER!!!\x00"

// lastRead keeps the last bytes that were read.
type lastRead struct {
	r     io.Reader
	bytes []byte
}

func (l *lastRead) Read(b []byte) (int, error) {
	n, err := l.r.Read(b)
	l.bytes = append(l.bytes, b[max(0, n-len(trailer)):n]...)
	l.bytes = l.bytes[max(0, len(l.bytes)-len(trailer)):]
	return n, err
}

// clean takes "./opt/x" and "/opt/x" for the same, and nothing that leads
// elsewhere.
func clean(name string) (string, error) {
	if !readable(name) {
		return "", fmt.Errorf("the file name %q holds more than text", name)
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == ".." {
			return "", fmt.Errorf("the file name %q has .. in it, which leads out of the package", name)
		}
	}
	return path.Clean("/" + name), nil
}

// readable tells names that can be written down and shown as they are.
func readable(name string) bool {
	return utf8.ValidString(name) && !strings.ContainsFunc(name, unicode.IsControl)
}

func mode(m cpio.FileMode) (fs.FileMode, error) {
	mode := fs.FileMode(m & 0o777)
	for bit, is := range map[cpio.FileMode]fs.FileMode{0o4000: fs.ModeSetuid, 0o2000: fs.ModeSetgid, 0o1000: fs.ModeSticky} {
		if m&bit != 0 {
			mode |= is
		}
	}
	switch m & 0o170000 {
	case 0o100000:
		return mode, nil
	case 0o040000:
		return mode | fs.ModeDir, nil
	case 0o120000:
		return mode | fs.ModeSymlink, nil
	}
	return 0, fmt.Errorf("it is of type %#o, neither a file, a directory nor a symbolic link", m&0o170000)
}
