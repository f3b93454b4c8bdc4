package artifacts

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"scaleio-framework/nodeagent/hostfs"
)

// Times of a fetch. The body as a whole may take as long as the step has time,
// as long as something comes.
const (
	// headerTimeout bounds the wait for a source's answer.
	headerTimeout = 15 * time.Second
	// stallTimeout ends a fetch that brings nothing for so long.
	stallTimeout = time.Minute
)

// partial is the name of a file that is not complete, beside the complete one.
const partial = ".partial"

// localError is a failure of this host: another source would not mend it.
type localError struct{ err error }

func (e localError) Error() string { return e.err.Error() }

func (e localError) Unwrap() error { return e.err }

// fetch gets a file from one source, from where an earlier fetch was cut off.
// When what was joined is not the file wanted, the earlier part may have been
// of another file: it is fetched once more, as a whole.
func (c *Cache) fetch(ctx context.Context, address string, size int64, sum, file string) error {
	part := filepath.Join(filepath.Dir(file), partial)
	resumed, err := c.fetchInto(ctx, address, size, sum, part)
	var wrong wrongFile
	if resumed && errors.As(err, &wrong) {
		_, err = c.fetchInto(ctx, address, size, sum, part)
	}
	if err != nil {
		return err
	}
	if err := os.Rename(part, file); err != nil {
		return localError{err}
	}
	if err := hostfs.SyncDir(filepath.Dir(file)); err != nil {
		return localError{err}
	}
	return nil
}

// fetchInto completes a partial file. It keeps what is of use to a later fetch
// and nothing else; resumed tells that an earlier part was used.
func (c *Cache) fetchInto(ctx context.Context, address string, size int64, sum, part string) (resumed bool, err error) {
	out, err := os.OpenFile(part, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return false, localError{err}
	}
	cut := false
	defer func() {
		err = errors.Join(err, out.Close())
		if err != nil && !cut {
			if removeErr := os.Remove(part); !errors.Is(removeErr, fs.ErrNotExist) {
				err = errors.Join(err, removeErr)
			}
		}
	}()
	digest := sha256.New()
	info, err := out.Stat()
	if err != nil {
		return false, localError{err}
	}
	have, err := io.Copy(digest, io.LimitReader(out, info.Size()))
	if err != nil {
		return false, localError{err}
	}
	if have >= size {
		have, err = 0, restart(out, digest) // it was not renamed, so it was not the file
		if err != nil {
			return false, err
		}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	res, err := c.ask(ctx, address, have, size)
	if err != nil {
		// The part is still good: the source was not there.
		var wrong wrongFile
		cut = have > 0 && !errors.As(err, &wrong)
		return have > 0, err
	}
	defer func() { _ = res.Body.Close() }() // read only
	if res.StatusCode != http.StatusPartialContent && have > 0 {
		// The source begins anew.
		if have, err = 0, restart(out, digest); err != nil {
			return false, err
		}
	}
	got, err := c.write(ctx, cancel, res.Body, io.MultiWriter(digest, writer{out}), size-have)
	var local localError
	switch {
	case errors.As(err, &local):
		return have > 0, err
	case err != nil:
		cut = true
		return have > 0, fmt.Errorf("it broke off after %d of %d bytes: %w", have+got, size, err)
	}
	if err := matches(have+got, hex.EncodeToString(digest.Sum(nil)), size, sum); err != nil {
		return have > 0, err
	}
	if err := out.Sync(); err != nil {
		return have > 0, localError{err}
	}
	return have > 0, nil
}

// restart empties a partial file.
func restart(out *os.File, digest hash.Hash) error {
	digest.Reset()
	if err := out.Truncate(0); err != nil {
		return localError{err}
	}
	if _, err := out.Seek(0, io.SeekStart); err != nil {
		return localError{err}
	}
	return nil
}

// ask requests a file from an offset. An answer that cannot become the file
// wanted is an error.
func (c *Cache) ask(ctx context.Context, address string, have, size int64) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return nil, err
	}
	if have > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", have))
	}
	res, err := c.client.Do(req)
	if err != nil {
		return nil, err
	}
	refuse := func(err error) (*http.Response, error) {
		_ = res.Body.Close() // the error says more
		return nil, err
	}
	want := size
	switch res.StatusCode {
	case http.StatusOK:
	case http.StatusPartialContent:
		var from, to, all int64
		area := res.Header.Get("Content-Range")
		if n, err := fmt.Sscanf(area, "bytes %d-%d/%d", &from, &to, &all); n != 3 || err != nil || from != have || to != size-1 || all != size {
			return refuse(wrongFile{fmt.Sprintf("it answers the bytes %q, asked for were those from %d on of %d", area, have, size)})
		}
		want -= have
	case http.StatusRequestedRangeNotSatisfiable:
		return refuse(wrongFile{fmt.Sprintf("it has no bytes from %d on of %d expected", have, size)})
	default:
		return refuse(fmt.Errorf("it answers %s", res.Status))
	}
	if res.ContentLength >= 0 && res.ContentLength != want {
		return refuse(matches(size-want+res.ContentLength, "", size, ""))
	}
	return res, nil
}

// write copies a body, and one byte more than expected of one that is too long.
// It ends a body that stalls.
func (c *Cache) write(ctx context.Context, cancel context.CancelCauseFunc, body io.Reader, to io.Writer, rest int64) (int64, error) {
	stalled := time.AfterFunc(c.stall, func() { cancel(fmt.Errorf("nothing came for %s", c.stall)) })
	defer stalled.Stop()
	n, err := io.Copy(to, io.LimitReader(alive{body, stalled, c.stall}, rest+1))
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return n, err
}

// alive puts off the end of a body whenever something comes.
type alive struct {
	body    io.Reader
	stalled *time.Timer
	after   time.Duration
}

func (a alive) Read(p []byte) (int, error) {
	n, err := a.body.Read(p)
	if n > 0 {
		a.stalled.Reset(a.after)
	}
	return n, err
}

// writer marks the failures of this host's disk.
type writer struct{ out *os.File }

func (w writer) Write(p []byte) (int, error) {
	n, err := w.out.Write(p)
	if err != nil {
		err = localError{fmt.Errorf("%w: free space for the node agent's state", err)}
	}
	return n, err
}
