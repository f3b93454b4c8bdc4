// Package siob opens the archives in which the vendor ships packages for
// Ubuntu.
//
// Such a .tar holds the package as a .siob, its signature, and the program
// siob_extract, which checks the one by the other and writes a .deb of the same
// name beside it.
package siob

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"scaleio-framework/nodeagent/failure"
	"scaleio-framework/nodeagent/runner"
)

const (
	// extractor is the vendor's program in the archive.
	extractor = "siob_extract"
	// maxFiles is how many files an archive may hold; the vendor's have about
	// four.
	maxFiles = 64
	// extractTimeout bounds the vendor's program.
	extractTimeout = 10 * time.Minute
	// busyPause is between two attempts to start it.
	busyPause = 20 * time.Millisecond
	// unpacked is the directory beside the archive in which it is opened.
	unpacked = ".unpacked"
)

// Open gives f the package in an archive and removes it when f returns. Any
// other file is given as it is.
func Open(ctx context.Context, run *runner.Runner, file string, f func(file string) error) (err error) {
	if filepath.Ext(file) != ".tar" {
		return f(file)
	}
	dir := filepath.Join(filepath.Dir(file), unpacked)
	// An interrupted step may have left it.
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("open %s: %w", filepath.Base(file), err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	deb, err := extract(ctx, run, file, dir)
	if err != nil {
		return fmt.Errorf("open %s: %w", filepath.Base(file), err)
	}
	return f(deb)
}

func extract(ctx context.Context, run *runner.Runner, file, dir string) (deb string, err error) {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return "", err
	}
	archive, err := os.Open(file)
	if err != nil {
		return "", err
	}
	names, err := unpack(archive, dir)
	if err = errors.Join(err, archive.Close()); err != nil {
		return "", err
	}
	packed, err := packageOf(names)
	if err != nil {
		return "", failure.Hopeless(err)
	}
	if err := start(ctx, run, dir, packed); err != nil {
		return "", err
	}
	deb = filepath.Join(dir, strings.TrimSuffix(packed, ".siob")+".deb")
	if info, err := os.Stat(deb); err != nil || !info.Mode().IsRegular() {
		return "", fmt.Errorf("%s reported success and wrote no %s", extractor, filepath.Base(deb))
	}
	return deb, nil
}

// start runs the vendor's program. Another step that starts a program at this
// moment may still hold our file open for writing, as its child's copy, and the
// kernel runs no such file: that passes.
func start(ctx context.Context, run *runner.Runner, dir, packed string) error {
	for {
		res, err := run.Run(ctx, runner.Command{
			Argv: []string{filepath.Join(dir, extractor), packed}, Dir: dir, Timeout: extractTimeout,
		})
		switch {
		case err == nil:
			return res.Err()
		case !errors.Is(err, syscall.ETXTBSY):
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(busyPause):
		}
	}
}

// unpack writes the regular files of an archive, wherever they lie in it, side
// by side into a directory.
func unpack(archive *os.File, dir string) (names []string, err error) {
	info, err := archive.Stat()
	if err != nil {
		return nil, err
	}
	rest := info.Size() // a sparse file may claim far more than the archive has
	reader := tar.NewReader(archive)
	for {
		header, err := reader.Next()
		switch {
		case errors.Is(err, io.EOF):
			return names, nil
		case err != nil:
			return nil, failure.Hopeless(fmt.Errorf("it is no archive that can be read: %w", err))
		case header.Typeflag != tar.TypeReg:
			continue
		case len(names) == maxFiles:
			return nil, failure.Hopelessf("it holds more than %d files", maxFiles)
		case header.Size > rest:
			return nil, failure.Hopelessf("its files are larger than itself: it is damaged")
		}
		rest -= header.Size
		name := path.Base(path.Clean("/" + header.Name))
		mode := os.FileMode(0o600)
		if name == extractor {
			mode = 0o700
		}
		if err := write(filepath.Join(dir, name), mode, reader); err != nil {
			return nil, err
		}
		names = append(names, name)
	}
}

// write takes one file; two of one name are an error.
func write(file string, mode os.FileMode, from io.Reader) error {
	out, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, from)
	return errors.Join(err, out.Close())
}

// packageOf finds the one package that can be opened.
func packageOf(names []string) (string, error) {
	var packed []string
	program := false
	for _, name := range names {
		program = program || name == extractor
		if filepath.Ext(name) == ".siob" {
			packed = append(packed, name)
		}
	}
	switch {
	case !program:
		return "", fmt.Errorf("it holds no %s", extractor)
	case len(packed) == 0:
		return "", errors.New("it holds no .siob")
	case len(packed) > 1:
		return "", fmt.Errorf("it holds several packages: %s", strings.Join(packed, ", "))
	}
	return packed[0], nil
}
