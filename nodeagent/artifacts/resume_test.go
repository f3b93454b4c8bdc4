package artifacts_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/nodeagent/artifacts"
	"scaleio-framework/nodeagent/failure"
)

// server is a source that notes from where it was asked to send.
type server struct {
	*httptest.Server
	mu    sync.Mutex
	asked []string
}

func (s *server) ranges() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.asked...)
}

func newServer(t *testing.T, handle http.HandlerFunc) *server {
	t.Helper()
	s := &server{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.asked = append(s.asked, r.Header.Get("Range"))
		s.mu.Unlock()
		handle(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

// cutting promises the whole text and breaks off behind its first n bytes.
func cutting(text string, n int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(len(text)))
		_, _ = w.Write([]byte(text[:n]))
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}

// whole answers ranges as files do.
func whole(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader(text))
	}
}

// plain answers 200 with the whole text, whatever was asked for.
func plain(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(text)) }
}

func TestAFetchThatBrokeOffGoesOn(t *testing.T) {
	rest := fmt.Sprintf("bytes=%d-", 10)
	for name, c := range map[string]struct {
		begun  string // the text of which 10 bytes came
		then   http.HandlerFunc
		ranges []string
		says   string
		left   []string
	}{
		"where it was":                        {content, whole(content), []string{rest}, "", []string{"EMC-ScaleIO-sds.rpm"}},
		"anew, where ranges are not answered": {content, plain(content), []string{rest}, "", []string{"EMC-ScaleIO-sds.rpm"}},
		"anew, when the part was of another file": {
			strings.ToUpper(content), whole(content), []string{rest, ""}, "", []string{"EMC-ScaleIO-sds.rpm"},
		},
		"and breaks off further on": {content, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Range", fmt.Sprintf("bytes 10-%d/%d", len(content)-1, len(content)))
			w.Header().Set("Content-Length", strconv.Itoa(len(content)-10))
			w.WriteHeader(http.StatusPartialContent)
			_, _ = w.Write([]byte(content[10:20]))
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}, []string{rest}, "broke off after 20 of", []string{".partial"}},
		"not with other bytes than asked for": {content, func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Range") != "" {
				w.Header().Set("Content-Range", fmt.Sprintf("bytes 5-%d/%d", len(content)-1, len(content)))
				w.WriteHeader(http.StatusPartialContent)
				return
			}
			plain(content)(w, r)
		}, []string{rest, ""}, "", []string{"EMC-ScaleIO-sds.rpm"}},
		"not with a file that is shorter":     {content, whole("short"), []string{rest, ""}, "5 bytes, expected are", nil},
		"not while the source is out of work": {content, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }, []string{rest}, "502", []string{".partial"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			cache := newCache(dir)
			_, err := use(t, cache, artifact(), newServer(t, cutting(c.begun, 10)).URL)
			require.ErrorContains(t, err, "broke off after 10 of")
			require.Equal(t, failure.Interruption, failure.KindOf(err))
			require.Equal(t, []string{".partial"}, left(t, dir), "what is not complete has another name")

			then := newServer(t, c.then)
			_, err = use(t, newCache(dir), artifact(), then.URL)
			if c.says == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, c.says)
			}
			require.Equal(t, c.ranges, then.ranges())
			require.Equal(t, c.left, left(t, dir))
		})
	}
}

func TestAFileOfTheOperatorsIsFetchedFromItsURL(t *testing.T) {
	files := newServer(t, whole(content))
	moved := newServer(t, http.RedirectHandler(files.URL+"/there/sds.rpm", http.StatusFound).ServeHTTP)
	schedulers := newServer(t, whole(content))
	a := artifact()
	a.URL = moved.URL + "/sds.rpm"
	file, err := use(t, newCache(t.TempDir()), a, schedulers.URL)
	require.NoError(t, err)
	require.Equal(t, "EMC-ScaleIO-sds.rpm", filepath.Base(file))
	require.Len(t, files.ranges(), 1, "a redirect is followed")
	require.Empty(t, schedulers.ranges(), "no scheduler serves it")

	circle := newServer(t, http.RedirectHandler("/", http.StatusFound).ServeHTTP)
	a.URL = circle.URL
	_, err = use(t, newCache(t.TempDir()), a)
	require.ErrorContains(t, err, "stopped after 10 redirects")
}

func TestAFetchThatStallsIsEnded(t *testing.T) {
	released := make(chan struct{})
	slow := newServer(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(len(content)))
		_, _ = w.Write([]byte(content[:7]))
		_ = http.NewResponseController(w).Flush()
		<-released
	})
	dir := t.TempDir()
	cache := artifacts.New(artifacts.Options{Dir: dir, Stall: 50 * time.Millisecond})
	_, err := use(t, cache, artifact(), slow.URL)
	close(released)
	require.ErrorContains(t, err, "nothing came for 50ms")
	require.Equal(t, failure.Interruption, failure.KindOf(err))
	_, err = use(t, cache, artifact(), newServer(t, whole(content)).URL)
	require.NoError(t, err)
}

func TestAFullDiskIsToldAndLeftClean(t *testing.T) {
	dir := t.TempDir()
	a := artifact()
	a.Size = 1 << 60
	never := newServer(t, whole(content))
	_, err := use(t, newCache(dir), a, never.URL)
	require.ErrorContains(t, err, "bytes free, needed are 1152921504606846976: free space for the node agent's state")
	require.Equal(t, failure.Plain, failure.KindOf(err), "a retry counts: the disk does not empty itself")
	require.Empty(t, never.ranges(), "nobody is asked for what has no room")

	// A device that is always full, in the place of the file.
	a = artifact()
	require.NoError(t, os.MkdirAll(filepath.Join(dir, a.SHA256), 0o700))
	require.NoError(t, os.Symlink("/dev/full", filepath.Join(dir, a.SHA256, ".partial")))
	second := newServer(t, whole(content))
	_, err = use(t, newCache(dir), a, newServer(t, plain(content)).URL, second.URL)
	require.ErrorContains(t, err, "no space left on device: free space for the node agent's state")
	require.Equal(t, failure.Plain, failure.KindOf(err))
	require.Empty(t, second.ranges(), "another source would not help")
	require.Empty(t, left(t, dir))
}
