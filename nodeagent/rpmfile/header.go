package rpmfile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// The tags of the header that are read.
const (
	tagName        = 1000
	tagVersion     = 1001
	tagRelease     = 1002
	tagFormat      = 1124 // of the payload
	tagCompression = 1125
)

// Types of values that hold texts, each ended by a zero.
const (
	typeString      = 6
	typeStringArray = 8
	typeI18NString  = 9
)

// Limits of a header, which rpm has likewise; those of rpm are higher.
const (
	maxIndex = 1 << 16 // entries
	maxStore = 32 << 20
	maxText  = 256 // bytes of one of the texts that are read
)

var (
	leadMagic   = []byte{0xed, 0xab, 0xee, 0xdb}
	headerMagic = []byte{0x8e, 0xad, 0xe8, 0x01}
)

// ErrNoRPM says that a file does not begin as a package file does.
var ErrNoRPM = errors.New("it is no rpm package")

// readLead skips the first part, which says nothing that the header does not.
func readLead(r io.Reader) error {
	var lead [96]byte
	if _, err := io.ReadFull(r, lead[:]); err != nil || !bytes.Equal(lead[:4], leadMagic) {
		return ErrNoRPM
	}
	if lead[7] == 1 {
		return errors.New("it is a package of sources")
	}
	return nil
}

// header holds the texts of a header by their tags.
type header map[uint32]string

// readHeader reads one header; that of the signatures is padded to eight bytes.
func readHeader(r io.Reader, padded bool) (header, error) {
	var intro [16]byte
	if _, err := io.ReadFull(r, intro[:]); err != nil {
		return nil, broken(err)
	}
	if !bytes.Equal(intro[:4], headerMagic) {
		return nil, errors.New("a header does not begin as one")
	}
	entries, size := binary.BigEndian.Uint32(intro[8:]), binary.BigEndian.Uint32(intro[12:])
	if entries > maxIndex || size > maxStore {
		return nil, fmt.Errorf("a header has %d entries and %d bytes, at most %d and %d are read", entries, size, maxIndex, maxStore)
	}
	index, err := take(r, int64(entries)*16)
	if err != nil {
		return nil, err
	}
	store, err := take(r, int64(size))
	if err != nil {
		return nil, err
	}
	if padded {
		if _, err := take(r, int64((8-size%8)%8)); err != nil {
			return nil, err
		}
	}
	h := header{}
	for ; len(index) > 0; index = index[16:] {
		tag, kind, at := binary.BigEndian.Uint32(index), binary.BigEndian.Uint32(index[4:]), binary.BigEndian.Uint32(index[8:])
		if kind != typeString && kind != typeStringArray && kind != typeI18NString {
			continue
		}
		if uint64(at) >= uint64(len(store)) {
			return nil, fmt.Errorf("the value of tag %d is outside of its header", tag)
		}
		text, _, ended := bytes.Cut(store[at:min(len(store), int(at)+maxText+1)], []byte{0})
		if ended {
			h[tag] = string(text) // of an array, the first
		}
	}
	return h, nil
}

// take reads exactly n bytes. The memory grows with what comes, not with what
// was promised.
func take(r io.Reader, n int64) ([]byte, error) {
	var b bytes.Buffer
	if _, err := io.CopyN(&b, r, n); err != nil {
		return nil, broken(err)
	}
	return b.Bytes(), nil
}

// broken is the error of a file that ends too early.
func broken(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("it ends in its middle: copy it again")
	}
	return err
}
