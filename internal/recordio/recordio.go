// Package recordio reads the event streams of Mesos: records, each preceded by
// its length in decimal and a newline.
//
// It is our own because mesos-go's reader ends a stream at a record of 4 MiB,
// which one OFFERS event of some thousand agents exceeds, and panics on a
// length that does not fit an int. Decoding of what the records hold goes
// through Decode, for the same kind of reason.
package recordio

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// MaxRecord bounds a record, in bytes: far above an OFFERS event of ten
// thousand agents at about a kilobyte each, far below what would hurt us.
const MaxRecord = 64 << 20

// maxHeader is the text of the largest 64-bit number and a newline.
const maxHeader = 21

// ErrMalformed marks bytes that are no RecordIO, or a record that its decoder
// choked on.
var ErrMalformed = errors.New("malformed record")

// Reader reads records one by one. It is not safe for concurrent use.
type Reader struct {
	in  *bufio.Reader
	buf bytes.Buffer
}

// NewReader reads records from a response body.
func NewReader(body io.Reader) *Reader {
	return &Reader{in: bufio.NewReaderSize(body, 16<<10)}
}

// Next returns the next record, valid until the call after. The error is
// io.EOF where the stream ended between two records.
func (r *Reader) Next() ([]byte, error) {
	for {
		size, err := r.size()
		if err != nil {
			return nil, err
		}
		if size == 0 {
			continue
		}
		r.buf.Reset()
		// The buffer grows with what arrives, not with what was announced.
		if _, err := io.CopyN(&r.buf, r.in, size); err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return nil, fmt.Errorf("record of %d bytes was cut short: %w", size, err)
		}
		return r.buf.Bytes(), nil
	}
}

func (r *Reader) size() (int64, error) {
	var header []byte
	for {
		b, err := r.in.ReadByte()
		if err != nil {
			if errors.Is(err, io.EOF) && len(header) > 0 {
				err = io.ErrUnexpectedEOF
			}
			return 0, err
		}
		if b == '\n' {
			break
		}
		if header = append(header, b); len(header) >= maxHeader {
			return 0, fmt.Errorf("%w: length %q is too long", ErrMalformed, header)
		}
	}
	size, err := strconv.ParseUint(string(header), 10, 63)
	if err != nil {
		return 0, fmt.Errorf("%w: length %q is not a number", ErrMalformed, header)
	}
	if size > MaxRecord {
		return 0, fmt.Errorf("%w: %d bytes announced, at most %d are taken", ErrMalformed, size, MaxRecord)
	}
	return int64(size), nil
}

// Unmarshaler is what a record is decoded into.
type Unmarshaler interface{ Unmarshal(record []byte) error }

// Decode decodes a record. A panic of the decoder becomes an error: the
// protobuf code of mesos-go indexes out of range on some malformed input (the
// class of CVE-2021-3121), and no master shall be able to end this process.
func Decode(record []byte, into Unmarshaler) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: the decoder panicked: %v", ErrMalformed, p)
		}
	}()
	if err := into.Unmarshal(record); err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return nil
}
