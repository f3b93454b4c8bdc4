package mesosapi_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/core"
	"scaleio-framework/scheduler/mesosapi"
)

func TestASilentMasterIsGivenUp(t *testing.T) {
	master := lyingMaster(t, func(_ int, _ *scheduler.Call, s stream) {
		s.welcome(frameworkID, 0.05)
		s.hold()
	})
	r := start(t, staticDetector(t, master.URL), nil)
	lost := await[core.MesosDisconnected](r, "no watchdog", nil)
	require.Contains(t, lost.Reason, "silent")
	require.Eventually(t, func() bool { return master.subscriptions() > 1 }, soon, tick)
}

// The master is silent for long, but nobody listens meanwhile: the stream goes
// on.
func TestASlowConsumerIsNoSilentMaster(t *testing.T) {
	done := make(chan struct{})
	master := lyingMaster(t, func(number int, _ *scheduler.Call, s stream) {
		say := func(text string) {
			s.send(&scheduler.Event{Type: scheduler.Event_MESSAGE, Message: &scheduler.Event_Message{Data: []byte(text)}})
		}
		s.welcome(frameworkID, 0.3)
		if number == 1 {
			say("a long work")
			<-done
		}
		say("afterwards")
		s.hold()
	})
	client, err := mesosapi.New(mesosapi.Options{
		Detector: staticDetector(t, master.URL), Fence: func(context.Context) error { return nil },
		Name: "scaleio", User: "root", Logger: hclog.NewNullLogger(),
	})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	require.NoError(t, client.Run(ctx, frameworkID, func(event core.Event) {
		e, ok := event.(core.MessageReceived)
		switch {
		case !ok:
		case string(e.Data) == "a long work":
			time.Sleep(1200 * time.Millisecond) // more than three intervals
			close(done)
		default:
			cancel()
		}
	}))
	require.Equal(t, 1, master.subscriptions())
}

func TestAnUnansweredSubscribeIsGivenUp(t *testing.T) {
	master := lyingMaster(t, func(_ int, _ *scheduler.Call, s stream) { s.hold() })
	start(t, staticDetector(t, master.URL), func(o *mesosapi.Options) { o.CallTimeout = 50 * time.Millisecond })
	require.Eventually(t, func() bool { return master.subscriptions() > 1 }, soon, tick)
}

// The stream goes bad in some way at first, and well afterwards: one
// disconnection, then a subscription that stays.
func TestABadStreamIsReplaced(t *testing.T) {
	for name, bad := range map[string]func(s stream){
		"it ends between two records":              func(stream) {},
		"the protobuf decoder of mesos-go panics":  func(s stream) { s.raw(hostile) },
		"a record is no protobuf":                  func(s stream) { s.raw([]byte("no protobuf")) },
		"a record is cut short":                    func(s stream) { _, _ = s.w.Write([]byte("500\nshort")) },
		"the framing is lost":                      func(s stream) { _, _ = s.w.Write([]byte("what is this\n")) },
		"an event has no contents":                 func(s stream) { s.send(&scheduler.Event{Type: scheduler.Event_OFFERS}) },
		"the master says SUBSCRIBED a second time": func(s stream) { s.welcome(frameworkID, 15) },
	} {
		t.Run(name, func(t *testing.T) {
			master := lyingMaster(t, func(number int, _ *scheduler.Call, s stream) {
				s.welcome(frameworkID, 15)
				if number == 1 {
					bad(s)
					return
				}
				s.hold()
			})
			r := start(t, staticDetector(t, master.URL), nil)
			require.Eventually(t, func() bool { return len(all[core.MesosSubscribed](r)) == 2 }, soon, tick)
			require.Len(t, all[core.MesosDisconnected](r), 1)
			require.Equal(t, 2, master.subscriptions())
			r.mu.Lock()
			defer r.mu.Unlock()
			require.Equal(t, 2, r.fenced, "the fence is asked before each SUBSCRIBE")
			require.Len(t, r.events, 3, "subscribed, disconnected, subscribed")
		})
	}
}

func TestWhatEndsTheSubscriptionForGood(t *testing.T) {
	var refused *mesosapi.SubscriptionError
	for name, c := range map[string]struct {
		script func(s stream)
		is     error
		says   string
	}{
		"the framework was removed": {
			func(s stream) { s.error("Framework has been removed") }, mesosapi.ErrFrameworkRemoved, "scaleioctl framework reset",
		},
		"it is removed while subscribed": {
			func(s stream) { s.welcome(frameworkID, 15); s.error("Framework has been removed") }, mesosapi.ErrFrameworkRemoved, "",
		},
		"the principal changed": {
			func(s stream) { s.error("Changing framework's principal is not allowed.") }, nil, "first registered with",
		},
		"the role is bad": {
			func(s stream) { s.error("'FrameworkInfo.roles' contains invalid role: Role 'a//b'") }, nil, "role that Mesos takes",
		},
		"the credentials are wrong": {
			func(s stream) { http.Error(s.w, "401 Unauthorized.", http.StatusUnauthorized) }, nil, "credentials",
		},
		"the principal may not register": {
			func(s stream) { http.Error(s.w, "no", http.StatusForbidden) }, nil, "ACLs",
		},
		"the call is not valid": {
			func(s stream) {
				http.Error(s.w, "Failed to validate scheduler::Call: Authenticated principal 'p1' does not match", http.StatusBadRequest)
			}, nil, "principal 'p1'",
		},
		"the master draws another id": {
			func(s stream) { s.welcome("other-0001", 15); s.hold() }, mesosapi.ErrOtherFramework, "other-0001",
		},
	} {
		t.Run(name, func(t *testing.T) {
			master := lyingMaster(t, func(_ int, _ *scheduler.Call, s stream) { c.script(s) })
			err := start(t, staticDetector(t, master.URL), nil).ended()
			if c.is != nil {
				require.ErrorIs(t, err, c.is)
			} else {
				require.ErrorAs(t, err, &refused)
			}
			require.ErrorContains(t, err, c.says)
			require.Equal(t, 1, master.subscriptions())
		})
	}
}

func TestTheFenceIsAskedFirst(t *testing.T) {
	master := lyingMaster(t, func(int, *scheduler.Call, stream) {})
	r := start(t, staticDetector(t, master.URL), func(o *mesosapi.Options) {
		o.Fence = func(context.Context) error { return errTermLost }
	})
	require.ErrorIs(t, r.ended(), errTermLost)
	require.Zero(t, master.subscriptions())
}

func TestAnErrorIsLoggedOnce(t *testing.T) {
	master := lyingMaster(t, func(_ int, _ *scheduler.Call, s stream) {
		http.Error(s.w, "Master has not finished recovery", http.StatusServiceUnavailable)
	})
	r := start(t, staticDetector(t, master.URL), nil)
	require.Eventually(t, func() bool { return master.subscriptions() > 3 }, soon, tick)
	r.stop()
	require.NoError(t, r.ended())
	require.Equal(t, 1, strings.Count(r.log.String(), "Master has not finished recovery"))
}

func TestCallsNeedASubscription(t *testing.T) {
	client, err := mesosapi.New(mesosapi.Options{
		Detector: staticDetector(t, "127.0.0.1:1"), Fence: func(context.Context) error { return nil },
		Name: "scaleio", User: "root", Logger: hclog.NewNullLogger(),
	})
	require.NoError(t, err)
	require.ErrorIs(t, client.Perform(t.Context(), core.Revive{}), mesosapi.ErrNotSubscribed)
	require.ErrorIs(t, client.Message(t.Context(), "a", "e", nil), mesosapi.ErrNotSubscribed)
	require.False(t, client.Subscribed())
	require.Error(t, client.Run(t.Context(), "", func(core.Event) {}), "an id comes first")
}

func TestWhatACallsAnswerMeans(t *testing.T) {
	for name, c := range map[string]struct {
		status                   int
		text                     string
		lost, refused, subscribe bool
	}{
		"a bad call":                     {400, "Failed to validate scheduler::Call: Not a valid UUID", false, true, false},
		"another stream has taken over":  {400, "The stream ID 'x' included in this request didn't match the stream ID currently associated with framework ID f", true, false, false},
		"the framework is gone":          {400, "Framework cannot be found", true, false, false},
		"the master has no stream of us": {403, "Framework is not subscribed", true, false, true},
		"the master recovers":            {503, "Master has not finished recovery", false, false, false},
		"the master leads no more":       {307, "", false, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			master := lyingMaster(t, func(_ int, _ *scheduler.Call, s stream) { s.welcome(frameworkID, 15); s.hold() })
			master.refusal = func(w http.ResponseWriter) { http.Error(w, c.text, c.status) }
			r := start(t, staticDetector(t, master.URL), nil)
			await[core.MesosSubscribed](r, "no subscription", nil)
			err := r.client.Perform(t.Context(), core.Revive{})
			require.ErrorContains(t, err, c.text)
			require.Equal(t, c.lost, errors.Is(err, mesosapi.ErrNotSubscribed))
			require.Equal(t, c.refused, mesosapi.Refused(err))
			if c.subscribe {
				require.Eventually(t, func() bool { return master.subscriptions() == 2 }, soon, tick)
				return
			}
			require.Never(t, func() bool { return master.subscriptions() > 1 }, 50*time.Millisecond, tick)
		})
	}
}

// Else the master keeps what the offers hold for us for ever.
func TestOffersThatMayBeUnansweredAreGivenUpWithTheStream(t *testing.T) {
	for name, c := range map[string]struct {
		effect    core.Effect
		status    int
		subscribe bool
	}{
		"an answer to offers is lost":             {core.Decline{OfferIDs: []string{"o1"}}, 503, true},
		"an answer to offers is refused for good": {core.Decline{OfferIDs: []string{"o1"}}, 400, false},
		"another call is lost":                    {core.Revive{}, 503, false},
	} {
		t.Run(name, func(t *testing.T) {
			master := lyingMaster(t, func(_ int, _ *scheduler.Call, s stream) { s.welcome(frameworkID, 15); s.hold() })
			master.refusal = func(w http.ResponseWriter) { http.Error(w, "no", c.status) }
			r := start(t, staticDetector(t, master.URL), nil)
			await[core.MesosSubscribed](r, "no subscription", nil)
			require.Error(t, r.client.Perform(t.Context(), c.effect))
			if c.subscribe {
				require.Eventually(t, func() bool { return master.subscriptions() == 2 }, soon, tick)
				require.NotEmpty(t, all[core.MesosDisconnected](r))
				return
			}
			require.Never(t, func() bool { return master.subscriptions() > 1 }, 50*time.Millisecond, tick)
		})
	}
}

func TestMastersThatNameEachOtherAreNotChased(t *testing.T) {
	var asked atomic.Int32
	redirect := func(to *string) func(int, *scheduler.Call, stream) {
		return func(_ int, _ *scheduler.Call, s stream) {
			asked.Add(1)
			s.w.Header().Set("Location", strings.TrimPrefix(*to, "http:")+"/master/api/v1/scheduler")
			s.w.WriteHeader(http.StatusTemporaryRedirect)
		}
	}
	var first, second string // both set before anyone asks
	first = lyingMaster(t, redirect(&second)).URL
	second = lyingMaster(t, redirect(&first)).URL
	r := start(t, staticDetector(t, first), func(o *mesosapi.Options) { o.MaxBackoff = 10 * time.Second })
	require.Eventually(t, func() bool { return asked.Load() > 1 }, soon, tick)
	time.Sleep(500 * time.Millisecond)
	r.stop()
	require.NoError(t, r.ended())
	require.Less(t, int(asked.Load()), 30, "a busy loop")
}

func TestARedirectToNowhereIsAnError(t *testing.T) {
	for _, location := range []string{"", "/master/api/v1/scheduler", "//", "http://%zz", "//host:99999/x"} {
		master := lyingMaster(t, func(_ int, _ *scheduler.Call, s stream) {
			s.w.Header().Set("Location", location)
			s.w.WriteHeader(http.StatusTemporaryRedirect)
		})
		start(t, staticDetector(t, master.URL), nil)
		require.Eventually(t, func() bool { return master.subscriptions() > 1 }, soon, tick, location)
	}
}
