package sim_test

import (
	"encoding/json"
	"fmt"
	"time"

	"scaleio-framework/internal/model"
	"scaleio-framework/internal/nodeproto"
)

// aliveEvery is the pause between a node agent's signs of life.
const aliveEvery = 15 * time.Second

// host is a machine: what is on its disk outlives its node agent, which is the
// process of a task.
type host struct {
	w         *world
	name      string
	cpus, mem float64

	// On disk.
	epoch   uint64
	journal map[string]journaled
	// executed counts how often each step was begun, failed how often it ended
	// without being done; effects are the steps that were done, whatever was
	// said of them.
	executed, failed map[string]int
	effects          map[string]bool

	// Of the process.
	task *task // nil while none runs
	boot int
	seq  uint64
	// deaf is set while the Mesos agent restarts: the executor lives on, but
	// nothing comes or goes.
	deaf bool
}

type journaled struct {
	attempt int
	digest  string
	report  nodeproto.Report
	// result ends what was begun on the host; nil where nothing was.
	result func() json.RawMessage
	// cancelling says that a tombstone stands while the attempt runs.
	cancelling bool
}

func newHost(w *world, name string) *host {
	return &host{
		w: w, name: name, cpus: 4, mem: 8192, journal: make(map[string]journaled),
		executed: make(map[string]int), failed: make(map[string]int), effects: make(map[string]bool),
	}
}

func (h *host) key() string { return fmt.Sprintf("key-%s-%d", h.name, h.boot) }

func (h *host) address() string { return "10.0.0." + h.name }

// disks are those that the host has from the beginning and may give away.
func (h *host) disks() []model.Disk {
	return []model.Disk{{Path: "/dev/disk/by-id/" + h.name, Device: "/dev/sdb", Size: 200e9, Free: true}}
}

// inventory tells of the machine as it is now: a disk that is a device is free
// no more, and attached volumes are disks.
func (h *host) inventory() *model.Inventory {
	machine := h.w.cloud.Instances[h.name]
	disks := []model.Disk{{Path: "/dev/sda", Device: "/dev/sda", Size: 200e9, Why: "it is mounted at /"}}
	return &model.Inventory{
		Hostname: h.name, MachineID: "machine-" + h.name, Address: h.address(), PublicKey: h.key(), Kernel: "3.10",
		OS: model.OS{ID: "centos", Version: "7", Family: "rpm"}, CPUs: int(h.cpus), MemoryMB: int64(h.mem),
		Disks: append(disks, h.w.cloud.DisksOf(h.name)...), Cloud: machine.Cloud(),
	}
}

func (h *host) envelope() nodeproto.Envelope {
	h.seq++
	return nodeproto.Envelope{V: nodeproto.Version, Epoch: h.epoch, Seq: h.seq}
}

// start is the begin of a node agent: what a predecessor left open was
// interrupted, unless all of it is found to be done.
func (h *host) start(k *task) {
	if !k.lives {
		return
	}
	h.task, h.seq = k, 0
	h.boot++
	h.w.note("host %s: node agent of %s starts", h.name, k.id)
	for _, step := range sortedKeys(h.journal) {
		if e := h.journal[step]; e.report.State == nodeproto.Started {
			h.detect(step, e)
		}
	}
	h.introduce()
	h.alive(k)
}

// detect looks what became of an attempt that was cut off.
func (h *host) detect(step string, e journaled) {
	satisfied := chance(dice{h.w.scenario.seed}.roll("satisfied", h.name, step, e.attempt), satisfiedWhenCut)
	switch {
	case e.result != nil && satisfied:
		h.w.tally["attempt is cut off and was done"]++
		h.effects[step] = true
		e.report.State, e.report.Result = nodeproto.Done, e.result()
	case e.cancelling:
		e.report.State = nodeproto.Cancelled
	default:
		e.report.State, e.report.Interrupted, e.report.Error = nodeproto.Failed, true, "the node agent was restarted during the step"
	}
	h.finish(step, e)
}

// satisfiedWhenCut is how often an attempt that was cut off had done its work.
const satisfiedWhenCut = 0.25

func (h *host) introduce() {
	e := h.envelope()
	e.Inventory = h.inventory()
	h.w.mesos.update(h.task, "TASK_RUNNING", &e)
}

func (h *host) alive(k *task) {
	h.w.after(aliveEvery, func() {
		if h.task == k {
			e := h.envelope()
			e.Alive = &nodeproto.Alive{}
			h.w.mesos.say(h, e)
			h.alive(k)
		}
	})
}

// stop ends the process; what it ran is cut off.
func (h *host) stop() {
	h.task, h.deaf = nil, false
	for _, e := range h.journal {
		if e.report.State == nodeproto.Started {
			h.w.tally["attempt is cut off"]++
		}
	}
}

// restart kills the node agent; a scheduler has to launch the next.
func (h *host) restart() {
	if k := h.task; k != nil {
		h.w.note("host %s: node agent of %s dies", h.name, k.id)
		h.stop()
		h.w.mesos.end(k, "TASK_FAILED")
	}
}

func (h *host) answer(r nodeproto.Report) {
	e := h.envelope()
	e.Report = &r
	h.w.mesos.say(h, e)
}

func (h *host) refuse(c nodeproto.Command, reason nodeproto.RefusalReason) {
	h.w.note("host %s refuses %s attempt %d: %s", h.name, c.Step, c.Attempt, reason)
	e := h.envelope()
	e.Refusal = &nodeproto.Refusal{Reason: reason, Step: c.Step, Attempt: c.Attempt, Epoch: c.Epoch, Text: string(reason)}
	h.w.mesos.say(h, e)
}

// take decides on a command as nodeagent/doc.go says.
func (h *host) take(c nodeproto.Command, key string, sealed bool) {
	if c.Epoch < h.epoch {
		h.refuse(c, nodeproto.StaleEpoch)
		return
	}
	h.epoch = c.Epoch
	if c.Kind == nodeproto.Ask {
		h.answer(h.w.cloud.Locate(h.name, c)) // questions are not journaled
		return
	}
	last, known := h.journal[c.Step]
	switch {
	case c.Digest != nodeproto.DigestOf(c.Step, c.Params) && c.Kind == nodeproto.Run:
		h.w.violate("the digest of %s on %s does not fit its parameters", c.Step, h.name)
		h.refuse(c, nodeproto.Malformed)
	case known && last.attempt > c.Attempt:
		h.refuse(c, nodeproto.OldAttempt)
	case known && last.attempt == c.Attempt && c.Kind == nodeproto.Run && last.digest != c.Digest:
		h.w.violate("attempt %d of %s on %s comes with other parameters", c.Attempt, c.Step, h.name)
		h.refuse(c, nodeproto.OtherParams)
	case known && last.attempt == c.Attempt && c.Kind == nodeproto.Cancel && last.report.State == nodeproto.Started:
		last.cancelling = true
		h.journal[c.Step] = last
	case known && last.attempt == c.Attempt:
		h.answer(last.report)
	case c.Kind == nodeproto.Cancel:
		h.bury(c, last, known)
	case sealed && key != h.key():
		h.refuse(c, nodeproto.Unsealable)
		h.introduce()
	default:
		h.begin(c, last, known)
	}
}

// bury leaves a tombstone for an attempt that was not heard of.
func (h *host) bury(c nodeproto.Command, last journaled, known bool) {
	if known && last.report.State == nodeproto.Started {
		h.w.violate("attempt %d of %s on %s is cancelled beside attempt %d", c.Attempt, c.Step, h.name, last.attempt)
	}
	h.finish(c.Step, journaled{attempt: c.Attempt, digest: c.Digest, report: nodeproto.Report{Step: c.Step, Attempt: c.Attempt, State: nodeproto.Cancelled}})
}

// begin journals an attempt, and runs it for a while.
func (h *host) begin(c nodeproto.Command, last journaled, known bool) {
	if known && last.report.State == nodeproto.Started {
		h.w.violate("attempt %d of %s on %s begins beside attempt %d", c.Attempt, c.Step, h.name, last.attempt)
	}
	h.w.ran(h, c)
	ill, takes := h.w.illnessOf(h.name, c.Step, c.Attempt)
	e := journaled{attempt: c.Attempt, digest: c.Digest, report: nodeproto.Report{Step: c.Step, Attempt: c.Attempt, State: nodeproto.Started}}
	h.executed[c.Step]++
	h.w.note("host %s runs %s attempt %d", h.name, c.Step, c.Attempt)
	if ill != healthy {
		h.w.note(">>> it %s, %s", ill, takes)
		h.w.tally["attempt "+ill.String()]++
	}
	if ill.acts() {
		e.result = h.w.system.begin(h, c)
	}
	h.journal[c.Step] = e
	h.answer(e.report)
	k := h.task
	h.w.after(3*h.w.latency(h.name+" "+c.Step)+takes, func() {
		if k != nil && h.task == k && h.journal[c.Step].attempt == c.Attempt {
			if ill == isCutOff {
				h.restart()
				return
			}
			h.conclude(c.Step, ill)
		}
	})
}

// conclude ends an attempt that was not cut off.
func (h *host) conclude(step string, ill illness) {
	e := h.journal[step]
	cancelling := e.cancelling
	e.report, e.cancelling = ill.report(step, e.attempt), false
	if e.result != nil {
		h.effects[step] = true
		e.report.Result = e.result()
	}
	if e.report.State == nodeproto.Failed {
		e.report.Result = nil
		if cancelling {
			e.report = nodeproto.Report{Step: step, Attempt: e.attempt, State: nodeproto.Cancelled}
		}
	}
	h.finish(step, e)
}

// finish journals an outcome and reports it, reliably.
func (h *host) finish(step string, e journaled) {
	h.w.note("host %s: %s attempt %d is %s %s", h.name, step, e.attempt, e.report.State, e.report.Error)
	h.journal[step] = e
	if e.report.State != nodeproto.Done {
		h.failed[step]++
	}
	how := endedCancelled
	if e.report.State == nodeproto.Cancelled {
		h.w.tally["tombstone"]++
	}
	if e.report.State != nodeproto.Cancelled {
		how = endOf(e.report.State == nodeproto.Failed, e.report.Hopeless, e.report.Interrupted)
	}
	h.w.ended(h.name, step, e.attempt, how)
	up := h.envelope()
	report := e.report
	up.Report = &report
	h.w.mesos.update(h.task, "TASK_RUNNING", &up)
}

// done reports whether what a step is for is there.
func (h *host) done(step string) bool { return h.effects[step] }
