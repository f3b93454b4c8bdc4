package mesostest_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/recordio"
	"github.com/mesos/mesos-go/api/v1/lib/resources"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"scaleio-framework/scheduler/mesosapi/mesostest"
)

// patience is how long a test waits for what must come.
const patience = 20 * time.Second

// newCluster starts a cluster with short intervals and no agents.
func newCluster(t *testing.T, change func(*mesostest.Options)) *mesostest.Cluster {
	t.Helper()
	opts := mesostest.Options{
		Dir: t.TempDir(), OfferInterval: 50 * time.Millisecond, UpdateRetry: 100 * time.Millisecond,
		AgentTimeout: 50 * time.Millisecond,
	}
	if change != nil {
		change(&opts)
	}
	cluster, err := mesostest.New(opts)
	require.NoError(t, err)
	require.NoError(t, cluster.Start(context.Background()))
	t.Cleanup(func() { require.NoError(t, cluster.Close()) })
	return cluster
}

func addAgent(t *testing.T, cluster *mesostest.Cluster, hostname string) *mesostest.Agent {
	t.Helper()
	agent, err := cluster.AddAgent(mesostest.AgentOptions{
		Hostname: hostname, Attributes: map[string]string{"rack": "r0"},
		ExecutorEnvironment: map[string]string{"SIO_HOST_ROOT": "/host/" + hostname},
	})
	require.NoError(t, err)
	return agent
}

// driver is a scheduler that acknowledges only when told to.
type driver struct {
	t      *testing.T
	media  string
	client *http.Client

	url      string
	info     *mesos.FrameworkInfo
	streamID string
	body     io.ReadCloser
	reading  sync.WaitGroup

	mu     sync.Mutex
	events []*scheduler.Event
	taken  int
	used   map[string]bool
	eof    bool
	arrive chan struct{}
}

func newDriver(t *testing.T, url, media string, capabilities ...mesos.FrameworkInfo_Capability_Type) *driver {
	timeout, checkpoint := 3600.0, true
	info := &mesos.FrameworkInfo{
		User: "root", Name: "test", FailoverTimeout: &timeout, Checkpoint: &checkpoint, Roles: []string{"test"},
		Capabilities: []mesos.FrameworkInfo_Capability{{Type: mesos.FrameworkInfo_Capability_MULTI_ROLE}},
	}
	for _, capability := range capabilities {
		info.Capabilities = append(info.Capabilities, mesos.FrameworkInfo_Capability{Type: capability})
	}
	d := &driver{
		t: t, url: url, media: media, info: info, arrive: make(chan struct{}, 1), used: map[string]bool{},
		client: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}},
	}
	t.Cleanup(d.disconnect)
	return d
}

func (d *driver) post(call *scheduler.Call) *http.Response {
	d.t.Helper()
	var body []byte
	var err error
	if d.media == "application/json" {
		body, err = call.MarshalJSON()
	} else {
		body, err = call.Marshal()
	}
	require.NoError(d.t, err)
	request, err := http.NewRequest(http.MethodPost, d.url+"/api/v1/scheduler", bytes.NewReader(body))
	require.NoError(d.t, err)
	request.Header.Set("Content-Type", d.media)
	request.Header.Set("Accept", d.media)
	if call.Type != scheduler.Call_SUBSCRIBE {
		request.Header.Set("Mesos-Stream-Id", d.streamID)
	}
	response, err := d.client.Do(request)
	require.NoError(d.t, err)
	return response
}

// call sends a call of the subscribed framework and requires 202.
func (d *driver) call(call *scheduler.Call) {
	d.t.Helper()
	call.FrameworkID = d.info.ID
	response := d.post(call)
	text, err := io.ReadAll(response.Body)
	require.NoError(d.t, err)
	require.NoError(d.t, response.Body.Close())
	require.Equal(d.t, http.StatusAccepted, response.StatusCode, "%s: %s", call.Type, text)
}

// subscribe opens a stream and waits for SUBSCRIBED.
func (d *driver) subscribe() {
	d.t.Helper()
	d.open()
	event := d.next(scheduler.Event_SUBSCRIBED)
	d.info.ID = event.Subscribed.FrameworkID
}

func (d *driver) open() {
	d.t.Helper()
	d.disconnect()
	response := d.post(&scheduler.Call{
		Type: scheduler.Call_SUBSCRIBE, FrameworkID: d.info.ID, Subscribe: &scheduler.Call_Subscribe{FrameworkInfo: d.info},
	})
	require.Equal(d.t, http.StatusOK, response.StatusCode)
	d.streamID, d.body = response.Header.Get("Mesos-Stream-Id"), response.Body
	d.events, d.taken, d.eof = nil, 0, false
	d.reading.Go(func() { d.read(response.Body) })
}

func (d *driver) read(body io.Reader) {
	reader := recordio.NewReader(body)
	for {
		frame, err := reader.ReadFrame()
		event := &scheduler.Event{}
		if err == nil && d.media == "application/json" {
			err = event.UnmarshalJSON(frame)
		} else if err == nil {
			err = event.Unmarshal(frame)
		}
		d.mu.Lock()
		if err != nil {
			d.eof = true
		} else {
			d.events = append(d.events, event)
		}
		d.mu.Unlock()
		select {
		case d.arrive <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

func (d *driver) disconnect() {
	if d.body == nil {
		return
	}
	d.body.Close()
	d.reading.Wait()
	d.body = nil
}

// match takes the next event that fits, skipping others.
func (d *driver) match(what string, fits func(*scheduler.Event) bool) *scheduler.Event {
	d.t.Helper()
	deadline := time.After(patience)
	for {
		if event := d.take(fits); event != nil {
			return event
		}
		select {
		case <-d.arrive:
		case <-deadline:
			require.FailNow(d.t, "no event", "waited for %s, got %d events", what, len(d.events))
		}
	}
}

func (d *driver) take(fits func(*scheduler.Event) bool) *scheduler.Event {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := d.taken; i < len(d.events); i++ {
		if fits(d.events[i]) {
			d.taken = i + 1
			return d.events[i]
		}
	}
	return nil
}

// none requires that no such event comes for a while.
func (d *driver) none(what string, wait time.Duration, fits func(*scheduler.Event) bool) {
	d.t.Helper()
	time.Sleep(wait)
	require.Nil(d.t, d.take(fits), "unexpected %s", what)
}

func (d *driver) next(typ scheduler.Event_Type) *scheduler.Event {
	d.t.Helper()
	return d.match(typ.String(), func(e *scheduler.Event) bool { return e.Type == typ })
}

// offer takes the first offer that has not been taken, wherever it came among other events.
func (d *driver) offer() mesos.Offer {
	d.t.Helper()
	var offer *mesos.Offer
	require.Eventually(d.t, func() bool { offer = d.unused(); return offer != nil }, patience, time.Millisecond, "no offer")
	return *offer
}

func (d *driver) noOffer(wait time.Duration) {
	d.t.Helper()
	time.Sleep(wait)
	require.Nil(d.t, d.unused(), "unexpected offer")
}

func (d *driver) unused() *mesos.Offer {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, event := range d.events {
		for i := range event.GetOffers().GetOffers() {
			if offer := &event.Offers.Offers[i]; !d.used[offer.ID.Value] {
				d.used[offer.ID.Value] = true
				return offer
			}
		}
	}
	return nil
}

// status takes the next update of a task in a state.
func (d *driver) status(task string, state mesos.TaskState) mesos.TaskStatus {
	d.t.Helper()
	event := d.match(task+" "+state.String(), func(e *scheduler.Event) bool {
		return e.Type == scheduler.Event_UPDATE && e.Update.Status.TaskID.Value == task && *e.Update.Status.State == state
	})
	return event.Update.Status
}

func (d *driver) acknowledge(status mesos.TaskStatus) {
	d.t.Helper()
	d.call(&scheduler.Call{Type: scheduler.Call_ACKNOWLEDGE, Acknowledge: &scheduler.Call_Acknowledge{
		AgentID: *status.AgentID, TaskID: status.TaskID, UUID: status.UUID,
	}})
}

// running acknowledges the two updates of the test executor's start.
func (d *driver) running(task string) mesos.TaskStatus {
	d.t.Helper()
	d.acknowledge(d.status(task, mesos.TASK_STARTING))
	status := d.status(task, mesos.TASK_RUNNING)
	d.acknowledge(status)
	return status
}

func (d *driver) accept(offer mesos.Offer, refuse float64, tasks ...mesos.TaskInfo) {
	d.t.Helper()
	d.call(&scheduler.Call{Type: scheduler.Call_ACCEPT, Accept: &scheduler.Call_Accept{
		OfferIDs: []mesos.OfferID{offer.ID},
		Operations: []mesos.Offer_Operation{{
			Type: mesos.Offer_Operation_LAUNCH, Launch: &mesos.Offer_Operation_Launch{TaskInfos: tasks},
		}},
		Filters: &mesos.Filters{RefuseSeconds: &refuse},
	}})
}

func (d *driver) decline(offer mesos.Offer, filters *mesos.Filters) {
	d.t.Helper()
	d.call(&scheduler.Call{Type: scheduler.Call_DECLINE, Decline: &scheduler.Call_Decline{
		OfferIDs: []mesos.OfferID{offer.ID}, Filters: filters,
	}})
}

func (d *driver) message(agent *mesostest.Agent, executor, text string) {
	d.t.Helper()
	d.call(&scheduler.Call{Type: scheduler.Call_MESSAGE, Message: &scheduler.Call_Message{
		AgentID: mesos.AgentID{Value: agent.ID()}, ExecutorID: mesos.ExecutorID{Value: executor}, Data: []byte(text),
	}})
}

// launch starts a task with the test executor on the first offer that comes, and waits until it runs.
func (d *driver) launch(task string) {
	d.t.Helper()
	offer := d.offer()
	d.accept(offer, 3600, taskWithExecutor(d.t, offer, task, "exec", "plain"))
	d.running(task)
}

func small() []mesos.Resource {
	return []mesos.Resource{resources.NewCPUs(0.1).Resource, resources.NewMemory(32).Resource}
}

// taskWithExecutor is a task of the test executor, which runs in the given mode.
func taskWithExecutor(t *testing.T, offer mesos.Offer, task, executor, mode string) mesos.TaskInfo {
	t.Helper()
	program, err := os.Executable()
	require.NoError(t, err)
	shell := false
	// The race detector delays an exit by a second.
	grace := 5 * time.Second
	if mode == "stubborn" {
		grace = 200 * time.Millisecond
	}
	return mesos.TaskInfo{
		Name: task, TaskID: mesos.TaskID{Value: task}, AgentID: offer.AgentID, Resources: small(),
		Executor: &mesos.ExecutorInfo{
			Type: mesos.ExecutorInfo_CUSTOM, ExecutorID: mesos.ExecutorID{Value: executor}, Resources: small(),
			ShutdownGracePeriod: &mesos.DurationInfo{Nanoseconds: int64(grace)},
			Command: &mesos.CommandInfo{
				Shell: &shell, Value: &program, Arguments: []string{program, "argument"},
				Environment: &mesos.Environment{Variables: []mesos.Environment_Variable{
					{Name: "MESOSTEST_EXECUTOR", Value: &mode},
				}},
			},
		},
	}
}

// environment splits NAME=value entries.
func environment(text, separator string) map[string]string {
	variables := map[string]string{}
	for entry := range strings.SplitSeq(text, separator) {
		if name, value, ok := strings.Cut(entry, "="); ok {
			variables[name] = value
		}
	}
	return variables
}
