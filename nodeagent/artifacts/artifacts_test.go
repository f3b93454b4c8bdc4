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

func TestAFileIsFetchedOnceAndVerified(t *testing.T) {
	dir := t.TempDir()
	cache := artifacts.New(dir)
	bad := []string{source(t, http.StatusOK, "another package"), source(t, http.StatusNotFound, ""), source(t, http.StatusOK, content+"!"), "http://127.0.0.1:1", "::"}
	file, err := cache.Get(t.Context(), artifact(), append(bad, source(t, http.StatusOK, content)))
	require.NoError(t, err, "one good source among many is enough")
	require.Equal(t, "EMC-ScaleIO-sds.rpm", filepath.Base(file), "package tools look at the name")
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, content, string(data))

	again, err := cache.Get(t.Context(), artifact(), nil)
	require.NoError(t, err, "a cached file needs no source")
	require.Equal(t, file, again)

	require.NoError(t, os.WriteFile(file, []byte(content[:10]), 0o600))
	_, err = cache.Get(t.Context(), artifact(), nil)
	require.Error(t, err, "a damaged file is not taken")
	_, err = cache.Get(t.Context(), artifact(), []string{source(t, http.StatusOK, content)})
	require.NoError(t, err)
}

func TestWhatCannotBeFetchedIsAnInterruption(t *testing.T) {
	for name, c := range map[string]struct{ source, says string }{
		"another checksum": {source(t, http.StatusOK, content[:len(content)-1]+"?"), "SHA-256"},
		"too short":        {source(t, http.StatusOK, "short"), "5 bytes"},
		"too long":         {source(t, http.StatusOK, content+content), "longer than"},
		"not there":        {source(t, http.StatusNotFound, ""), "404"},
		"nobody there":     {"http://127.0.0.1:1", "refused"},
	} {
		dir := t.TempDir()
		_, err := artifacts.New(dir).Get(t.Context(), artifact(), []string{c.source})
		require.ErrorContains(t, err, c.says, name)
		require.Equal(t, failure.Interruption, failure.KindOf(err), name)
		left, err := filepath.Glob(filepath.Join(dir, "*", "*"))
		require.NoError(t, err)
		require.Empty(t, left, name)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := artifacts.New(t.TempDir()).Get(ctx, artifact(), []string{source(t, http.StatusOK, content)})
	require.ErrorIs(t, err, context.Canceled)
}

func TestArtifactsThatMakeNoSenseAreHopeless(t *testing.T) {
	for name, spoil := range map[string]func(*nodeproto.Artifact){
		"no checksum":    func(a *nodeproto.Artifact) { a.SHA256 = "" },
		"not a checksum": func(a *nodeproto.Artifact) { a.SHA256 = "../../etc" },
		"no name":        func(a *nodeproto.Artifact) { a.Path = "/" },
	} {
		a := artifact()
		spoil(&a)
		_, err := artifacts.New(t.TempDir()).Get(t.Context(), a, []string{"http://127.0.0.1:1"})
		require.Equal(t, failure.Hopelessness, failure.KindOf(err), name)
	}
}
