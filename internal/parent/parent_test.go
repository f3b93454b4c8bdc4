package parent_test

import (
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/zkconn/zktest"
	"scaleio-framework/leader"
)

func TestACrashedWorkersPlaceIsVacatedBeforeTheParentExits(t *testing.T) {
	for _, c := range []struct {
		says  string
		crash func(*family)
		code  int
		line  string
	}{
		{"kill -9", func(f *family) { f.kill(f.workerPID, syscall.SIGKILL) }, 137, "a signal ended the worker: killed: "},
		{"another signal", func(f *family) { f.kill(f.workerPID, syscall.SIGSEGV) }, 1, "the worker crashed: "},
		{"a panic, which Go exits from like from a bad configuration", func(f *family) { f.order("panic") }, 1, "the worker crashed: "},
		{"an exit without a word", func(f *family) { f.order("die 7") }, 7, "the worker crashed: "},
	} {
		t.Run(c.says, func(t *testing.T) {
			f := newFamily(t)
			c.crash(f)
			code, line := f.ended()
			require.Equal(t, c.code, code)
			require.Contains(t, line, c.line)
			require.Empty(t, f.leader(), "%s", f.stderr)
			require.Empty(t, f.candidates(), "%s", f.stderr)
			require.Contains(t, f.stderr.String(), "vacated for the next leader")
		})
	}
}

func TestAStandbyTakesOverFromACrashedWorkerWhoseSessionLives(t *testing.T) {
	f := newFamily(t)
	won := f.standby()
	f.kill(f.workerPID, syscall.SIGKILL)
	term := f.await(won)
	require.Equal(t, uint64(2), term.Epoch())
	_, err := term.Commit(f.ctx)
	require.NoError(t, err)
	f.ended()
	require.Contains(t, f.stderr.String(), "vacated for the next leader", "the session lived when the place was given away")
}

func TestARaisedEpochIsVacatedToo(t *testing.T) {
	f := newFamily(t)
	f.order("raise 17")
	require.Equal(t, "<nil>", f.expect("raised"))
	f.kill(f.workerPID, syscall.SIGKILL)
	f.ended()
	require.Empty(t, f.leader(), "%s", f.stderr)
}

func TestASignalIsPassedOnAndTheWorkerHandsOver(t *testing.T) {
	for _, c := range []struct {
		says  string
		group bool
		sig   syscall.Signal
	}{
		{"SIGTERM to the parent", false, syscall.SIGTERM},
		{"SIGTERM to the group, as Mesos kills", true, syscall.SIGTERM},
		{"SIGINT to the group, as a terminal sends it", true, syscall.SIGINT},
	} {
		t.Run(c.says, func(t *testing.T) {
			f := newFamily(t)
			pid := f.cmd.Process.Pid
			if c.group {
				pid = -pid
			}
			f.kill(pid, c.sig)
			code, line := f.ended()
			require.Zero(t, code)
			require.Empty(t, line)
			require.Empty(t, f.leader())
			require.NotContains(t, f.stderr.String(), "vacated", "nothing was left to do")
		})
	}
}

// A signal that would end a process at once reaches the worker, and the parent
// is there to see it end.
func TestASignalThatTheWorkerDoesNotHandleIsACrash(t *testing.T) {
	f := newFamily(t)
	f.kill(-f.cmd.Process.Pid, syscall.SIGHUP)
	code, _ := f.ended()
	require.Equal(t, 128+1, code)
	require.Empty(t, f.leader())
}

// Nobody counts on a standby that has crashed.
func TestACrashedStandbysCardIsTakenAway(t *testing.T) {
	f := newScene(t)
	f.await(f.standby())
	require.Equal(t, []string{"standby"}, f.candidates())
	f.start(f.link.Addr())
	require.Eventually(t, func() bool { return len(f.candidates()) == 2 }, patience, 5*time.Millisecond)
	f.kill(f.workerPID, syscall.SIGKILL)
	code, _ := f.ended()
	require.Equal(t, 137, code)
	require.Equal(t, []string{"standby"}, f.candidates(), "%s", f.stderr)
	require.Equal(t, "standby", f.leader())
}

func TestAStoppedWorkerIsNotDead(t *testing.T) {
	f := newScene(t)
	f.zk.SessionTimeout = 2 * time.Second
	f.lead()
	won := f.standby()
	f.kill(f.workerPID, syscall.SIGSTOP)
	term := f.await(won)
	require.Zero(t, f.link.Requests(zktest.OpMulti), "the session ended by itself")

	f.kill(f.workerPID, syscall.SIGCONT)
	code, _ := f.ended()
	require.Equal(t, leader.ExitDeposed, code)
	require.Equal(t, "standby", f.leader())
	require.Zero(t, f.link.Requests(zktest.OpMulti), "the place is another's")
	require.NoError(t, term.Err())
}

func TestTheWorkerDiesWithItsParent(t *testing.T) {
	f := newFamily(t)
	f.kill(f.cmd.Process.Pid, syscall.SIGKILL)
	require.Eventually(t, func() bool { return !alive(f.workerPID) }, patience, 5*time.Millisecond)
	require.Equal(t, "worker", f.leader(), "nobody is left to vacate its place")
}

// Another leads although the session of the first one lives on: an operator
// has removed /leader by hand. The parent must not take it from him.
func TestALeaderThatWasElectedMeanwhileStays(t *testing.T) {
	f := newFamily(t)
	f.kill(f.workerPID, syscall.SIGSTOP)
	won := f.standby()
	require.NoError(t, f.witness.Delete(f.ctx, leader.PathLeader, -1))
	term := f.await(won)
	f.kill(f.workerPID, syscall.SIGKILL)
	code, _ := f.ended()
	require.Equal(t, 137, code)
	require.Equal(t, "standby", f.leader())
	_, err := term.Commit(f.ctx)
	require.NoError(t, err)
}

func TestABrokenFenceLeavesTheRestToTheSession(t *testing.T) {
	f := newFamily(t)
	f.kill(f.workerPID, syscall.SIGSTOP)
	_, err := f.witness.Set(f.ctx, leader.PathEpoch, []byte(`{"epoch": 9, "instance": "operator"}`), -1)
	require.NoError(t, err)
	f.kill(f.workerPID, syscall.SIGKILL)
	code, _ := f.ended()
	require.Equal(t, 137, code)
	require.Equal(t, "worker", f.leader())
	require.Contains(t, f.stderr.String(), "place not vacated")
}

func TestWithoutZooKeeperTheParentExitsAllTheSame(t *testing.T) {
	for _, c := range []struct {
		says string
		cut  func(*zktest.Proxy)
	}{
		{"refused", (*zktest.Proxy).Block},
		{"silent", (*zktest.Proxy).Freeze},
	} {
		t.Run(c.says, func(t *testing.T) {
			f := newScene(t)
			f.within = time.Second
			f.lead()
			c.cut(f.link)
			f.kill(f.workerPID, syscall.SIGKILL)
			code, _ := f.ended()
			require.Equal(t, 137, code)
			require.Equal(t, "worker", f.leader())
			require.Contains(t, f.stderr.String(), "place not vacated")
		})
	}
}

func TestAParentThatCannotKnowZooKeeperOnlyWaits(t *testing.T) {
	f := newScene(t)
	f.start(noURL)
	f.expect("leads")
	f.kill(f.workerPID, syscall.SIGKILL)
	code, _ := f.ended()
	require.Equal(t, 137, code)
	require.Equal(t, "worker", f.leader())
}

func TestACandidateThatDiesLeavesNothingToVacate(t *testing.T) {
	f := newScene(t)
	term := f.await(f.standby())
	f.start(f.link.Addr())
	f.kill(f.workerPID, syscall.SIGKILL)
	code, _ := f.ended()
	require.Equal(t, 137, code)
	require.Equal(t, "standby", f.leader())
	require.NoError(t, term.Err())
	require.Zero(t, f.link.Requests(zktest.OpMulti))
}

// A worker that says that it exits has told why, and has left nothing that it
// could help: its parent adds nothing, also where the code is that of a panic.
func TestAnExitOfTheWorkersOwnIsPassedOn(t *testing.T) {
	for _, want := range []int{leader.ExitConfig, leader.ExitDeposed, leader.ExitUnreadable} {
		f := newFamily(t)
		f.order("exit " + strconv.Itoa(want))
		code, line := f.ended()
		require.Equal(t, want, code)
		require.Empty(t, line)
		require.Empty(t, f.stderr.String())
		require.Zero(t, f.link.Requests(zktest.OpMulti))
	}
}

// Who starts the program under the worker's name has no parent to tell.
func TestAWorkerWithoutAParentRefuses(t *testing.T) {
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Cmd{Path: self, Args: []string{"scaleio-scheduler-worker"}}
	out, err := cmd.Output()
	require.ErrorContains(t, err, "exit status 2")
	require.Contains(t, string(out), "find the parent process: ")
}
