package httpapi_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestABodyThatNeverEndsIsCutOff(t *testing.T) {
	s := newSite()
	s.start(t, "a", setup{})
	b := s.start(t, "b", setup{bodyWait: 300 * time.Millisecond}) // passes on
	s.lead("a")
	for _, request := range []string{"POST /v1/plan/pause", "DELETE /v1/uninstall", "GET /healthz"} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(b.url, "http://"))
		require.NoError(t, err)
		t.Cleanup(func() { _ = conn.Close() })
		require.NoError(t, conn.SetDeadline(time.Now().Add(10*time.Second)))
		_, err = io.WriteString(conn, request+" HTTP/1.1\r\nHost: b\r\nContent-Length: 50\r\n\r\n{")
		require.NoError(t, err)
		in := bufio.NewReader(conn)
		resp, err := http.ReadResponse(in, nil)
		require.NoError(t, err, request)
		_, err = io.Copy(io.Discard, resp.Body)
		require.NoError(t, err)
		_, err = in.ReadByte()
		require.ErrorIs(t, err, io.EOF, "%s: it would hold its connection for ever", request)
		require.Zero(t, s.written())
	}
}
