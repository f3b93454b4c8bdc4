package sandbox

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"scaleio-framework/internal/freeport"
	"scaleio-framework/internal/netfault"
	"scaleio-framework/internal/redact"
	"scaleio-framework/internal/zkconn"
	"scaleio-framework/internal/zkconn/zktest"
	"scaleio-framework/leader"
	"scaleio-framework/nodeagent/hosttest"
	"scaleio-framework/scaleio/scaleiotest"
	"scaleio-framework/scheduler/mesosapi/mesostest"
)

// ZooKeeper is the part of a sandbox that several worlds can share: it takes
// the longest to start.
type ZooKeeper struct{ cluster *zktest.Cluster }

// tickTime is ZooKeeper's. It rounds every expiry up to its next tick, so a tick
// below half a second leaves the rest of it to the next leader: a take-over
// after kill -9 then stays within the session timeout and half a second.
const tickTime = 400 * time.Millisecond

// ensembleTick is that of an ensemble: the servers that do not lead it tell the
// leader of their clients' heartbeats only every half tick, on top of the
// rounding up.
const ensembleTick = tickTime / 2

// StartZooKeeper starts one server, or an ensemble, that grants sessions of that
// length: it grants twenty ticks at most.
func StartZooKeeper(ctx context.Context, dir string, servers int, session time.Duration) (*ZooKeeper, error) {
	tick := tickTime
	if servers > 1 {
		tick = ensembleTick
	}
	cluster, err := zktest.Launch(ctx, zktest.Options{Dir: dir, Servers: servers, TickTime: max(tick, session/20)})
	if err != nil {
		return nil, err
	}
	return &ZooKeeper{cluster}, nil
}

// Close ends the server.
func (z *ZooKeeper) Close() { z.cluster.Close() }

// Version is what the server says of itself.
func (z *ZooKeeper) Version(ctx context.Context) (string, error) { return z.cluster.Version(ctx) }

// World is one cluster in the sandbox.
type World struct {
	opts Options
	dir  string
	zk   *ZooKeeper
	name string // of the framework; its root in ZooKeeper is made of it

	password redact.Secret
	gateway  *freeport.Row // ports of HTTPS and HTTP
	packages string        // folder

	system     *scaleiotest.System
	network    *freeport.Network // of hosts that are directories
	machines   *machines         // nil when hosts are directories
	aws        *aws              // nil without Options.Growth
	platform   *platform         // nil without Options.Platform
	planned    int               // volumes of all growths so far
	mesos      *mesostest.Cluster
	links      []*links // one of each scheduler
	gateways   netfault.Route
	client     *leader.Client
	hosts      []*Host
	schedulers []*Scheduler
}

// Host is one host: a directory that plays it, or a machine.
type Host struct {
	Name, IP, Root string
	Environment    map[string]string
	// Machine is nil for a directory.
	Machine *hosttest.Machine
	agent   *mesostest.Agent
}

// Agent is the double of the host's Mesos agent.
func (h *Host) Agent() *mesostest.Agent { return h.agent }

// NewWorld lays out and starts everything but the schedulers. name must be new
// in this ZooKeeper.
func NewWorld(ctx context.Context, opts Options, zk *ZooKeeper, dir, name string) (w *World, err error) {
	if err := opts.complete(); err != nil {
		return nil, err
	}
	w = &World{opts: opts, dir: dir, zk: zk, name: name, password: newPassword()}
	defer func() {
		if err != nil {
			err = errors.Join(err, w.Close())
		}
	}()
	for _, sub := range []string{"hosts", "logs", "mesos", "tools", "packages", "secrets"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			return nil, err
		}
	}
	if err := os.WriteFile(w.passwordFile(), []byte(w.password.Reveal()+"\n"), 0o600); err != nil {
		return nil, err
	}
	if w.gateway, err = freeport.Reserve(2); err != nil {
		return nil, err
	}
	if opts.Machines {
		err = w.startMachines(ctx)
	} else {
		w.network, err = freeport.Claim()
	}
	if err != nil {
		return nil, err
	}
	if err := w.startScaleIO(); err != nil {
		return nil, err
	}
	if opts.Platform {
		if err := w.startPlatform(); err != nil {
			return nil, err
		}
	}
	if opts.Growth {
		if err := w.startAWS(); err != nil {
			return nil, err
		}
	}
	for range opts.Schedulers {
		l, err := newLinks(w.zkServers())
		if err != nil {
			return nil, err
		}
		w.links = append(w.links, l)
	}
	if err := w.startMesos(ctx); err != nil {
		return nil, err
	}
	if err := w.reconnect(ctx); err != nil {
		return nil, err
	}
	for range opts.Agents {
		if _, err := w.AddHost(); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// reconnect takes a new session for looking at what stands in ZooKeeper: an
// ensemble that was away may have ended the old one.
func (w *World) reconnect(ctx context.Context) error {
	client, err := leader.Open(ctx, w.Store())
	if err != nil {
		return err
	}
	if w.client != nil {
		w.client.Close()
	}
	w.client = client
	return nil
}

// newPassword draws one that ScaleIO takes: three classes, 8 to 15 characters.
func newPassword() redact.Secret { return redact.New("Sb1" + rand.Text()[:10]) }

func (w *World) passwordFile() string { return filepath.Join(w.dir, "secrets", "password") }

func (w *World) zkOptions(root string) zkconn.Options {
	return zkconn.Options{Servers: w.zkServers(), Root: root}
}

func (w *World) zkServers() []string { return strings.Split(w.zk.cluster.ConnectString(), ",") }

func (w *World) startScaleIO() (err error) {
	options := scaleiotest.Options{
		Version:     releases[w.opts.Release],
		GatewayPort: w.gateway.First, Listen: w.gateways.Listen, ControlAddr: net.JoinHostPort(w.address(), "0"),
		Ports: true,
	}
	if w.system, err = scaleiotest.New(options); err != nil {
		return err
	}
	if _, err = w.system.Serve(); err != nil {
		return err
	}
	w.packages = filepath.Join(w.dir, "packages")
	if w.opts.StandInPackages {
		_, err = scaleiotest.WritePackages(w.packages, releases[w.opts.Release])
	} else {
		err = w.EditPackages(nil)
	}
	if err == nil && w.opts.VolumeDriver {
		err = scaleiotest.BuildDriverPackages(w.packages, w.os())
	}
	if err != nil {
		return fmt.Errorf("sandbox: make the packages: %w", err)
	}
	for _, tool := range scaleiotest.ToolNames() {
		link := filepath.Join(w.dir, "tools", tool)
		if err := os.Symlink(filepath.Join(w.opts.Bin, "standin"), link); err != nil && !os.IsExist(err) {
			return fmt.Errorf("sandbox: %w", err)
		}
	}
	return nil
}

func (w *World) startMesos(ctx context.Context) (err error) {
	if w.opts.Mesos != "" {
		return nil
	}
	announced := registrar{w.zkOptions(w.mesosRoot()), map[string]*links{directPath: nil}}
	for i, l := range w.links {
		announced.links[mesosPath(i+1)] = l
	}
	w.mesos, err = mesostest.New(mesostest.Options{
		Dir: filepath.Join(w.dir, "mesos"), Logger: w.opts.Logger, HeartbeatInterval: w.opts.heartbeat,
		Registrar: announced,
	})
	if err != nil {
		return err
	}
	if err := w.mesos.Start(ctx); err != nil || w.machines == nil {
		return err
	}
	w.machines.agents, err = w.mesos.ServeUnits(net.JoinHostPort(w.address(), "0"))
	return err
}

// mesosRoot is where the master announces itself, and mesosPath where below it
// to a scheduler that has links; to any other it does so on the directPath.
func (w *World) mesosRoot() string { return "/mesos-" + w.name }

const directPath = "/direct"

func mesosPath(scheduler int) string { return fmt.Sprintf("/scheduler%d", scheduler) }

// AddHost lays out one more host and starts its Mesos agent.
func (w *World) AddHost() (*Host, error) { return w.addHost(false) }

// AddImageHost adds a machine with a read-only /usr and no package tools.
func (w *World) AddImageHost() (*Host, error) {
	if w.machines == nil {
		return nil, errors.New("sandbox: only machines have a read-only /usr")
	}
	return w.addHost(true)
}

func (w *World) addHost(image bool) (*Host, error) {
	n := len(w.hosts) + 1
	h := &Host{Name: fmt.Sprintf("host%d", n)}
	var err error
	if w.machines != nil {
		err = w.addMachine(h, image)
	} else {
		err = w.addDirectory(h, n)
	}
	if err != nil {
		return nil, err
	}
	w.hosts = append(w.hosts, h)
	if w.mesos == nil {
		return h, nil // a real Mesos agent is started by the operator
	}
	// Three racks: the first three hosts make three fault sets.
	attributes := map[string]string{"scaleio-fault-set": fmt.Sprintf("rack%d", (n-1)%3+1)}
	maps.Copy(attributes, w.opts.Attributes[h.Name])
	options := mesostest.AgentOptions{Hostname: h.Name, IP: h.IP, ExecutorEnvironment: h.Environment, Attributes: attributes}
	if h.Machine != nil {
		options.Host, options.Unit = h.Machine, true
		options.OnPowerOff = func() { w.machines.note(h.Machine.PowerOff()) }
	}
	if h.agent, err = w.mesos.AddAgent(options); err != nil {
		return nil, err
	}
	if h.Machine != nil {
		return h, w.bootMachine(h)
	}
	return h, nil
}

// addDirectory lays out a directory as the n-th host.
func (w *World) addDirectory(h *Host, n int) error {
	h.IP = w.network.Address(n)
	h.Root = filepath.Join(w.dir, "hosts", h.Name)
	spec := scaleiotest.HostSpec{Hostname: h.Name, IP: h.IP, OS: scaleiotest.Ubuntu}
	if w.opts.gatewayless() {
		spec.OS = scaleiotest.Ubuntu22
	}
	for d := range w.opts.Disks {
		spec.Disks = append(spec.Disks, scaleiotest.Disk{Name: diskName(d), SizeBytes: diskBytes})
	}
	if err := scaleiotest.PrepareHost(h.Root, spec); err != nil {
		return err
	}
	if err := w.system.AttachHost(h.Root, h.Name, h.IP); err != nil {
		return err
	}
	h.Environment = map[string]string{
		"SIO_HOST_ROOT": h.Root,
		"SIO_TOOLS":     filepath.Join(w.dir, "tools"),
	}
	if !w.opts.StandInPackages {
		h.Environment["SIO_REAL_DPKG"] = "1"
	}
	if w.aws == nil {
		return nil
	}
	endpoint, err := w.aws.addInstance(h, n)
	h.Environment["SIO_IMDS_ENDPOINT"] = endpoint
	return err
}

// diskName is that of a host's n-th disk beside its own.
func diskName(n int) string { return fmt.Sprintf("sd%c", 'b'+n) }

// Close ends everything and waits for it.
func (w *World) Close() error {
	var errs []error
	for _, s := range w.schedulers {
		errs = append(errs, s.Close())
	}
	if w.mesos != nil {
		errs = append(errs, w.mesos.Close())
	}
	if w.client != nil {
		w.client.Close()
	}
	if w.aws != nil {
		errs = append(errs, w.aws.close())
	}
	if w.system != nil {
		errs = append(errs, w.system.Close())
	}
	if w.machines != nil {
		errs = append(errs, w.machines.close())
	}
	errs = append(errs, w.gateway.Close())
	if w.network != nil {
		errs = append(errs, w.network.Close())
	}
	for _, l := range w.links {
		l.close()
	}
	w.gateways.Close()
	return errors.Join(errs...)
}
