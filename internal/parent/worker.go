package parent

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"

	"scaleio-framework/leader"
)

const (
	// workerName is argv[0] of a worker. No user gives it, no other process
	// inherits it, and ps shows with it which process is which.
	workerName = "scaleio-scheduler-worker"
	// lineFD is where a worker finds its end of the socket.
	lineFD = 3
	// tellWithin bounds a message. The parent always reads; only one that was
	// stopped for long could make a message wait.
	tellWithin = time.Second
)

// IsWorker tells whether this process was started by Run.
func IsWorker() bool { return os.Args[0] == workerName }

// Line is a worker's line to its parent. While it is open the process dies
// with the parent.
type Line struct {
	conn  net.Conn
	ended chan struct{}
}

// Attach takes the line that the parent left to this process. Close it.
func Attach() (*Line, error) {
	const remedy = "find the parent process: %w: start scaleio-scheduler by its own name, it starts its worker itself"
	if _, err := syscall.Getpeername(lineFD); err != nil { // it may be another's file
		return nil, fmt.Errorf(remedy, os.NewSyscallError("getpeername", err))
	}
	file := os.NewFile(lineFD, "parent")
	conn, err := net.FileConn(file) // a duplicate that no child inherits
	if err = errors.Join(err, file.Close()); err != nil {
		return nil, fmt.Errorf(remedy, err)
	}
	l := &Line{conn: conn, ended: make(chan struct{})}
	go l.watch()
	return l, nil
}

// watch ends this process when its parent is gone.
func (l *Line) watch() {
	defer close(l.ended)
	_, err := l.conn.Read(make([]byte, 1)) // the parent sends nothing
	if errors.Is(err, net.ErrClosed) {
		return
	}
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL) // what the kernel does, too
}

// Claim tells the parent by what ZooKeeper knows the leadership of this
// process. It does for leader.Options.Claim.
func (l *Line) Claim(c leader.Claim) { l.tell(message{Claim: &c}) }

// Candidacy tells the parent by what ZooKeeper knows the card of this process.
// It does for leader.Options.Candidacy.
func (l *Line) Candidacy(c leader.Candidacy) { l.tell(message{Candidacy: &c}) }

// Close tells the parent that this process exits with that code of its own
// accord, and closes the line.
func (l *Line) Close(code int) {
	l.tell(message{Exit: &code})
	_ = l.conn.Close() // nothing more is said
	<-l.ended
}

// tell sends a message. One that does not get through costs a session timeout
// if the worker crashes, and nothing otherwise.
func (l *Line) tell(m message) {
	data, err := json.Marshal(m)
	if err != nil {
		panic(err) // numbers always marshal
	}
	_ = l.conn.SetWriteDeadline(time.Now().Add(tellWithin))
	_, _ = l.conn.Write(data)
}
