package mesosapi

import (
	"bytes"
	"context"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"
	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/internal/recordio"
	"scaleio-framework/internal/redact"
)

func TestParseMasterInfo(t *testing.T) {
	for name, c := range map[string]struct{ in, want, wrong string }{
		"the IP is preferred":           {`{"address":{"hostname":"h","ip":"10.0.0.1","port":5050},"ip":1,"port":2}`, "10.0.0.1:5050", ""},
		"a hostname will do":            {`{"address":{"hostname":"h.example","port":5050}}`, "h.example:5050", ""},
		"IPv6":                          {`{"address":{"ip":"fd00::1","port":5050}}`, "[fd00::1]:5050", ""},
		"an old master's packed IP":     {`{"ip":16777343,"port":5060}`, "127.0.0.1:5060", ""},
		"no address":                    {`{"port":5050}`, "", "no address"},
		"no port":                       {`{"address":{"ip":"10.0.0.1"}}`, "", "port"},
		"a port that is none":           {`{"address":{"ip":"10.0.0.1","port":65536}}`, "", "port"},
		"an IP that is none":            {`{"address":{"ip":"10.0.0","port":5050}}`, "", "address.ip"},
		"a hostname with a path":        {`{"address":{"hostname":"h/x","port":5050}}`, "", "hostname"},
		"a hostname that holds a colon": {`{"address":{"hostname":"h:1","port":5050}}`, "", "hostname"},
		"no JSON":                       {`hello`, "", "JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parseMasterInfo([]byte(c.in))
			if c.wrong != "" {
				require.ErrorContains(t, err, c.wrong)
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.want, got)
		})
	}
}

func TestParseMasterInfoAsRecorded(t *testing.T) {
	text, err := os.ReadFile("../../../shared/data/mesos/18z-zookeeper-nodes.txt")
	if err != nil {
		t.Skip("the recorded data is not here")
	}
	start := bytes.IndexByte(text, '{')
	got, err := parseMasterInfo(bytes.TrimSpace(text[start:]))
	require.NoError(t, err)
	require.Equal(t, "127.0.0.1:5060", got)
}

func FuzzParseMasterInfo(f *testing.F) {
	f.Add([]byte(`{"address":{"hostname":"h","ip":"10.0.0.1","port":5050},"ip":16777343,"port":5050}`))
	f.Add([]byte(`{"ip":16777343,"port":5060}`))
	f.Add([]byte(`{"address":{"hostname":"::","port":1}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		address, err := parseMasterInfo(data)
		if err != nil {
			return
		}
		host, port, err := net.SplitHostPort(address)
		require.NoError(t, err)
		require.NotEmpty(t, host)
		require.NotEmpty(t, port)
	})
}

func FuzzEvent(f *testing.F) {
	f.Add([]byte{0x08, 0x01, 0xfa, 0x07, 0xf4, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f})
	running, source, scalar := mesos.TASK_RUNNING, mesos.SOURCE_EXECUTOR, mesos.SCALAR
	for _, e := range []scheduler.Event{
		{Type: scheduler.Event_HEARTBEAT},
		{Type: scheduler.Event_OFFERS},
		{Type: scheduler.Event_UPDATE, Update: &scheduler.Event_Update{Status: mesos.TaskStatus{
			TaskID: mesos.TaskID{Value: "t"}, State: &running, Source: &source, UUID: []byte("0123456789abcdef"),
		}}},
		{Type: scheduler.Event_OFFERS, Offers: &scheduler.Event_Offers{Offers: []mesos.Offer{{
			Hostname: "h", Resources: []mesos.Resource{{Name: "cpus", Type: &scalar}}, Attributes: []mesos.Attribute{{Name: "a"}},
		}}}},
	} {
		data, err := e.Marshal()
		require.NoError(f, err)
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var event scheduler.Event
		if err := recordio.Decode(data, &event); err != nil {
			require.ErrorIs(t, err, recordio.ErrMalformed)
			return
		}
		if translated, err := translate(&event); err == nil && translated != nil {
			require.NotEmpty(t, translated.String())
		}
	})
}

func TestOffersCountOnlyWhatALaunchCanTake(t *testing.T) {
	scalar, star, role := mesos.SCALAR, "*", "storage"
	resource := func(name string, value float64, change func(*mesos.Resource)) mesos.Resource {
		r := mesos.Resource{Name: name, Type: &scalar, Scalar: &mesos.Value_Scalar{Value: value}}
		if change != nil {
			change(&r)
		}
		return r
	}
	got, err := translate(&scheduler.Event{Type: scheduler.Event_OFFERS, Offers: &scheduler.Event_Offers{Offers: []mesos.Offer{{
		ID: mesos.OfferID{Value: "o"}, AgentID: mesos.AgentID{Value: "a"}, Hostname: "h",
		Unavailability: &mesos.Unavailability{},
		Resources: []mesos.Resource{
			resource("cpus", 1, nil),
			resource("cpus", 2, func(r *mesos.Resource) { r.Role = &star }),
			resource("cpus", 4, func(r *mesos.Resource) { r.Revocable = &mesos.Resource_RevocableInfo{} }),
			resource("cpus", 8, func(r *mesos.Resource) { r.Role = &role }),
			resource("cpus", 16, func(r *mesos.Resource) { r.Reservations = []mesos.Resource_ReservationInfo{{Role: &role}} }),
			resource("mem", 512, nil),
			resource("disk", 4, nil),
			{Name: "cpus"},
		},
		Attributes: []mesos.Attribute{
			{Name: "text", Text: &mesos.Value_Text{Value: "r1"}},
			{Name: "scalar", Scalar: &mesos.Value_Scalar{Value: 1.5}},
			{Name: "set", Set: &mesos.Value_Set{Item: []string{"a", "b"}}},
			{Name: "ranges", Ranges: &mesos.Value_Ranges{Range: []mesos.Value_Range{{Begin: 1, End: 2}}}},
		},
	}}}})
	require.NoError(t, err)
	require.Equal(t, core.OffersReceived{Offers: []core.Offer{{
		ID: "o", AgentID: "a", Hostname: "h", CPUs: 3, MemoryMB: 512, Unavailable: true,
		Attributes: map[string]string{"text": "r1", "scalar": "1.5", "set": "{a,b}", "ranges": "[1-2]"},
	}}}, got)
}

func TestALaunchIsTheSameWhoeverMakesIt(t *testing.T) {
	o := Options{Role: "storage", ExecutorEnvironment: map[string]string{"B": "2", "A": "1", "C": "3"}}.withDefaults()
	launch := model.Launch{
		Number: 1, TaskID: "node1-1", ExecutorID: "node1", AgentID: "a", OfferID: "o", CPUs: 1.5, MemoryMB: 3072,
		URI: "http://127.0.0.1:8080/artifacts/0123/scaleio-nodeagent?x=1",
	}
	first, err := o.launchCall("f", launch)
	require.NoError(t, err)
	for range 5 {
		again, err := o.launchCall("f", launch)
		require.NoError(t, err)
		require.Equal(t, first, again)
	}
	task := first.Accept.Operations[0].Launch.TaskInfos[0]
	require.InDelta(t, 1.4, task.Resources[0].Scalar.Value, 0)
	require.InDelta(t, 0.1, task.Executor.Resources[0].Scalar.Value, 0)
	require.InDelta(t, 3040, task.Resources[1].Scalar.Value, 0)
	for _, r := range append(task.Resources, task.Executor.Resources...) {
		require.Nil(t, r.Role, "RESERVATION_REFINEMENT forbids it")
		require.Equal(t, "storage", r.AllocationInfo.GetRole())
	}
	command := task.Executor.Command
	require.False(t, *command.Shell)
	require.Equal(t, "scaleio-nodeagent", *command.URIs[0].OutputFile)
	require.True(t, *command.URIs[0].Executable)
	require.False(t, *command.URIs[0].Extract)
	require.False(t, *command.URIs[0].Cache)

	for _, change := range []func(*model.Launch){
		func(l *model.Launch) { l.CPUs = 0.1 },
		func(l *model.Launch) { l.MemoryMB = 32 },
		func(l *model.Launch) { l.OfferID = "" },
		func(l *model.Launch) { l.URI = "" },
	} {
		bad := launch
		change(&bad)
		_, err := o.launchCall("f", bad)
		require.Error(t, err)
	}
}

func TestOptions(t *testing.T) {
	detector, err := NewStatic("m")
	require.NoError(t, err)
	good := Options{Detector: detector, Fence: func(context.Context) error { return nil }, Name: "n", User: "root", Logger: hclog.NewNullLogger()}
	_, err = New(good)
	require.NoError(t, err)
	for says, change := range map[string]func(*Options){
		"Detector":         func(o *Options) { o.Detector = nil },
		"Fence":            func(o *Options) { o.Fence = nil },
		"Logger":           func(o *Options) { o.Logger = nil },
		"no name":          func(o *Options) { o.Name = "" },
		"no user":          func(o *Options) { o.User = "" },
		"failover timeout": func(o *Options) { o.FailoverTimeout = MinFailoverTimeout - 1 },
		"principal":        func(o *Options) { o.Secret = redact.New("hunter2") },
		"sandbox":          func(o *Options) { o.ExecutorCommand.Program = "/bin/sh" },
		"cannot run":       func(o *Options) { o.ExecutorCPUs = 0.001 },
		"negative":         func(o *Options) { o.CallTimeout = -1 },
	} {
		o := good
		change(&o)
		_, err := New(o)
		require.ErrorContains(t, err, says)
		require.False(t, strings.Contains(err.Error(), "hunter2"))
	}
}

func TestBackoffStartsFastAndIsBounded(t *testing.T) {
	b := backoff{max: 5e9}
	for i := range 50 {
		d := b.next()
		require.LessOrEqual(t, d, b.max)
		if i == 0 {
			require.LessOrEqual(t, d, firstBackoff)
		}
		if i > 10 {
			require.GreaterOrEqual(t, d, b.max/2)
		}
	}
	b.reset()
	require.LessOrEqual(t, b.next(), firstBackoff)
}
