package runner

import (
	"bytes"
	"sync"

	"scaleio-framework/internal/redact"
)

// maxOutput is how much of each output stream is kept, in bytes.
const maxOutput = 64 << 10

// tail keeps the end of what is written to it.
type tail struct {
	mu  sync.Mutex
	buf []byte
	n   int64 // bytes written in all
}

// Write never fails, so a program never blocks on its output.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, p...)
	t.n += int64(len(p))
	// Cut in large steps, so that each byte is moved at most once or twice.
	if len(t.buf) > 2*maxOutput {
		t.buf = append(t.buf[:0], t.buf[len(t.buf)-maxOutput:]...)
	}
	return len(p), nil
}

// written counts all bytes so far.
func (t *tail) written() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.n
}

// since is what was written after the first n bytes, as far as it is kept.
func (t *tail) since(n int64) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	fresh := min(t.n-n, int64(len(t.buf)))
	return string(t.buf[int64(len(t.buf))-fresh:])
}

// masked is the end of the output without secrets.
func (t *tail) masked(secrets []redact.Secret) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	buf := t.buf
	if t.n > int64(len(buf)) {
		buf = buf[partial(buf, secrets):]
	}
	text := redact.Text(secrets...)(string(buf))
	if len(text) > maxOutput {
		text = text[len(text)-maxOutput:]
	}
	return text
}

// partial is how much of the beginning may be the rest of a secret that the
// cut went through, and that no mask would recognise.
func partial(buf []byte, secrets []redact.Secret) int {
	longest := 0
	for _, s := range secrets {
		text := s.Reveal()
		for from := 1; from < len(text); from++ {
			if bytes.HasPrefix(buf, []byte(text[from:])) {
				longest = max(longest, len(text)-from)
				break
			}
		}
	}
	return longest
}
