package rpmfile

import (
	"compress/bzip2"
	"compress/gzip"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
	"github.com/ulikunitz/xz/lzma"
)

// maxDictionary bounds the memory of a decompressor. That of xz -9 is 64 MiB.
const maxDictionary = 128 << 20

// decompress reads the payload by the word that the header has for its
// compression; packages without one are of the time when all had gzip. The
// closer ends what works beside.
func decompress(r io.Reader, compression string) (io.ReadCloser, error) {
	switch compression {
	case "gzip", "":
		return gzip.NewReader(r)
	case "bzip2":
		return io.NopCloser(bzip2.NewReader(r)), nil
	case "xz":
		x, err := xz.ReaderConfig{DictCap: maxDictionary}.NewReader(r)
		return noCloser(x, err)
	case "lzma":
		x, err := lzma.ReaderConfig{DictCap: maxDictionary}.NewReader(r)
		return noCloser(x, err)
	case "zstd":
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxDictionary))
		if err != nil {
			return nil, err
		}
		return z.IOReadCloser(), nil
	case "uncompressed":
		return io.NopCloser(r), nil
	}
	return nil, fmt.Errorf("its payload is compressed by %q, which is not known", compression)
}

func noCloser(r io.Reader, err error) (io.ReadCloser, error) {
	if err != nil {
		return nil, err
	}
	return io.NopCloser(r), nil
}
