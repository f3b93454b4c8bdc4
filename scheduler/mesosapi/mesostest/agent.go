package mesostest

import (
	"maps"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
)

// Agent is the double of a Mesos agent on its host. What a real agent checkpoints, this one keeps in memory over Stop.
type Agent struct {
	cluster *Cluster
	opts    AgentOptions
	// addr is where the agent's API listens, the same over restarts: executors know it.
	addr string
	// dir is the agent's work directory.
	dir       string
	resources mesos.Resources

	// id is given by the master; a rebooted host may get another one.
	id string
	// started is when its process was; boot and runs are known of a unit only: the host's boot, the flags of each run.
	started time.Time
	boot    string
	runs    []map[string]string
	// server is nil while the agent's process is down.
	server *server
	// connected is whether masters can reach the agent.
	connected bool
	// recovery is the time limit of executors after a restart; nil when the agent waits for none.
	recovery *time.Timer

	frameworks map[string]*mesos.FrameworkInfo
	executors  map[executorKey]*executor
	tasks      map[taskKey]*agentTask
}

type executorKey struct{ framework, executor string }

// agentTask is what the agent keeps of a task until its last update is acknowledged.
type agentTask struct {
	info     mesos.TaskInfo
	executor *executor
	// launched is whether the executor has been sent the task.
	launched bool
	last     *mesos.TaskStatus
	// pending are the updates that the scheduler has not acknowledged; the first is the one under way.
	pending []mesos.TaskStatus
	seen    map[string]bool
	retry   *time.Timer
	wait    time.Duration
}

func (t *agentTask) state() mesos.TaskState {
	if t.last == nil {
		return mesos.TASK_STAGING
	}
	return *t.last.State
}

// terminal reports whether a task in this state has ended for good.
func terminal(state mesos.TaskState) bool {
	switch state {
	case mesos.TASK_FINISHED, mesos.TASK_FAILED, mesos.TASK_KILLED, mesos.TASK_ERROR, mesos.TASK_LOST, mesos.TASK_DROPPED,
		mesos.TASK_GONE, mesos.TASK_GONE_BY_OPERATOR:
		return true
	default:
		return false
	}
}

func newAgent(c *Cluster, opts AgentOptions, index int, addr string) *Agent {
	return &Agent{
		cluster: c, opts: opts, addr: addr,
		dir: filepath.Join(c.opts.Dir, "agent"+strconv.Itoa(index)), resources: opts.all(), connected: true,
		frameworks: map[string]*mesos.FrameworkInfo{}, executors: map[executorKey]*executor{}, tasks: map[taskKey]*agentTask{},
	}
}

// ID is the agent's present id.
func (a *Agent) ID() string {
	a.cluster.mu.Lock()
	defer a.cluster.mu.Unlock()
	return a.id
}

// Hostname is the name that offers show.
func (a *Agent) Hostname() string { return a.opts.Hostname }

// Addr is the address and port of the agent's API.
func (a *Agent) Addr() string { return a.addr }

// running is whether the agent's process is up and past its recovery.
func (a *Agent) running() bool { return a.server != nil && a.recovery == nil }

func (a *Agent) startLocked(listener net.Listener) {
	mux := http.NewServeMux()
	for _, prefix := range []string{"", "/slave(1)"} {
		mux.HandleFunc(prefix+"/api/v1/executor", a.handleExecutor)
		mux.HandleFunc(prefix+"/health", ok)
		mux.HandleFunc(prefix+"/state", a.writeState)
	}
	mux.HandleFunc("/version", writeVersion)
	a.started = time.Now()
	a.server = a.cluster.serve(listener, mux)
	a.cluster.log.Info("agent started", "hostname", a.opts.Hostname, "addr", a.addr)
}

// executorsLocked are the executors in a stable order.
func (a *Agent) executorsLocked() []*executor {
	return slices.SortedFunc(maps.Values(a.executors), func(x, y *executor) int { return x.order - y.order })
}

// usedLocked are the resources of live executors and of tasks that have not ended.
func (a *Agent) usedLocked() mesos.Resources {
	var used mesos.Resources
	for _, executor := range a.executors {
		used.Add(plain(executor.info.Resources)...)
	}
	for _, task := range a.tasks {
		if !terminal(task.state()) {
			used.Add(plain(task.info.Resources)...)
		}
	}
	return used
}

func (a *Agent) attributes() []mesos.Attribute {
	var list []mesos.Attribute
	for _, name := range slices.Sorted(maps.Keys(a.opts.Attributes)) {
		list = append(list, mesos.Attribute{Name: name, Type: mesos.TEXT, Text: &mesos.Value_Text{Value: a.opts.Attributes[name]}})
	}
	return list
}

func (a *Agent) port() int32 {
	_, port, _ := net.SplitHostPort(a.addr)
	n, _ := strconv.Atoi(port)
	return int32(n)
}

func (a *Agent) offerLocked(o *offer) mesos.Offer {
	out := mesos.Offer{
		ID: mesos.OfferID{Value: o.id}, FrameworkID: mesos.FrameworkID{Value: o.framework}, AgentID: mesos.AgentID{Value: a.id},
		Hostname: a.opts.Hostname, Resources: allocated(o.resources, o.role), Attributes: a.attributes(),
		AllocationInfo: &mesos.Resource_AllocationInfo{Role: &o.role},
		URL: &mesos.URL{
			Scheme: "http", Path: ptr("/slave(1)"),
			Address: mesos.Address{Hostname: &a.opts.Hostname, IP: &a.opts.IP, Port: a.port()},
		},
	}
	for _, executor := range a.executorsLocked() {
		if executor.key.framework == o.framework && !executor.command {
			out.ExecutorIDs = append(out.ExecutorIDs, mesos.ExecutorID{Value: executor.id})
		}
	}
	return out
}

// infoLocked is the agent as executors are told of it.
func (a *Agent) infoLocked() mesos.AgentInfo {
	list := a.resources.Clone()
	for i := range list {
		list[i].Role = nil
	}
	return mesos.AgentInfo{
		Hostname: a.opts.Hostname, Port: ptr(a.port()), Resources: list, Attributes: a.attributes(), ID: &mesos.AgentID{Value: a.id},
	}
}
