package mesosapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler/calls"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/recordio"
)

var (
	errSilent = errors.New("the master has been silent for too long")
	errEnded  = errors.New("the master ended the event stream")
	errMoved  = errors.New("another master leads")
)

// subscription is one SUBSCRIBE and its event stream.
type subscription struct {
	client      *Client
	frameworkID string
	master      string // host:port
	post        func(core.Event)

	streamID string
	cancel   context.CancelCauseFunc
	dog      *watchdog
	// began is when SUBSCRIBED came; zero before.
	began time.Time
}

// run subscribes and reads the stream to its end. moved, when it is closed,
// ends it: a master that was deposed may not know it yet.
func (s *subscription) run(parent context.Context, moved <-chan struct{}) error {
	ctx, cancel := context.WithCancelCause(parent)
	s.cancel = cancel
	var watching sync.WaitGroup
	defer watching.Wait()
	defer cancel(nil)
	if moved != nil {
		watching.Go(func() {
			select {
			case <-moved:
				cancel(errMoved)
			case <-ctx.Done():
			}
		})
	}
	s.dog = newWatchdog(s.client.opts.CallTimeout, func() { cancel(errSilent) })
	defer s.dog.disarm()
	defer func() {
		if !s.began.IsZero() {
			s.client.setSubscribed(nil)
		}
	}()
	err := s.stream(ctx)
	if cause := context.Cause(ctx); cause != nil && ctx.Err() != nil {
		return cause
	}
	return err
}

func (s *subscription) stream(ctx context.Context) error {
	s.dog.arm()
	res, err := s.client.send(ctx, s.master, "", s.client.opts.subscribeCall(s.frameworkID))
	if err != nil {
		return err
	}
	defer res.Body.Close()
	switch res.StatusCode {
	case http.StatusOK:
	case http.StatusTemporaryRedirect:
		to, err := redirectTarget(res)
		if err != nil {
			return err
		}
		return &redirectError{to}
	default:
		return ofSubscribeStatus(res.StatusCode, errorText(res))
	}
	if s.streamID = res.Header.Get(streamIDHeader); s.streamID == "" {
		return fmt.Errorf("mesos: %s answered SUBSCRIBE without a %s header: it is no Mesos master", s.master, streamIDHeader)
	}
	records := recordio.NewReader(res.Body)
	for {
		event, err := s.next(records)
		if err != nil {
			return err
		}
		if err := s.take(event); err != nil {
			return err
		}
	}
}

// next waits for an event, under the watchdog.
func (s *subscription) next(records *recordio.Reader) (*scheduler.Event, error) {
	s.dog.arm()
	record, err := records.Next()
	s.dog.disarm()
	if errors.Is(err, io.EOF) {
		return nil, errEnded
	}
	if err != nil {
		return nil, fmt.Errorf("mesos: event stream: %w", err)
	}
	event := &scheduler.Event{}
	if err := recordio.Decode(record, event); err != nil {
		return nil, fmt.Errorf("mesos: event stream: %w", err)
	}
	return event, nil
}

func (s *subscription) take(event *scheduler.Event) error {
	switch event.Type {
	case scheduler.Event_SUBSCRIBED:
		return s.begin(event.Subscribed)
	case scheduler.Event_ERROR:
		if event.Error == nil {
			return emptyEvent(event)
		}
		return ofErrorEvent(event.Error.Message)
	}
	translated, err := translate(event)
	if err != nil || translated == nil {
		return err
	}
	if s.began.IsZero() {
		return fmt.Errorf("mesos: event stream: %w: %s before SUBSCRIBED", recordio.ErrMalformed, event.Type)
	}
	s.post(translated)
	return nil
}

func (s *subscription) begin(e *scheduler.Event_Subscribed) error {
	if e == nil || !s.began.IsZero() {
		return fmt.Errorf("mesos: event stream: %w: SUBSCRIBED is empty or comes twice", recordio.ErrMalformed)
	}
	if id := e.GetFrameworkID().GetValue(); id != s.frameworkID {
		return fmt.Errorf("%w: %q instead of %q: stop the schedulers and look at the master", ErrOtherFramework, id, s.frameworkID)
	}
	s.dog.limit = silenceLimit(e.GetHeartbeatIntervalSeconds())
	s.began = time.Now()
	s.client.setSubscribed(s)
	s.client.log.Info("subscribed", "framework_id", s.frameworkID, "master", s.master)
	s.post(core.MesosSubscribed{FrameworkID: s.frameworkID, Master: s.master})
	return nil
}

// subscribeCall describes the framework. It is the same at each subscription,
// so that a master that has just failed over learns everything anew, the
// failover timeout above all.
func (o Options) subscribeCall(frameworkID string) *scheduler.Call {
	checkpoint, failover := true, o.FailoverTimeout.Seconds()
	info := &mesos.FrameworkInfo{
		ID:              &mesos.FrameworkID{Value: frameworkID},
		Name:            o.Name,
		User:            o.User,
		Roles:           []string{o.Role},
		FailoverTimeout: &failover,
		Checkpoint:      &checkpoint,
		Principal:       optional(o.Principal),
		Hostname:        optional(o.Hostname),
		WebUiURL:        optional(o.WebUIURL),
	}
	for _, capability := range []mesos.FrameworkInfo_Capability_Type{
		mesos.FrameworkInfo_Capability_PARTITION_AWARE,
		mesos.FrameworkInfo_Capability_RESERVATION_REFINEMENT,
		mesos.FrameworkInfo_Capability_GPU_RESOURCES,
		mesos.FrameworkInfo_Capability_MULTI_ROLE,
		mesos.FrameworkInfo_Capability_TASK_KILLING_STATE,
	} {
		info.Capabilities = append(info.Capabilities, mesos.FrameworkInfo_Capability{Type: capability})
	}
	return calls.Subscribe(info)
}

func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
