package sandbox

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"scaleio-framework/internal/freeport"
)

// restartAfter is Marathon's backoffSeconds of the app.
const restartAfter = time.Second

// Scheduler is one instance of the pair, with what Marathon does for it. It is
// two processes in a group of their own: a parent, and the worker, which is
// named by the card.
type Scheduler struct {
	Name string
	URL  string
	Log  string

	program string
	env     []string
	port    *freeport.Row
	stop    chan struct{}
	ended   chan struct{}

	mu     sync.Mutex
	cmd    *exec.Cmd
	starts int
	exits  []Exit
}

// Exit is one end of a scheduler process.
type Exit struct {
	PID  int
	Code int // -1 when a signal ended it
	At   time.Time
}

// StartSchedulers starts the instances with the environment that Marathon gives.
func (w *World) StartSchedulers() error {
	for range w.opts.Schedulers {
		if err := w.StartScheduler(); err != nil {
			return err
		}
	}
	return nil
}

// StartScheduler starts one more instance. The settings win over the world's:
// under another SIO_NAME and SIO_ZK it is another framework's.
func (w *World) StartScheduler(settings ...string) error {
	n := len(w.schedulers) + 1
	reserved, err := freeport.Reserve(1) // also while it is down
	if err != nil {
		return err
	}
	port := reserved.First
	s := &Scheduler{
		Name:    fmt.Sprintf("scheduler%d", n),
		URL:     "http://" + net.JoinHostPort(w.address(), strconv.Itoa(port)),
		Log:     filepath.Join(w.dir, "logs", fmt.Sprintf("scheduler%d.log", n)),
		program: filepath.Join(w.opts.Bin, "scaleio-scheduler"),
		env:     slices.Concat(w.marathon(n, port), w.settings(n), w.opts.Settings, settings),
		port:    reserved,
		stop:    make(chan struct{}),
		ended:   make(chan struct{}),
	}
	w.schedulers = append(w.schedulers, s)
	if err := s.start(); err != nil {
		close(s.ended)
		return err
	}
	go s.supervise()
	return nil
}

// marathon is the environment that Marathon gives to a task.
func (w *World) marathon(n, port int) []string {
	return []string{
		"PATH=" + os.Getenv("PATH"),
		"HOST=" + w.address(),
		"PORT=" + strconv.Itoa(port), "PORT0=" + strconv.Itoa(port), "PORTS=" + strconv.Itoa(port),
		"PORT_HTTP=" + strconv.Itoa(port),
		"MARATHON_APP_ID=/scaleio-framework",
		"MARATHON_APP_LABELS=",
		fmt.Sprintf("MESOS_TASK_ID=scaleio-framework.scheduler%d", n),
		"MESOS_SANDBOX=" + w.dir,
	}
}

// settings are the env of the app. The schedulers of the world have links; one
// that is started beyond them has none.
func (w *World) settings(n int) []string {
	servers, path := w.zk.cluster.ConnectString(), directPath
	if n <= len(w.links) {
		servers, path = w.links[n-1].servers, mesosPath(n)
	}
	master := w.opts.Mesos
	if master == "" {
		master = "zk://" + servers + w.mesosRoot() + path
	}
	settings := []string{
		"SIO_NAME=" + w.name,
		"SIO_ZK=zk://" + servers + "/scaleio-framework/" + w.name,
		"SIO_ZK_SESSION=" + w.opts.SessionTimeout.String(),
		"SIO_MESOS=" + master,
		"SIO_ARTIFACTS_DIR=" + w.packages,
		"SIO_SCALEIO_PASSWORD_FILE=" + w.passwordFile(),
		"SIO_GATEWAY_PORT=" + strconv.Itoa(w.gateway.First),
		"SIO_GATEWAY_HTTP_PORT=" + strconv.Itoa(w.gateway.First+1),
		"SIO_PLACEMENT_SETTLE=0s",
		"SIO_DEVICES_TEST_MODE=none",
		"SIO_PREREQUISITES_INSTALL=" + strconv.FormatBool(w.machines != nil),
		"SIO_LOGLEVEL=debug",
	}
	if w.machines == nil || !w.opts.VolumeDriver {
		settings = append(settings, "SIO_VOLUMES_ISOLATOR=none") // there is no agent of a unit, or no dvdcli
	}
	if w.platform != nil {
		settings = append(settings, w.platform.environment()...)
	}
	if w.aws != nil {
		settings = append(settings, w.aws.environment()...)
	}
	return settings
}

func (s *Scheduler) start() error {
	log, err := os.OpenFile(s.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }() // the child has its own descriptor
	cmd := exec.Command(s.program)
	cmd.Env, cmd.Stdout, cmd.Stderr = s.env, log, log
	// The process dies with the sandbox, whatever happens to it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", s.Name, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cmd = cmd
	s.starts++
	return nil
}

// supervise starts the process again after each end, until Close.
func (s *Scheduler) supervise() {
	defer close(s.ended)
	for {
		s.mu.Lock()
		cmd := s.cmd
		s.mu.Unlock()
		// The exit status is all there is to know of a process that a drill kills.
		_ = cmd.Wait()
		s.mu.Lock()
		s.exits = append(s.exits, Exit{PID: cmd.Process.Pid, Code: cmd.ProcessState.ExitCode(), At: time.Now()})
		s.mu.Unlock()
		for {
			select {
			case <-s.stop:
				return
			case <-time.After(restartAfter):
			}
			if s.start() == nil {
				break
			}
		}
	}
}

// PID is that of the running parent.
func (s *Scheduler) PID() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cmd.Process.Pid
}

// Exits are all ends so far.
func (s *Scheduler) Exits() []Exit {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Exit(nil), s.exits...)
}

// Signal sends a signal to the running parent.
func (s *Scheduler) Signal(sig syscall.Signal) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.cmd.Process.Signal(sig); err != nil {
		return fmt.Errorf("signal %s: %w", s.Name, err)
	}
	return nil
}

// SignalBoth sends a signal to both processes at once.
func (s *Scheduler) SignalBoth(sig syscall.Signal) error {
	if err := s.Signal(0); err != nil { // it has ended: the number may be another's
		return err
	}
	if err := syscall.Kill(-s.PID(), sig); err != nil {
		return fmt.Errorf("signal %s: %w", s.Name, err)
	}
	return nil
}

// Close ends the process for good.
func (s *Scheduler) Close() error {
	close(s.stop)
	_ = s.SignalBoth(syscall.SIGCONT) // a stopped process cannot take SIGTERM
	_ = s.Signal(syscall.SIGTERM)     // it may have ended already
	select {
	case <-s.ended:
		return s.port.Close()
	case <-time.After(closeTimeout):
	}
	_ = s.Signal(syscall.SIGKILL)
	<-s.ended
	_ = s.port.Close()
	return fmt.Errorf("%s did not end within %s of SIGTERM and was killed: see %s", s.Name, closeTimeout, s.Log)
}

// closeTimeout is well above the stop bound of the scheduler itself.
const closeTimeout = 10 * time.Second

// schedulerOf finds the instance whose card a leader has laid.
func (w *World) schedulerOf(instance string) (*Scheduler, error) {
	for _, s := range w.schedulers {
		if strings.HasPrefix(instance, "scaleio-framework."+s.Name+"-") {
			return s, nil
		}
	}
	return nil, errors.New("no scheduler of the sandbox is " + instance)
}
