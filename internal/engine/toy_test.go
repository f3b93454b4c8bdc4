package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/engine"
	"scaleio-framework/internal/zkconn"
	"scaleio-framework/leader"
	"scaleio-framework/leader/leadertest"
)

// The toy core makes things: it is told of a wish, records the intent, has the
// thing made, records that it is done, and acknowledges the wish.
type (
	wished  struct{ ID, Note string }
	made    struct{ ID string }
	noticed struct{ ID string } // told by the core itself
	makeIt  struct{ ID string }
	thank   struct{ ID string }
	thing   struct {
		State string `json:"state"`
		Note  string `json:"note,omitempty"`
	}
)

func (e wished) String() string  { return "wished " + e.ID }
func (e made) String() string    { return "made " + e.ID }
func (e noticed) String() string { return "noticed " + e.ID }
func (e makeIt) String() string  { return "make " + e.ID }
func (e thank) String() string   { return "thank for " + e.ID }
func (e makeIt) Lane() string    { return "make/" + e.ID }
func (e thank) Lane() string     { return "thanks" }

type toy struct {
	things  map[string]thing
	notices int
}

func newToy() []core.Core { return []core.Core{&toy{things: make(map[string]thing)}} }

func (*toy) Name() string { return "toy" }

func (c *toy) Load(stored leader.Snapshot) (map[string]error, error) {
	unreadable := make(map[string]error)
	for path, entry := range stored {
		id, ok := strings.CutPrefix(path, "/nodes/")
		if !ok {
			continue
		}
		var t thing
		if err := json.Unmarshal(entry.Data, &t); err != nil {
			unreadable[path] = err
			continue
		}
		c.things[id] = t
	}
	if entry, ok := stored["/cluster"]; ok && !json.Valid(entry.Data) {
		return nil, fmt.Errorf("/cluster is not JSON")
	}
	return unreadable, nil
}

func (c *toy) put(id string, t thing, out *core.Output) {
	c.things[id] = t
	out.Put("/nodes/"+id, t)
}

func (c *toy) Apply(_ time.Time, event core.Event, out *core.Output) {
	switch e := event.(type) {
	case core.TermStarted:
		for _, id := range slices.Sorted(maps.Keys(c.things)) {
			if c.things[id].State == "open" {
				out.Do(makeIt{id})
			}
		}
	case wished:
		t, known := c.things[e.ID]
		switch {
		case !known:
			c.put(e.ID, thing{State: "open", Note: e.Note}, out)
			out.Do(makeIt{e.ID})
		case t.State == "done":
			out.Do(thank{e.ID})
		}
	case made:
		if t, ok := c.things[e.ID]; ok {
			t.State = "done"
			c.put(e.ID, t, out)
			out.Do(thank(e))
			out.Tell(noticed(e))
		}
	case noticed:
		c.notices++
	case core.TaskUpdated:
		c.put(e.TaskID, thing{State: "update", Note: string(e.Data)}, out)
		out.Do(core.Acknowledge{TaskID: e.TaskID, UUID: e.UUID})
	case core.Poisoned:
		if update, ok := e.Event.(core.TaskUpdated); ok {
			out.Do(core.Acknowledge{TaskID: update.TaskID, UUID: update.UUID})
		}
	case core.OrderReceived:
		c.put("ordered-"+string(e.Raw), thing{State: fmt.Sprintf("%d", len(c.things))}, out)
		out.Delete(e.Path)
	}
}

// world performs the toy's effects and checks that none comes before its
// record.
type world struct {
	t     *testing.T
	store *leadertest.Store

	mu       sync.Mutex
	made     map[string]int
	thanked  map[string]int
	acked    []string
	mute     bool // makes nothing and answers nothing
	onEffect func(core.Effect)
}

func newWorld(t *testing.T) *world {
	return &world{t: t, store: leadertest.NewStore(), made: make(map[string]int), thanked: make(map[string]int)}
}

func (w *world) state(id string) string {
	var t thing
	if entry, ok := w.store.Tree()["/nodes/"+id]; ok {
		if err := json.Unmarshal(entry.Data, &t); err != nil {
			return "unreadable"
		}
	}
	return t.State
}

func (w *world) perform(_ context.Context, effect core.Effect, post func(core.Event)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.onEffect != nil {
		w.onEffect(effect)
	}
	if w.mute {
		return
	}
	switch e := effect.(type) {
	case makeIt:
		if w.state(e.ID) == "" {
			w.t.Errorf("%s was released before its intent was stored", e)
		}
		w.made[e.ID] = 1 // the identity makes a second time the same thing
		post(made(e))
	case thank:
		if w.state(e.ID) != "done" {
			w.t.Errorf("%s was released before the result was stored", e)
		}
		w.thanked[e.ID]++
	case core.Acknowledge:
		w.acked = append(w.acked, e.TaskID)
	}
}

// store adds to a term of leadertest what the engine asks of the lease.
type store struct {
	*leadertest.Term
	// onCommit sees each commit before it is made.
	onCommit func(ops []leader.Op)
	// refuses says why an operation cannot be done; the commit is then none.
	refuses func(leader.Op) error
	// unread says why the state cannot be read.
	unread func() error
	// behind runs after a commit.
	behind func()

	mu     sync.Mutex
	lapsed bool
	back   chan struct{}
}

func (s *store) Commit(ctx context.Context, ops ...leader.Op) ([]leader.Result, error) {
	if s.onCommit != nil {
		s.onCommit(ops)
	}
	for _, op := range ops {
		if s.refuses == nil {
			break
		}
		switch err := s.refuses(op); {
		case errors.Is(err, zkconn.ErrUnknownOutcome):
			return nil, err
		case err != nil:
			return nil, &leader.ConflictError{Path: op.Path, Op: op, Err: err}
		}
	}
	results, err := s.Term.Commit(ctx, ops...)
	if s.behind != nil {
		s.behind()
	}
	return results, err
}

func (s *store) Tree(ctx context.Context) (leader.Snapshot, error) {
	if s.unread != nil {
		if err := s.unread(); err != nil {
			return nil, err
		}
	}
	return s.Term.Tree(ctx)
}

func newStore(term *leadertest.Term) *store { return &store{Term: term, back: make(chan struct{})} }

func (s *store) Held() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.lapsed && s.Err() == nil
}

func (s *store) lapse() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lapsed = true
}

func (s *store) comeBack() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lapsed = false
	close(s.back)
}

func (s *store) AwaitHeld(ctx context.Context) error {
	if s.Held() {
		return nil
	}
	select {
	case <-s.back:
		return nil
	case <-s.Done():
		return s.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// leading runs an engine on a new term until the test ends it.
type leading struct {
	*engine.Engine
	store *store
	stop  context.CancelFunc
	err   chan error
}

func (w *world) lead(cores func() []core.Core, prepare func(*store)) *leading {
	s := newStore(w.store.Elect("toy", nil))
	if prepare != nil {
		prepare(s)
	}
	e, err := engine.New(engine.Options{
		Store: s, Cores: cores, Perform: w.perform, Entropy: func() string { return "entropy" }, Logger: hclog.NewNullLogger(),
	})
	require.NoError(w.t, err)
	ctx, stop := context.WithCancel(w.t.Context())
	l := &leading{Engine: e, store: s, stop: stop, err: make(chan error, 1)}
	go func() {
		err := e.Run(ctx)
		closing, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if closeErr := e.Close(closing); closeErr != nil {
			w.t.Error(closeErr)
		}
		l.err <- err
	}()
	return l
}

// end stops the engine and returns what Run said.
func (l *leading) end() error {
	l.stop()
	return <-l.err
}

func (l *leading) offer(t *testing.T, events ...core.Event) {
	t.Helper()
	for _, event := range events {
		require.NoError(t, l.Offer(t.Context(), event))
	}
}

// bubble runs a test in which waiting takes no time.
func bubble(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(t, newWorld(t)) })
}
