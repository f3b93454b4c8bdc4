package executor

import (
	"bytes"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/executor"
)

// ledger holds what the agent has not acknowledged, which a restarted agent
// must be told. It does no locking.
type ledger struct {
	known   map[string]struct{} // every task ever launched
	tasks   []mesos.TaskInfo    // without an acknowledged update
	updates []entry             // in the order of Update
}

type entry struct {
	update executor.Call_Update
	sent   bool // to the agent of the present subscription
}

func newLedger() *ledger { return &ledger{known: map[string]struct{}{}} }

// launched notes a task; false when it came before. An agent that restarted
// in the midst of a launch may send it again.
func (l *ledger) launched(task mesos.TaskInfo) bool {
	if _, ok := l.known[task.TaskID.Value]; ok {
		return false
	}
	l.known[task.TaskID.Value] = struct{}{}
	l.tasks = append(l.tasks, task)
	return true
}

func (l *ledger) add(status mesos.TaskStatus) {
	l.updates = append(l.updates, entry{update: executor.Call_Update{Status: status}})
}

// acknowledged forgets an update, and that its task is new to the agent.
func (l *ledger) acknowledged(taskID string, uuid []byte) {
	l.drop(uuid)
	for i := range l.tasks {
		if l.tasks[i].TaskID.Value == taskID {
			l.tasks = append(l.tasks[:i:i], l.tasks[i+1:]...)
			return
		}
	}
}

func (l *ledger) drop(uuid []byte) {
	for i := range l.updates {
		if bytes.Equal(l.updates[i].update.Status.UUID, uuid) {
			l.updates = append(l.updates[:i:i], l.updates[i+1:]...)
			return
		}
	}
}

// open returns copies of what a SUBSCRIBE must carry.
func (l *ledger) open() ([]mesos.TaskInfo, []executor.Call_Update) {
	updates := make([]executor.Call_Update, 0, len(l.updates))
	for _, e := range l.updates {
		updates = append(updates, e.update)
	}
	return append([]mesos.TaskInfo(nil), l.tasks...), updates
}

// told notes that the agent has these updates: they were part of a SUBSCRIBE
// that it took, or of an UPDATE.
func (l *ledger) told(updates ...executor.Call_Update) {
	for _, u := range updates {
		for i := range l.updates {
			if bytes.Equal(l.updates[i].update.Status.UUID, u.Status.UUID) {
				l.updates[i].sent = true
			}
		}
	}
}

// untold forgets what an agent was told, for the next one.
func (l *ledger) untold() {
	for i := range l.updates {
		l.updates[i].sent = false
	}
}

// next returns the oldest update that the agent was not told.
func (l *ledger) next() (executor.Call_Update, bool) {
	for _, e := range l.updates {
		if !e.sent {
			return e.update, true
		}
	}
	return executor.Call_Update{}, false
}

func (l *ledger) empty() bool { return len(l.updates) == 0 }
