package mesostest

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/google/uuid"
	mesos "github.com/mesos/mesos-go/api/v1/lib"
)

// version is what the double claims to be.
const version = "1.12.0"

// master is one process of the Mesos master: it dies with all that it knows.
type master struct {
	id       string
	info     *mesos.MasterInfo
	server   *server
	elected  time.Time
	ready    bool
	withdraw func()

	frameworks    map[string]*framework
	removed       map[string]bool
	offers        map[string]*offer
	agents        map[string]*agentRecord
	nextFramework int
	nextOffer     int
	nextAgent     int
}

// agentRecord is what the master knows of an agent.
type agentRecord struct {
	agent *Agent
	tasks map[taskKey]*masterTask
	// active agents take part in offers; an agent that the master cannot reach is inactive first and unreachable later.
	active      bool
	unreachable *mesos.TimeInfo
	gone        bool
	timeout     *time.Timer
	// kills are those that were asked for while the agent could not be reached.
	kills []taskKey
}

type taskKey struct{ framework, task string }

// masterTask is what the master knows of a task: the status that it last forwarded, and where it runs.
type masterTask struct {
	info     mesos.TaskInfo
	executor string
	status   mesos.TaskStatus
}

// elect makes a new master lead at addr. Agents find it by themselves after ReregisterDelay.
func (c *Cluster) elect(ctx context.Context, addr string) error {
	listener, err := net.Listen("tcp4", addr)
	if err != nil {
		return fmt.Errorf("mesostest: the master cannot listen on %s: %w", addr, err)
	}
	m := &master{
		id: uuid.NewString(), elected: time.Now(), frameworks: map[string]*framework{}, removed: map[string]bool{},
		offers: map[string]*offer{}, agents: map[string]*agentRecord{}, ready: c.opts.RecoveryTime == 0,
	}
	m.info = masterInfo(m.id, listener.Addr().(*net.TCPAddr))
	if c.opts.Registrar != nil {
		data, err := json.Marshal(m.info)
		if err != nil {
			return errors.Join(fmt.Errorf("mesostest: encode the master's announcement: %w", err), listener.Close())
		}
		if m.withdraw, err = c.opts.Registrar.Register(ctx, data); err != nil {
			return errors.Join(fmt.Errorf("mesostest: announce the master: %w", err), listener.Close())
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state != clusterRunning || c.master != nil {
		if m.withdraw != nil {
			m.withdraw()
		}
		return errors.Join(errors.New("mesostest: the cluster has closed or has a master already"), listener.Close())
	}
	m.server = c.serve(listener, c.masterHandler(m))
	c.master, c.leader = m, m.server.addr
	c.log.Info("master elected", "addr", m.server.addr, "master_id", m.id)
	if !m.ready {
		c.after(c.opts.RecoveryTime, func() { m.ready = true })
	}
	c.reregisterAllLocked(m)
	return nil
}

// reregisterAllLocked lets the agents find the new master.
func (c *Cluster) reregisterAllLocked(m *master) {
	find := func() {
		if c.master != m {
			return
		}
		for _, agent := range c.agents {
			if agent.connected && agent.running() {
				c.reregisterLocked(agent)
			}
		}
	}
	delay := c.opts.ReregisterDelay + c.opts.RecoveryTime
	c.after(delay+c.opts.AgentTimeout, func() {
		if c.master == m {
			c.giveUpLocked(m)
		}
	})
	if delay > 0 {
		c.after(delay, find)
		return
	}
	find()
}

func masterInfo(id string, addr *net.TCPAddr) *mesos.MasterInfo {
	ip, port := addr.IP.To4(), uint32(addr.Port)
	hostname := ip.String()
	if hostname == "127.0.0.1" {
		hostname = "localhost"
	}
	return &mesos.MasterInfo{
		ID: id, IP: binary.LittleEndian.Uint32(ip), Port: &port, Hostname: &hostname, Version: ptr(version),
		PID:     ptr("master@" + addr.String()),
		Address: &mesos.Address{Hostname: &hostname, IP: ptr(ip.String()), Port: int32(addr.Port)},
		Capabilities: []mesos.MasterInfo_Capability{
			{Type: mesos.MasterInfo_Capability_AGENT_UPDATE}, {Type: mesos.MasterInfo_Capability_AGENT_DRAINING},
		},
	}
}

// location is the redirect target for a path, without a scheme as a real master gives it.
func location(leader, path string) string {
	host, port, _ := net.SplitHostPort(leader)
	if host == "127.0.0.1" {
		host = "localhost"
	}
	return "//" + net.JoinHostPort(host, port) + path
}

func ptr[T any](v T) *T { return &v }

// deadMaster is what remains to be closed outside the mutex.
type deadMaster struct{ master *master }

func (d deadMaster) finish() error {
	if d.master == nil {
		return nil
	}
	err := d.master.server.close()
	if d.master.withdraw != nil {
		d.master.withdraw()
	}
	return err
}

// dropMasterLocked forgets the leading master with all its state.
func (c *Cluster) dropMasterLocked() deadMaster {
	m := c.master
	if m == nil {
		return deadMaster{}
	}
	c.master = nil
	c.recovering = map[string]bool{}
	for id, record := range m.agents {
		if record.unreachable == nil && !record.gone {
			c.recovering[id] = true
		}
		if record.timeout != nil {
			record.timeout.Stop()
		}
	}
	for _, f := range m.frameworks {
		f.stopTimersLocked()
	}
	return deadMaster{m}
}

// KillMaster ends the leading master abruptly: its sockets close, its memory is gone. Followers redirect to the dead one
// until ForgetLeader or ElectMaster.
func (c *Cluster) KillMaster() error {
	c.mu.Lock()
	dead := c.dropMasterLocked()
	c.mu.Unlock()
	if dead.master == nil {
		return errors.New("mesostest: there is no leading master to kill")
	}
	c.log.Info("master killed", "addr", dead.master.server.addr)
	return dead.finish()
}

// ElectMaster starts a new leading master on another port. It knows nothing until agents and frameworks come to it.
func (c *Cluster) ElectMaster(ctx context.Context) error {
	host, _, err := net.SplitHostPort(c.opts.Addr)
	if err != nil {
		return fmt.Errorf("mesostest: Options.Addr: %w", err)
	}
	return c.elect(ctx, net.JoinHostPort(host, strconv.Itoa(0)))
}

// FailoverMaster is KillMaster followed by ElectMaster.
func (c *Cluster) FailoverMaster(ctx context.Context) error {
	if err := c.KillMaster(); err != nil {
		return err
	}
	return c.ElectMaster(ctx)
}

// masterHandler routes the paths of a leading master.
func (c *Cluster) masterHandler(m *master) http.Handler {
	mux := http.NewServeMux()
	for _, prefix := range []string{"", "/master"} {
		mux.HandleFunc(prefix+"/api/v1/scheduler", func(w http.ResponseWriter, r *http.Request) { c.handleScheduler(m, w, r) })
		mux.HandleFunc(prefix+"/state", func(w http.ResponseWriter, _ *http.Request) { c.writeState(m, w) })
		mux.HandleFunc(prefix+"/frameworks", func(w http.ResponseWriter, _ *http.Request) { c.writeFrameworks(m, w) })
		mux.HandleFunc(prefix+"/slaves", func(w http.ResponseWriter, _ *http.Request) { c.writeAgents(m, w) })
		mux.HandleFunc(prefix+"/health", ok)
		mux.HandleFunc(prefix+"/redirect", func(w http.ResponseWriter, _ *http.Request) {
			redirect(w, location(m.server.addr, ""))
		})
		mux.HandleFunc(prefix+"/teardown", func(w http.ResponseWriter, r *http.Request) { c.handleTeardown(m, w, r) })
		mux.HandleFunc(prefix+"/api/v1/", func(w http.ResponseWriter, r *http.Request) { c.handleOperator(m, w, r) })
		mux.HandleFunc(prefix+"/api/v1", func(w http.ResponseWriter, r *http.Request) { c.handleOperator(m, w, r) })
	}
	mux.HandleFunc("/version", writeVersion)
	return mux
}

func ok(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }

func redirect(w http.ResponseWriter, target string) {
	w.Header().Set("Location", target)
	w.WriteHeader(http.StatusTemporaryRedirect)
}
