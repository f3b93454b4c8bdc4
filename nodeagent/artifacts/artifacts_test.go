package artifacts_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/nodeagent/artifacts"
	"scaleio-framework/nodeagent/failure"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const content = "a package, as far as anyone can tell"

func artifact() nodeproto.Artifact {
	sum := sha256.Sum256([]byte(content))
	return nodeproto.Artifact{Path: "packages/EMC-ScaleIO-sds.rpm", SHA256: hex.EncodeToString(sum[:]), Size: int64(len(content))}
}

// source serves one answer for the artifact.
func source(t *testing.T, status int, body string) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /base/artifacts/packages/EMC-ScaleIO-sds.rpm", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s.URL + "/base/"
}

// use gets the artifact and tells where it was.
func use(t *testing.T, cache *artifacts.Cache, a nodeproto.Artifact, sources ...string) (string, error) {
	t.Helper()
	at := ""
	err := cache.Use(t.Context(), a, sources, func(file string) error {
		at = file
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Len(t, data, int(a.Size))
		return nil
	})
	return at, err
}

func newCache(dir string) *artifacts.Cache { return artifacts.New(artifacts.Options{Dir: dir}) }

// left lists what a cache holds.
func left(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*", "*"))
	require.NoError(t, err)
	for i, file := range files {
		files[i] = filepath.Base(file)
	}
	return files
}

func TestAFileIsFetchedOnceAndVerified(t *testing.T) {
	dir := t.TempDir()
	cache := newCache(dir)
	bad := []string{source(t, http.StatusOK, "another package"), source(t, http.StatusNotFound, ""), source(t, http.StatusOK, content+"!"), "http://127.0.0.1:1", "::"}
	file, err := use(t, cache, artifact(), append(bad, source(t, http.StatusOK, content))...)
	require.NoError(t, err, "one good source among many is enough")
	require.Equal(t, "EMC-ScaleIO-sds.rpm", filepath.Base(file), "package tools look at the name")
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, content, string(data))

	again, err := use(t, cache, artifact())
	require.NoError(t, err, "a cached file needs no source")
	require.Equal(t, file, again)

	require.NoError(t, os.WriteFile(file, []byte(content[:10]), 0o600))
	_, err = use(t, cache, artifact())
	require.Error(t, err, "a damaged file is not taken")
	require.Empty(t, left(t, dir), "nor kept")
	_, err = use(t, cache, artifact(), source(t, http.StatusOK, content))
	require.NoError(t, err)
}

func TestWhatCannotBeFetchedLeavesNothing(t *testing.T) {
	for name, c := range map[string]struct {
		sources []string
		says    string
		kind    failure.Kind
	}{
		"another checksum":     {[]string{source(t, http.StatusOK, content[:len(content)-1]+"?")}, "SHA-256", failure.Plain},
		"too short":            {[]string{source(t, http.StatusOK, "short")}, "5 bytes", failure.Plain},
		"too long":             {[]string{source(t, http.StatusOK, content+content)}, "longer than", failure.Plain},
		"not there":            {[]string{source(t, http.StatusNotFound, "")}, "404", failure.Interruption},
		"nobody there":         {[]string{"http://127.0.0.1:1"}, "refused", failure.Interruption},
		"wrong, and elsewhere": {[]string{source(t, http.StatusOK, "short"), "http://127.0.0.1:1"}, "refused", failure.Interruption},
	} {
		dir := t.TempDir()
		_, err := use(t, newCache(dir), artifact(), c.sources...)
		require.ErrorContains(t, err, c.says, name)
		require.ErrorContains(t, err, c.sources[0], name)
		require.Equal(t, c.kind, failure.KindOf(err), name)
		require.Empty(t, left(t, dir), name)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := newCache(t.TempDir()).Use(ctx, artifact(), []string{source(t, http.StatusOK, content)}, func(string) error { return nil })
	require.ErrorIs(t, err, context.Canceled)
}

func TestArtifactsThatMakeNoSenseAreHopeless(t *testing.T) {
	for name, spoil := range map[string]func(*nodeproto.Artifact){
		"no checksum":    func(a *nodeproto.Artifact) { a.SHA256 = "" },
		"not a checksum": func(a *nodeproto.Artifact) { a.SHA256 = "../../etc" },
		"no name":        func(a *nodeproto.Artifact) { a.Path = "/" },
		"no size":        func(a *nodeproto.Artifact) { a.Size = 0 },
	} {
		a := artifact()
		spoil(&a)
		_, err := use(t, newCache(t.TempDir()), a, "http://127.0.0.1:1")
		require.Equal(t, failure.Hopelessness, failure.KindOf(err), name)
	}
}
