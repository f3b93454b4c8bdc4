package app

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/hashicorp/go-hclog"
	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/clock"
	"scaleio-framework/internal/core"
	"scaleio-framework/internal/engine"
	"scaleio-framework/internal/model"
	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/internal/redact"
	"scaleio-framework/leader"
	"scaleio-framework/leader/leadertest"
	"scaleio-framework/scaleio/scaleiotest"
	"scaleio-framework/scheduler/gateway"
	"scaleio-framework/storagegrowth"
	"scaleio-framework/storagegrowth/cloud"
	"scaleio-framework/storagegrowth/ebs"
	"scaleio-framework/storagegrowth/ec2test"
)

// growthWorld is a growth core on the engine, with what a scheduler performs
// its effects by: the AWS SDK and gateway clients, over HTTP. Behind them are
// an EC2 and a ScaleIO that behave. Node agents answer in the test.
type growthWorld struct {
	t        *testing.T
	options  storagegrowth.Options
	store    *leadertest.Store
	ec2      *ec2test.Cloud
	endpoint string
	scaleio  *scaleiotest.System
	gateways *gateway.Performer
	nodes    *growthNodes
	offer    func(context.Context, core.Event) error
	stop     func()
}

// newGrowthWorld has three hosts, each an instance in a zone of its own, and a
// pool that is 85 % full. Nobody leads it yet.
func newGrowthWorld(t *testing.T) *growthWorld {
	t.Helper()
	w := &growthWorld{t: t, options: hasty(), store: leadertest.NewStore(), stop: func() {}}
	hosts := scaleiotest.Hosts(3, 1, 110<<30)
	var err error
	w.scaleio, err = scaleiotest.New(scaleiotest.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.scaleio.Close()) })
	require.NoError(t, w.scaleio.Bootstrap(scaleiotest.BootstrapSpec{Hosts: hosts, Storage: true}))
	require.NoError(t, w.scaleio.Fill("default/default", 0.85))
	w.gateways, err = gateway.New(gateway.Options{
		Username: "admin", Password: redact.New("Scaleio-12"), Insecure: true, Timeout: 5 * time.Second, Now: clock.Start(), Logger: hclog.NewNullLogger(),
	})
	require.NoError(t, err)
	t.Cleanup(w.gateways.Close)

	w.nodes = &growthNodes{scaleio: w.scaleio, hosts: make(map[string]scaleiotest.HostSpec), disks: make(map[string]model.Disk)}
	w.ec2, err = ec2test.New(ec2test.Options{OnAttach: w.nodes.appear, OnDetach: w.nodes.vanish})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.ec2.Close()) })
	for i, h := range hosts {
		id, err := w.ec2.AddInstance(ec2test.InstanceSpec{Zone: "us-east-1" + string(rune('a'+i)), IP: h.IP})
		require.NoError(t, err)
		w.nodes.hosts[id] = h
	}
	w.endpoint, err = w.ec2.ServeEC2("")
	require.NoError(t, err)

	data, err := model.Encode(&model.Cluster{
		UUID: uuid.NewString(), SystemName: "s", Gateways: []model.Gateway{{Host: "host1", URL: w.scaleio.GatewayURL("host1")}},
	}, nil)
	require.NoError(t, err)
	w.store.Put(leader.PathCluster, data)
	return w
}

// hasty are options that give up soon, where giving up is what is tested.
func hasty() storagegrowth.Options {
	o := storagegrowth.DefaultOptions()
	o.Policy.Interval, o.Policy.For = 50*time.Millisecond, 0
	o.MaxAttempts = 2
	o.Backoff, o.BackoffMax = 10*time.Millisecond, 50*time.Millisecond
	o.Poll, o.PollMax = 10*time.Millisecond, 50*time.Millisecond
	o.Resend, o.ResendMax = 10*time.Millisecond, 50*time.Millisecond
	o.MismatchWait, o.GoneAfter = 100*time.Millisecond, 100*time.Millisecond
	o.StatusEvery = 10 * time.Millisecond
	return o
}

// client is an EC2 client as the scheduler makes it. Without keys the SDK's
// chain finds none.
func (w *growthWorld) client(endpoint, region string, keys bool) *ebs.Client {
	w.t.Helper()
	nowhere := filepath.Join(w.t.TempDir(), "none")
	env := map[string]string{
		"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_SESSION_TOKEN": "", "AWS_PROFILE": "", "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_CONFIG_FILE": nowhere, "AWS_SHARED_CREDENTIALS_FILE": nowhere, "AWS_WEB_IDENTITY_TOKEN_FILE": "",
		"AWS_CONTAINER_CREDENTIALS_FULL_URI": "", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "",
	}
	if keys {
		env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"] = "AKIATEST", "test"
	}
	for name, value := range env {
		w.t.Setenv(name, value)
	}
	transport := &http.Transport{}
	w.t.Cleanup(transport.CloseIdleConnections)
	client, err := ebs.New(w.t.Context(), ebs.Options{
		Region: region, Endpoint: endpoint, HTTPClient: &http.Client{Transport: transport}, Logger: hclog.NewNullLogger(),
		Retries: 1, MaxBackoff: 5 * time.Millisecond,
	})
	require.NoError(w.t, err)
	return client
}

// heldTerm is a term whose lease does not lapse.
type heldTerm struct{ *leadertest.Term }

func (heldTerm) Held() bool                          { return true }
func (heldTerm) AwaitHeld(ctx context.Context) error { return ctx.Err() }

// lead lets another scheduler lead, which has that provider; the one before is
// over.
func (w *growthWorld) lead(provider cloud.Cloud) {
	w.t.Helper()
	w.stop()
	ctx, cancel := context.WithCancel(context.Background())
	eng, err := engine.New(engine.Options{
		Store: heldTerm{w.store.Elect("sio", nil)}, Entropy: uuid.NewString, Logger: hclog.NewNullLogger(),
		Cores: func() []core.Core {
			c, err := storagegrowth.New(w.options)
			if err != nil {
				panic(err) // the test's own options
			}
			return []core.Core{c}
		},
		Perform: func(ctx context.Context, effect core.Effect, post func(core.Event)) {
			switch e := effect.(type) {
			case core.CloudCall:
				post(performCloud(ctx, provider, clock.Start(), e))
			case core.ReadPools:
				post(w.gateways.ReadPools(ctx, e))
			case core.GatewayCall:
				post(w.gateways.Perform(ctx, e))
			case core.SendCommand:
				post(w.nodes.answer(e))
			}
		},
	})
	require.NoError(w.t, err)
	ended := make(chan error, 1)
	go func() { ended <- eng.Run(ctx) }()
	w.offer = eng.Offer
	w.stop = sync.OnceFunc(func() {
		cancel()
		require.NoError(w.t, <-ended)
		require.NoError(w.t, eng.Close(context.Background()))
	})
	w.t.Cleanup(w.stop)
	for id, h := range w.nodes.hosts {
		require.NoError(w.t, eng.Offer(ctx, core.NodeUp{Host: h.Hostname, Inventory: &model.Inventory{
			Hostname: h.Hostname, Address: h.IP, PublicKey: "k",
			Cloud: &model.CloudHost{Provider: "aws", InstanceID: id, InstanceType: "m7i.large", Zone: w.nodes.zone(w.ec2, id)},
		}}))
	}
}

func (w *growthWorld) view() storagegrowth.View { return storagegrowth.Describe(w.store.Tree()) }

// order gives an order as scaleioctl does, and waits until it is settled.
func (w *growthWorld) order(order model.Order) {
	w.t.Helper()
	raw, err := json.Marshal(order)
	require.NoError(w.t, err)
	path := w.store.Order(raw)
	require.NoError(w.t, w.offer(w.t.Context(), core.OrderReceived{Path: path, Raw: raw}))
	require.Eventually(w.t, func() bool { _, waits := w.store.Tree()[path]; return !waits }, patience, 5*time.Millisecond)
}

// growthNodes are the hosts as their node agents see them: a volume that is
// attached appears as a disk, unless it is hidden.
type growthNodes struct {
	scaleio *scaleiotest.System
	hosts   map[string]scaleiotest.HostSpec // by instance

	mu     sync.Mutex
	disks  map[string]model.Disk // by volume
	made   int
	hidden bool
	errs   []error
}

func (n *growthNodes) zone(c *ec2test.Cloud, id string) string {
	for _, i := range c.Snapshot().Instances {
		if i.ID == id {
			return i.Zone
		}
	}
	return ""
}

func (n *growthNodes) appear(at ec2test.Attachment) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.made++
	disk := scaleiotest.Disk{Name: fmt.Sprintf("nvme%dn1", n.made), SizeBytes: int64(at.SizeGiB) << 30, Serial: strings.ReplaceAll(at.VolumeID, "-", "")}
	n.disks[at.VolumeID] = model.Disk{Path: "/dev/" + disk.Name, Size: disk.SizeBytes, Serial: disk.Serial, Free: true}
	if err := n.scaleio.AddDisk(n.hosts[at.InstanceID].Hostname, disk); err != nil {
		n.errs = append(n.errs, err)
	}
}

func (n *growthNodes) vanish(at ec2test.Attachment) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.disks, at.VolumeID)
}

func (n *growthNodes) hide(yes bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.hidden = yes
}

// answer is what a node agent answers to the question for a volume.
func (n *growthNodes) answer(e core.SendCommand) core.Event {
	n.mu.Lock()
	defer n.mu.Unlock()
	report := nodeproto.Report{Step: e.Command.Step, Attempt: 1, State: nodeproto.Failed}
	var p nodeproto.LocateParams
	if err := json.Unmarshal(e.Command.Params, &p); err != nil {
		n.errs = append(n.errs, err)
	}
	disk, there := n.disks[p.Serial]
	if !there || n.hidden {
		report.Error = "no disk with serial number " + p.Serial
		return core.NodeReported{Host: e.Host, Report: report}
	}
	raw, err := json.Marshal(disk)
	if err != nil {
		n.errs = append(n.errs, err)
	}
	report.State, report.Result = nodeproto.Done, raw
	return core.NodeReported{Host: e.Host, Report: report}
}
