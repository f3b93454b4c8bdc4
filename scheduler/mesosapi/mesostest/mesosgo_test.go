package mesostest_test

import (
	"context"
	"testing"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/encoding/codecs"
	"github.com/mesos/mesos-go/api/v1/lib/httpcli"
	"github.com/mesos/mesos-go/api/v1/lib/httpcli/httpsched"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler/calls"
	"github.com/stretchr/testify/require"
)

// The client library that schedulers use finds in the double a master like any other, in both encodings.
func TestMesosGoClient(t *testing.T) {
	for _, media := range []string{"application/json", "application/x-protobuf"} {
		t.Run(media, func(t *testing.T) {
			cluster := newCluster(t, nil)
			agent := addAgent(t, cluster, "node1")
			codec := codecs.ByMediaType[codecs.MediaTypeJSON]
			if media != "application/json" {
				codec = codecs.ByMediaType[codecs.MediaTypeProtobuf]
			}
			client := httpcli.New(httpcli.Endpoint(cluster.MasterURL()+"/api/v1/scheduler"), httpcli.Codec(codec))
			caller := httpsched.NewCaller(client)
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			info := &mesos.FrameworkInfo{User: "root", Name: "library"}
			response, err := caller.Call(ctx, calls.Subscribe(info))
			require.NoError(t, err)
			defer response.Close()
			var event scheduler.Event
			require.NoError(t, response.Decode(&event))
			require.Equal(t, scheduler.Event_SUBSCRIBED, event.Type)
			framework := event.Subscribed.FrameworkID.Value
			for event.Type != scheduler.Event_OFFERS {
				event = scheduler.Event{}
				require.NoError(t, response.Decode(&event))
			}
			offer := event.Offers.Offers[0]
			require.Equal(t, agent.ID(), offer.AgentID.Value)
			line := "exit 0"
			accept := calls.Accept(calls.OfferOperations{calls.OpLaunch(mesos.TaskInfo{
				Name: "t", TaskID: mesos.TaskID{Value: "t"}, AgentID: offer.AgentID, Resources: small(), Command: &mesos.CommandInfo{Value: &line},
			})}.WithOffers(offer.ID))
			framed := calls.CallerFunc(func(ctx context.Context, c *scheduler.Call) (mesos.Response, error) {
				c.FrameworkID = &mesos.FrameworkID{Value: framework}
				return caller.Call(ctx, c)
			})
			require.NoError(t, calls.CallNoData(ctx, framed, accept))
			for _, want := range []mesos.TaskState{mesos.TASK_STARTING, mesos.TASK_RUNNING, mesos.TASK_FINISHED} {
				for event.Type != scheduler.Event_UPDATE || *event.Update.Status.State != want {
					event = scheduler.Event{}
					require.NoError(t, response.Decode(&event))
				}
				status := event.Update.Status
				require.NoError(t, calls.CallNoData(ctx, framed, calls.Acknowledge(status.AgentID.Value, status.TaskID.Value, status.UUID)))
			}
			require.Eventually(t, func() bool { return len(cluster.Tasks()) == 0 }, patience, time.Millisecond)
			require.NoError(t, calls.CallNoData(ctx, framed, calls.Revive()))
		})
	}
}
