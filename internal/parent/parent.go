package parent

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"

	"scaleio-framework/internal/zkconn"
	"scaleio-framework/leader"
)

const (
	// defaultVacateWithin is little: whoever restarts the program waits for it.
	defaultVacateWithin = time.Second
	// panicStatus is what the Go runtime exits with after a panic. A worker
	// that exits with it on purpose, for a bad configuration, says so before.
	panicStatus = leader.ExitConfig
	// signalBase is added to the number of the signal that ended the worker,
	// as shells do.
	signalBase = 128
)

// Options describe a parent.
type Options struct {
	// ZooKeeper reaches the framework's root. Nil means that the configuration
	// does not tell: the worker is about to say so, and to exit.
	ZooKeeper *zkconn.Options
	// VacateWithin bounds what is tried for the standby after a worker's end;
	// 1 s when 0.
	VacateWithin time.Duration
	// Logger gets a line when a worker crashed. It may be nil.
	Logger hclog.Logger
}

// Run starts this program once more as the worker, with the same arguments,
// environment and standard files. It returns when the worker has ended and, if
// it crashed while it led, its place is vacated. A worker that exits of its own
// accord says so before, and has handed over itself.
//
// code is what to exit with: the worker's own code; ExitInternal after a panic;
// 128 and the signal's number when a signal ended it. line says what happened
// and what to do, and is empty when the worker has said it itself.
func Run(opts Options) (code int, line string) {
	if opts.Logger == nil {
		opts.Logger = hclog.NewNullLogger()
	}
	if opts.VacateWithin == 0 {
		opts.VacateWithin = defaultVacateWithin
	}
	// The kernel kills the worker when the thread that started it ends.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT)
	defer signal.Stop(signals)
	worker, ear, err := start()
	if err != nil {
		return leader.ExitInternal, fmt.Sprintf("the worker was not started: %s: the supervisor tries again", err)
	}
	defer func() { _ = ear.Close() }() // read to its end
	told := make(chan message, 1)
	go func() { told <- listen(ear) }()
	var zk *session
	if opts.ZooKeeper != nil {
		zk = openSession(*opts.ZooKeeper)
		defer zk.close()
	}
	reaped := make(chan struct{})
	forwarded := make(chan struct{})
	go func() {
		defer close(forwarded)
		forward(signals, worker.Process, reaped)
	}()
	// Its error repeats the status, which is looked at below.
	_ = worker.Wait()
	close(reaped)
	<-forwarded
	// The worker's end is closed by its death; this is for certainty only.
	_ = ear.SetReadDeadline(time.Now().Add(opts.VacateWithin))
	last := <-told
	if crashed := last.Exit == nil; crashed && zk != nil {
		vacate(zk, last, opts)
	}
	return verdict(worker.ProcessState.Sys().(syscall.WaitStatus), last.Exit)
}

// start runs this program as a worker and returns the parent's end of the line.
func start() (*exec.Cmd, net.Conn, error) {
	ends, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	ours, theirs := os.NewFile(uintptr(ends[0]), "worker"), os.NewFile(uintptr(ends[1]), "parent")
	defer func() {
		_, _ = ours.Close(), theirs.Close() // both are duplicated where they are used
	}()
	ear, err := net.FileConn(ours)
	if err != nil {
		return nil, nil, err
	}
	cmd := &exec.Cmd{
		Path: "/proc/self/exe", // this very program, though its file may have been replaced
		Args: append([]string{workerName}, os.Args[1:]...),
		Env:  os.Environ(), Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		ExtraFiles: []*os.File{theirs}, // becomes lineFD
		// The worker stays in this process group: what is sent to the group
		// reaches both.
		SysProcAttr: &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL},
	}
	if err := cmd.Start(); err != nil {
		_ = ear.Close()
		return nil, nil, err
	}
	return cmd, ear, nil
}

// forward passes signals on until the worker is reaped. This process must
// outlive the worker, so it never dies of them itself.
func forward(signals <-chan os.Signal, worker *os.Process, reaped <-chan struct{}) {
	for {
		select {
		case sig := <-signals:
			_ = worker.Signal(sig) // it fails when the worker has ended
		case <-reaped:
			return
		}
	}
}

// vacate makes room for a standby in place of the worker, which is reaped, and
// takes its card away.
func vacate(zk *session, dead message, opts Options) {
	log := opts.Logger
	if dead.Claim == nil && dead.Candidacy == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), opts.VacateWithin)
	defer cancel()
	began := time.Now()
	conn, err := zk.await(ctx)
	vacated := false
	if err == nil && dead.Claim != nil {
		vacated, err = leader.Vacate(ctx, conn, *dead.Claim)
	}
	if conn != nil && dead.Candidacy != nil {
		if _, failed := leader.Strike(ctx, conn, *dead.Candidacy); failed != nil {
			log.Warn("the crashed worker's card stays until its session expires", "error", failed)
		}
	}
	switch {
	case dead.Claim == nil:
		// Nobody waits for its place.
	case err != nil:
		log.Warn("the crashed worker's place not vacated, the next leader waits for its session to expire", "error", err)
	case vacated:
		log.Info("the crashed worker's place vacated for the next leader", "took", time.Since(began))
	}
}

// verdict is how the program ends after its worker has. announced is the code
// that the worker gave before it exited.
func verdict(status syscall.WaitStatus, announced *int) (code int, line string) {
	const crashed = "the worker crashed: the supervisor starts this scheduler again; report this with the stack trace above"
	switch {
	case status.Signaled():
		sig := status.Signal()
		return signalBase + int(sig), fmt.Sprintf("a signal ended the worker: %s: the supervisor starts this scheduler again; if nobody sent it, look in dmesg for lack of memory", sig)
	case announced != nil:
		return status.ExitStatus(), ""
	case status.ExitStatus() == panicStatus:
		return leader.ExitInternal, crashed
	default:
		return status.ExitStatus(), crashed
	}
}
