package artifacts_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/nodeagent/artifacts"
)

// file is an artifact of 100 bytes whose text its name gives.
func file(name string) (nodeproto.Artifact, string) {
	text := strings.Repeat(name, 100)
	sum := sha256.Sum256([]byte(text))
	return nodeproto.Artifact{Path: "packages/" + name, SHA256: hex.EncodeToString(sum[:]), Size: 100}, text
}

// library serves all such files.
func library(t *testing.T) *server {
	return newServer(t, func(w http.ResponseWriter, r *http.Request) {
		_, text := file(filepath.Base(r.URL.Path))
		plain(text)(w, r)
	})
}

func TestTheLongestUnusedFilesMakeRoom(t *testing.T) {
	dir, sources := t.TempDir(), []string{library(t).URL}
	cache := artifacts.New(artifacts.Options{Dir: dir, Limit: 300})
	get := func(name string) {
		a, _ := file(name)
		_, err := use(t, cache, a, sources...)
		require.NoError(t, err)
		// The order of uses is told apart by the time of directories.
		at := time.Now().Add(-time.Hour + time.Duration(len(name))*time.Second)
		require.NoError(t, os.Chtimes(filepath.Join(dir, a.SHA256), at, at))
	}
	names := func() []string {
		files := left(t, dir)
		slices.Sort(files)
		return files
	}
	for _, name := range []string{"a", "b", "c"} {
		get(name)
	}
	require.Equal(t, []string{"a", "b", "c"}, names())
	held, _ := file("a")
	require.NoError(t, cache.Use(t.Context(), held, sources, func(path string) error {
		for _, name := range []string{"d", "e", "f", "g"} {
			get(name)
			require.FileExists(t, path, "a file in use is never removed")
			require.LessOrEqual(t, len(names()), 3, "the cache is bounded")
		}
		return nil
	}))
	require.Contains(t, names(), "g")

	big, text := file("h")
	big.Size = 400
	text = strings.Repeat(text, 4)
	sum := sha256.Sum256([]byte(text))
	big.SHA256 = hex.EncodeToString(sum[:])
	_, err := use(t, cache, big, newServer(t, plain(text)).URL)
	require.NoError(t, err, "a single file may be larger")
	require.Equal(t, []string{"h"}, names())
}

func TestUsersOfOneFileFetchItOnce(t *testing.T) {
	books := library(t)
	cache := newCache(t.TempDir())
	a, _ := file("a")
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			_ = cache.Use(t.Context(), a, []string{books.URL}, func(string) error { return nil })
		})
	}
	all.Wait()
	require.Len(t, books.ranges(), 1)
}

func TestAWaitForAnotherFetchEndsWithItsContext(t *testing.T) {
	begun, go_ := make(chan struct{}), make(chan struct{})
	slow := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		close(begun)
		<-go_
		_, text := file("a")
		plain(text)(w, r)
	})
	cache := newCache(t.TempDir())
	a, _ := file("a")
	first := make(chan error, 1)
	go func() {
		first <- cache.Use(t.Context(), a, []string{slow.URL}, func(string) error { return nil })
	}()
	<-begun
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := cache.Use(ctx, a, []string{slow.URL}, func(string) error { return nil })
	require.ErrorIs(t, err, context.Canceled)
	close(go_)
	require.NoError(t, <-first)
}
