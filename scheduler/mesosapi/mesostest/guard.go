package mesostest

import (
	"fmt"
	"io"
	"net/http"
	"strings"
)

// maxBody bounds a request body: a mistake in a test must not eat the machine's memory.
const maxBody = 64 << 20

// refusal is an HTTP answer other than success, with the text that Mesos gives.
type refusal struct {
	status int
	text   string
	header [2]string
}

func (r *refusal) write(w http.ResponseWriter) {
	if r.header[0] != "" {
		w.Header().Set(r.header[0], r.header[1])
	}
	if r.text != "" {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	}
	w.WriteHeader(r.status)
	// A client that has gone away cannot be told anything.
	_, _ = io.WriteString(w, r.text)
}

func badRequest(format string, args ...any) *refusal {
	return &refusal{status: http.StatusBadRequest, text: fmt.Sprintf(format, args...)}
}

func forbidden(text string) *refusal {
	return &refusal{status: http.StatusForbidden, text: text}
}

// readCall checks method and content type and parses the body into call.
func readCall(w http.ResponseWriter, r *http.Request, call message) (mediaType, *refusal) {
	if r.Method != http.MethodPost {
		return "", &refusal{
			status: http.StatusMethodNotAllowed,
			text:   fmt.Sprintf("405 Method Not Allowed. Expecting one of { 'POST' }, but received '%s'.", r.Method),
			header: [2]string{"Allow", http.MethodPost},
		}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return "", badRequest("Failed to read the body: %v", err)
	}
	contentType := r.Header.Get("Content-Type")
	if contentType == "" {
		return "", badRequest("Expecting 'Content-Type' to be present")
	}
	media := mediaType(contentType)
	if media != mediaJSON && media != mediaProtobuf {
		return "", &refusal{
			status: http.StatusUnsupportedMediaType,
			text:   fmt.Sprintf("Expecting 'Content-Type' of %s or %s", mediaJSON, mediaProtobuf),
		}
	}
	if err := media.decodeCall(body, call); err != nil {
		return "", badRequest("%v", err)
	}
	return media, nil
}

// acceptable chooses the encoding of a stream from the Accept header.
func acceptable(r *http.Request) (mediaType, *refusal) {
	accept := r.Header.Get("Accept")
	if accept == "" {
		return mediaJSON, nil
	}
	for part := range strings.SplitSeq(accept, ",") {
		name, _, _ := strings.Cut(part, ";")
		switch strings.TrimSpace(name) {
		case string(mediaJSON), "*/*", "application/*":
			return mediaJSON, nil
		case string(mediaProtobuf):
			return mediaProtobuf, nil
		}
	}
	return "", &refusal{
		status: http.StatusNotAcceptable,
		text:   fmt.Sprintf("Expecting 'Accept' to allow '%s' or '%s'", mediaProtobuf, mediaJSON),
	}
}
