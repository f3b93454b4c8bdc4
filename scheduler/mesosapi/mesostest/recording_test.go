package mesostest_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// recordings is where the traffic of a real master and agents lies, relative to this package.
const recordings = "../../../../shared/data/mesos"

// recording is one exchange with a real master or agent.
type recording struct {
	name    string
	request string
	body    string
	status  int
	header  http.Header
	answer  string
	events  []map[string]any
}

func load(t *testing.T, name string) recording {
	t.Helper()
	if _, err := os.Stat(recordings); err != nil {
		t.Skip("the recorded traffic is not there")
	}
	raw, err := os.ReadFile(filepath.Join(recordings, name+".http"))
	require.NoError(t, err)
	text := string(raw)
	between := func(from, to string) string {
		_, rest, found := strings.Cut(text, from)
		require.True(t, found, "%s has no %q", name, from)
		_, rest, _ = strings.Cut(rest, "===\n")
		part, _, _ := strings.Cut(rest, to)
		return part
	}
	r := recording{name: name}
	request := between("=== REQUEST", "\n=== RESPONSE HEADERS")
	// The recorder wrote header lines with \r\n, and saved them so.
	separator := "\r\n\r\n"
	if !strings.Contains(request, separator) {
		separator = "\n\n"
	}
	r.request, r.body, _ = strings.Cut(request, separator)
	head := strings.ReplaceAll(between("=== RESPONSE HEADERS", "=== RESPONSE BODY"), "\r\n", "\n")
	response, err := http.ReadResponse(bufio.NewReader(strings.NewReader(strings.ReplaceAll(head, "\n", "\r\n")+"\r\n")), nil)
	require.NoError(t, err, name)
	r.status, r.header = response.StatusCode, response.Header
	if response.ContentLength >= 0 {
		r.header.Set("Content-Length", strconv.FormatInt(response.ContentLength, 10))
	}
	r.answer = strings.TrimSuffix(between("=== RESPONSE BODY", "=== END ==="), "\n")
	if r.status == http.StatusOK && r.header.Get("Content-Type") == "application/json" && strings.Contains(head, "chunked") {
		r.events = frames(t, r.answer)
	}
	return r
}

func frames(t *testing.T, text string) []map[string]any {
	t.Helper()
	var events []map[string]any
	reader := bufio.NewReader(strings.NewReader(text))
	for {
		event, err := readFrame(reader)
		if err != nil {
			return events
		}
		events = append(events, event)
	}
}

func readFrame(reader *bufio.Reader) (map[string]any, error) {
	line, err := reader.ReadString('\n')
	if err != nil {
		return nil, err
	}
	size, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		return nil, err
	}
	frame := make([]byte, size)
	if _, err := io.ReadFull(reader, frame); err != nil {
		return nil, err
	}
	event := map[string]any{}
	return event, json.Unmarshal(frame, &event)
}

// send writes the recorded request to addr, with texts replaced, and reads the response's head. An answer that is not a
// stream is read in full.
func (r recording) send(t *testing.T, addr string, replace *strings.Replacer, keep *net.Conn) (*http.Response, *bufio.Reader, string) {
	t.Helper()
	conn, err := net.DialTimeout("tcp", addr, patience)
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	*keep = conn
	body := replace.Replace(r.body)
	head := replace.Replace(strings.ReplaceAll(r.request, "\r\n", "\n"))
	// A body that is shorter than its declared length would wait for the rest; the recorder's truncated ones were declared right.
	head = regexp.MustCompile(`(?m)^Content-Length: \d+$`).ReplaceAllString(head, "Content-Length: "+strconv.Itoa(len(body)))
	_, err = conn.Write([]byte(strings.ReplaceAll(head, "\n", "\r\n") + "\r\n\r\n" + body))
	require.NoError(t, err)
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(patience)))
	reader := bufio.NewReader(conn)
	method, _, _ := strings.Cut(r.request, " ")
	response, err := http.ReadResponse(reader, &http.Request{Method: method})
	require.NoError(t, err, r.name)
	if response.ContentLength >= 0 {
		response.Header.Set("Content-Length", strconv.FormatInt(response.ContentLength, 10))
		text, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		return response, reader, string(text)
	}
	return response, bufio.NewReader(response.Body), ""
}

// replay sends the request and requires the recorded status, headers and text.
func (r recording) replay(t *testing.T, addr string, replace *strings.Replacer) *bufio.Reader {
	t.Helper()
	response, reader, text := r.send(t, addr, replace, new(net.Conn))
	require.Equal(t, r.status, response.StatusCode, "%s: %s", r.name, text)
	for _, name := range []string{"Content-Type", "Allow", "Www-Authenticate", "Location"} {
		require.Equal(t, replace.Replace(r.header.Get(name)), response.Header.Get(name), "%s: %s", r.name, name)
	}
	require.Equal(t, r.header.Get("Mesos-Stream-Id") == "", response.Header.Get("Mesos-Stream-Id") == "", r.name)
	if r.events == nil && r.header.Get("Content-Type") != "application/json" {
		want := replace.Replace(r.answer)
		if strings.HasPrefix(want, "HTTP/1.1") {
			want = ""
		}
		require.Equal(t, want, text, r.name)
		require.Equal(t, strconv.Itoa(len(want)), response.Header.Get("Content-Length"), r.name)
	}
	return reader
}

// kind names an event by what must agree for its shape to be comparable.
func kind(event map[string]any) string {
	name := fmt.Sprint(event["type"])
	update, ok := event["update"].(map[string]any)
	if !ok {
		return name
	}
	status, ok := update["status"].(map[string]any)
	if !ok {
		return name
	}
	return fmt.Sprint(name, " ", status["state"], " ", status["source"], " ", status["reason"])
}

// shape is the sorted set of the paths of a JSON value; list members share a path.
func shape(value any) string {
	paths := map[string]bool{}
	walk(value, "", paths)
	return strings.Join(slices.Sorted(maps.Keys(paths)), "\n")
}

func walk(value any, path string, paths map[string]bool) {
	paths[path] = true
	switch node := value.(type) {
	case map[string]any:
		for key, child := range node {
			walk(child, path+"."+key, paths)
		}
	case []any:
		for _, child := range node {
			walk(child, path+"[]", paths)
		}
	}
}

// shapes are all recorded shapes of scheduler or executor events, by kind.
func shapes(t *testing.T, pattern string) map[string][]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(recordings, pattern))
	require.NoError(t, err)
	if len(files) == 0 {
		t.Skip("the recorded traffic is not there")
	}
	known := map[string][]string{}
	for _, file := range files {
		name, err := filepath.Rel(recordings, strings.TrimSuffix(file, ".http"))
		require.NoError(t, err)
		for _, event := range load(t, name).events {
			known[kind(event)] = append(known[kind(event)], shape(event))
		}
	}
	return known
}

// requireShape requires that an event looks like one that was recorded. Offers may combine what was recorded apart, since
// what an agent has left and which executors run there are independent.
func requireShape(t *testing.T, known map[string][]string, event map[string]any) {
	t.Helper()
	if slices.Contains(known[kind(event)], shape(event)) {
		return
	}
	if kind(event) == "OFFERS" {
		all := strings.Split(strings.Join(known["OFFERS"], "\n"), "\n")
		require.Subset(t, all, strings.Split(shape(event), "\n"))
		return
	}
	text, err := json.MarshalIndent(event, "", " ")
	require.NoError(t, err)
	nearest := "nothing of this kind"
	if list := known[kind(event)]; len(list) > 0 {
		nearest = list[0]
	}
	require.Fail(t, "an event of a shape that no real master sent", "%s\n%s\nrecorded:\n%s\nours:\n%s",
		kind(event), text, nearest, shape(event))
}

func kinds(events []map[string]any) []string {
	var list []string
	for _, event := range events {
		list = append(list, kind(event))
	}
	return list
}

// readUntil reads events until one of that kind.
func readUntil(t *testing.T, reader *bufio.Reader, want string) (map[string]any, []map[string]any) {
	t.Helper()
	var seen []map[string]any
	for {
		event, err := readFrame(reader)
		require.NoError(t, err, "waiting for %s after %v", want, kinds(seen))
		seen = append(seen, event)
		if kind(event) == want {
			return event, seen
		}
	}
}

// dig follows keys, and 0 into lists.
func dig(t *testing.T, value any, path ...string) string {
	t.Helper()
	for _, key := range path {
		switch node := value.(type) {
		case map[string]any:
			value = node[key]
		case []any:
			i, err := strconv.Atoi(key)
			require.NoError(t, err)
			require.Greater(t, len(node), i)
			value = node[i]
		}
	}
	text, ok := value.(string)
	require.True(t, ok, "no text at %v", path)
	return text
}
