package runner

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"scaleio-framework/internal/redact"
)

const (
	// promptPoll is how often the program's words are looked at.
	promptPoll = 10 * time.Millisecond
	// promptPatience is how long a prompt waits for its program to turn the
	// echo off: what is typed before may be flushed away.
	promptPatience = 300 * time.Millisecond
)

// Typing is what is typed at a program's prompts.
type Typing struct {
	// Answer finds the secret that a text asks for: all that the program wrote
	// on one stream since the last answer. answered counts the answers so far.
	Answer func(text string, answered int) (redact.Secret, bool)
	// Secrets are all that may be typed; they are masked in the output.
	Secrets []redact.Secret
}

// RunTyping runs a program on a pseudo-terminal and types secrets when the
// program asks. Standard output and error stay separate pipes; the terminal is
// standard input and the controlling terminal, so programs that read /dev/tty
// find it too. It also returns how many prompts were answered.
func (r *Runner) RunTyping(ctx context.Context, c Command, typing Typing) (Result, int, error) {
	ctx, cancel := c.bound(ctx)
	defer cancel()
	cmd, err := r.prepare(ctx, c)
	if err != nil {
		return Result{}, 0, err
	}
	master, slave, err := pty.Open()
	if err != nil {
		return Result{}, 0, fmt.Errorf("open a pseudo-terminal for %s: %w", c.Argv[0], err)
	}
	var screen, stdout, stderr tail
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, &stdout, &stderr
	// A session of its own is a process group of its own too.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 0}
	c.Mask = append(append([]redact.Secret{}, c.Mask...), typing.Secrets...)

	t := &typist{master: master, typing: typing, heard: []*heard{{from: &screen}, {from: &stdout}, {from: &stderr}}}
	watching, stop := context.WithCancel(ctx)
	typed, drained := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(drained)
		// The read ends with an error when the last holder of the terminal is
		// gone, or when the master is closed below.
		_, _ = io.Copy(&screen, master)
	}()
	go func() {
		defer close(typed)
		t.run(watching)
	}()
	err = errors.Join(r.start(ctx, cmd, c.Outside), slave.Close())
	stop()
	<-typed
	closeErr := master.Close()
	<-drained
	res, err := c.result(ctx, cmd, errors.Join(err, t.err, closeErr), &stdout, &stderr)
	return res, t.answered, err
}

// heard is what was read of one stream since the last answer.
type heard struct {
	from *tail
	upTo int64
}

// typist types answers at prompts.
type typist struct {
	master   *os.File
	typing   Typing
	heard    []*heard
	answered int
	err      error
}

// run types until the context ends.
func (t *typist) run(ctx context.Context) {
	ticker := time.NewTicker(promptPoll)
	defer ticker.Stop()
	var since time.Time // when the present prompt was noticed
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		secret, asked := t.asked()
		if !asked {
			since = time.Time{}
			continue
		}
		if since.IsZero() {
			since = time.Now()
		}
		if !t.echoOff() && time.Since(since) < promptPatience {
			continue
		}
		for _, h := range t.heard {
			h.upTo = h.from.written()
		}
		if _, err := io.WriteString(t.master, secret.Reveal()+"\n"); err != nil {
			t.err = fmt.Errorf("type at the prompt: %w", err)
			return
		}
		t.answered++
		since = time.Time{}
	}
}

// asked finds a prompt in what was written since the last answer.
func (t *typist) asked() (redact.Secret, bool) {
	for _, h := range t.heard {
		text := h.from.since(h.upTo)
		if text == "" {
			continue
		}
		if secret, ok := t.typing.Answer(text, t.answered); ok {
			return secret, true
		}
	}
	return redact.Secret{}, false
}

// echoOff reports whether the program reads without echo.
func (t *typist) echoOff() bool {
	conn, err := t.master.SyscallConn()
	if err != nil {
		return false
	}
	off := false
	err = conn.Control(func(fd uintptr) {
		state, err := unix.IoctlGetTermios(int(fd), unix.TCGETS)
		off = err == nil && state.Lflag&unix.ECHO == 0
	})
	return err == nil && off
}
