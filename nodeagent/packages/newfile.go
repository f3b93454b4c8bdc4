package packages

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
)

// writeNew writes a file that does not exist, durably, and notes its size and
// checksum.
func writeNew(at string, content io.Reader, f *file) (err error) {
	out, err := os.OpenFile(at, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	digest := sha256.New()
	if f.Size, err = io.Copy(io.MultiWriter(out, digest), content); err != nil {
		return err
	}
	f.SHA256 = hex.EncodeToString(digest.Sum(nil))
	if err := out.Chmod(f.Mode); err != nil {
		return err
	}
	return out.Sync()
}
