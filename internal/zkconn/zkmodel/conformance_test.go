package zkmodel_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"scaleio-framework/internal/zkconn"
	"scaleio-framework/internal/zkconn/zkmodel"
	"scaleio-framework/internal/zkconn/zktest"
)

// conn is what both connections offer.
type conn interface {
	Get(ctx context.Context, path string) ([]byte, zkconn.Stat, error)
	Exists(ctx context.Context, path string) (zkconn.Stat, bool, error)
	Children(ctx context.Context, path string) ([]string, error)
	WatchData(ctx context.Context, path string) <-chan zkconn.NodeState
	WatchChildren(ctx context.Context, path string) <-chan zkconn.ChildrenState
	Create(ctx context.Context, path string, data []byte, mode zkconn.Mode) (string, error)
	Set(ctx context.Context, path string, data []byte, version int32) (zkconn.Stat, error)
	Delete(ctx context.Context, path string, version int32) error
	Multi(ctx context.Context, ops ...zkconn.Op) ([]zkconn.OpResult, error)
	Sync(ctx context.Context) error
	EnsurePath(ctx context.Context, path string) error
	State() (zkconn.State, <-chan struct{})
	Expired() <-chan struct{}
	Done() <-chan struct{}
	SessionID() int64
	Close()
}

var (
	_ conn = (*zkconn.Conn)(nil)
	_ conn = (*zkmodel.Conn)(nil)
)

// step is one call of one of the sessions.
type step struct {
	session int
	call    string
	path    string
	data    string
	version int32
	mode    zkconn.Mode
	ops     []step
}

func (s step) String() string {
	switch s.call {
	case "multi":
		return fmt.Sprintf("%d: multi %v", s.session, s.ops)
	case "create":
		return fmt.Sprintf("%d: create %s %s %q", s.session, s.path, modes[s.mode], s.data)
	case "set":
		return fmt.Sprintf("%d: set %s v%d %q", s.session, s.path, s.version, s.data)
	case "delete", "check":
		return fmt.Sprintf("%d: %s %s v%d", s.session, s.call, s.path, s.version)
	default:
		return fmt.Sprintf("%d: %s %s", s.session, s.call, s.path)
	}
}

var modes = map[zkconn.Mode]string{
	zkconn.Persistent: "persistent", zkconn.Ephemeral: "ephemeral",
	zkconn.Sequential: "sequential", zkconn.EphemeralSequential: "ephemeral-sequential",
}

// Few names, so that steps meet each other; some are those that sequential
// creates get.
var (
	names      = []string{"/a", "/a", "/b", "/a/x", "/a/y", "/a/x/z", "/b/x", "/a/s-0000000000", "/a/s-0000000001", "/b/0000000002"}
	sequential = []string{"/s-", "/a/s-", "/a/s-", "/b/", "/a/x/s-"}
	crooked    = []string{"/a//x", "/a/", "/a/../b", "a", "/a/\x01"}
)

func drawStep(t *rapid.T) step {
	s := step{session: rapid.IntRange(0, 1).Draw(t, "session")}
	s.call = rapid.SampledFrom([]string{
		"create", "create", "create", "create", "set", "set", "delete", "delete", "multi", "multi", "multi",
		"get", "exists", "children", "ensure", "sync", "close", "crooked",
	}).Draw(t, "call")
	switch s.call {
	case "multi":
		s.ops = rapid.SliceOfN(rapid.Custom(drawOp), 1, 6).Draw(t, "ops")
	case "create", "set", "delete":
		drawWrite(t, &s)
	case "crooked":
		s.path = rapid.SampledFrom(crooked).Draw(t, "path")
	default:
		s.path = rapid.SampledFrom(append([]string{"/"}, names...)).Draw(t, "path")
	}
	return s
}

func drawOp(t *rapid.T) step {
	s := step{call: rapid.SampledFrom([]string{"create", "set", "delete", "check"}).Draw(t, "call")}
	drawWrite(t, &s)
	return s
}

func drawWrite(t *rapid.T, s *step) {
	s.path = rapid.SampledFrom(names).Draw(t, "path")
	switch s.call {
	case "create":
		s.mode = rapid.SampledFrom([]zkconn.Mode{
			zkconn.Persistent, zkconn.Persistent, zkconn.Ephemeral, zkconn.Sequential, zkconn.EphemeralSequential,
		}).Draw(t, "mode")
		if s.mode&zkconn.Sequential != 0 {
			s.path = rapid.SampledFrom(sequential).Draw(t, "path")
		}
		s.data = rapid.SampledFrom([]string{"", "x", "yy"}).Draw(t, "data")
	case "set":
		s.data = rapid.SampledFrom([]string{"", "x", "yy"}).Draw(t, "data")
		fallthrough
	default:
		s.version = rapid.SampledFrom([]int32{-1, 0, 0, 1, 2}).Draw(t, "version")
	}
}

// player plays steps on one of the two and notes the answers.
type player struct {
	dial     func(session int) conn
	sessions [2]conn
	prefix   string // of all paths, so that histories do not meet
	syncs    bool   // before each step
}

func (p *player) play(ctx context.Context, steps []step) string {
	p.answer(ctx, step{call: "ensure", path: "/"})
	var answers []string
	for _, s := range steps {
		answers = append(answers, fmt.Sprintf("%v -> %s", s, p.answer(ctx, s)))
	}
	p.answer(ctx, step{call: "sync", path: "/"})
	return strings.Join(append(answers, p.dump(ctx, "/")...), "\n")
}

func (p *player) full(path string) string {
	if path == "/" {
		return p.prefix
	}
	return p.prefix + path
}

func (p *player) answer(ctx context.Context, s step) string {
	c := p.sessions[s.session]
	if p.syncs {
		if err := c.Sync(ctx); err != nil {
			return class(err)
		}
	}
	path := p.full(s.path)
	switch s.call {
	case "create":
		created, err := c.Create(ctx, path, []byte(s.data), s.mode)
		return answer(err, strings.TrimPrefix(created, p.prefix))
	case "set":
		stat, err := c.Set(ctx, path, []byte(s.data), s.version)
		return answer(err, p.stat(c, stat))
	case "delete":
		return answer(c.Delete(ctx, path, s.version))
	case "multi":
		return p.multi(ctx, c, s.ops)
	case "get":
		data, stat, err := c.Get(ctx, path)
		return answer(err, string(data), p.stat(c, stat))
	case "exists":
		stat, yes, err := c.Exists(ctx, path)
		return answer(err, yes, p.stat(c, stat))
	case "children":
		children, err := c.Children(ctx, path)
		return answer(err, children)
	case "ensure":
		return answer(c.EnsurePath(ctx, path))
	case "sync":
		return answer(c.Sync(ctx))
	case "close":
		c.Close()
		err := c.Delete(ctx, path, -1)
		p.sessions[s.session] = p.dial(s.session)
		return answer(err)
	default:
		_, _, read := c.Get(ctx, path)
		_, write := c.Create(ctx, path, nil, zkconn.Persistent)
		return answer(errors.Join(read, write))
	}
}

func (p *player) multi(ctx context.Context, c conn, steps []step) string {
	ops := make([]zkconn.Op, len(steps))
	for i, s := range steps {
		switch path := p.full(s.path); s.call {
		case "create":
			ops[i] = zkconn.CreateOp(path, []byte(s.data), s.mode)
		case "set":
			ops[i] = zkconn.SetOp(path, []byte(s.data), s.version)
		case "delete":
			ops[i] = zkconn.DeleteOp(path, s.version)
		default:
			ops[i] = zkconn.CheckOp(path, s.version)
		}
	}
	results, err := c.Multi(ctx, ops...)
	var all []any
	for i, r := range results {
		switch ops[i].Kind {
		case zkconn.OpCreate:
			all = append(all, strings.TrimPrefix(r.Path, p.prefix))
		case zkconn.OpSet:
			all = append(all, p.stat(c, r.Stat))
		default:
			all = append(all, r == zkconn.OpResult{})
		}
	}
	return answer(err, all...)
}

// stat tells what two servers can agree on.
func (p *player) stat(c conn, s zkconn.Stat) string {
	owner := "nobody's"
	switch s.EphemeralOwner {
	case 0:
	case c.SessionID():
		owner = "mine"
	default:
		owner = "another's"
	}
	return fmt.Sprintf("v%d %s children=%d written=%v", s.Version, owner, s.Children, s.ModifiedZxid > s.CreatedZxid)
}

// dump tells all that is stored in the end.
func (p *player) dump(ctx context.Context, path string) []string {
	lines := []string{path + " " + p.answer(ctx, step{call: "get", path: path})}
	children, err := p.sessions[0].Children(ctx, p.full(path))
	if err != nil {
		return append(lines, class(err))
	}
	for _, child := range children {
		lines = append(lines, p.dump(ctx, strings.TrimSuffix(path, "/")+"/"+child)...)
	}
	return lines
}

func answer(err error, values ...any) string {
	if err != nil {
		return class(err)
	}
	return strings.Trim(fmt.Sprintf("%v", values), "[]")
}

// class tells an error by what callers can decide on.
func class(err error) string {
	var said []string
	var failed *zkconn.MultiError
	if errors.As(err, &failed) {
		said = append(said, fmt.Sprintf("operation %d, %s %s", failed.Index, failed.Op.Kind, failed.Op.Path[strings.LastIndex(failed.Op.Path, "/"):]))
	}
	for _, sentinel := range []error{
		zkconn.ErrNoNode, zkconn.ErrNodeExists, zkconn.ErrBadVersion, zkconn.ErrNotEmpty, zkconn.ErrNoAuth, zkconn.ErrRejected,
		zkconn.ErrDisconnected, zkconn.ErrUnknownOutcome, zkconn.ErrExpired, zkconn.ErrClosed,
	} {
		if errors.Is(err, sentinel) {
			said = append(said, sentinel.Error())
		}
	}
	return strings.Join(said, ": ")
}

// onModel plays steps on an ensemble of the model.
func onModel(t *testing.T, servers int, steps []step) (answers string) {
	synctest.Test(t, func(t *testing.T) {
		e := zkmodel.New(zkmodel.Options{Servers: servers})
		p := &player{prefix: "/history", syncs: servers > 1}
		p.dial = func(session int) conn {
			c, err := e.Client(fmt.Sprint("session ", session)).Dial(context.Background(), zkconn.Options{Servers: []string{"zk"}, Root: "/root"})
			require.NoError(t, err)
			return c
		}
		for i := range p.sessions {
			p.sessions[i] = p.dial(i)
		}
		answers = p.play(context.Background(), steps)
		for _, c := range p.sessions {
			c.Close()
		}
	})
	return answers
}

// The same random histories get the same answers from the model, of one server
// and of three, and from a real server. Run more of them, or one again, with
// rapid's flags: -rapid.checks=100000, -rapid.seed=N.
func TestTheModelAnswersAsZooKeeperDoes(t *testing.T) {
	ctx := context.Background()
	opts := zkconn.Options{Servers: []string{zktest.Start(t).Addr(0)}, Root: zktest.Root(t)}
	real := &player{dial: func(int) conn {
		c, err := zkconn.Dial(ctx, opts)
		require.NoError(t, err)
		return c
	}}
	for i := range real.sessions {
		real.sessions[i] = real.dial(i)
	}
	t.Cleanup(func() {
		for _, c := range real.sessions {
			c.Close()
		}
	})
	played := 0
	rapid.Check(t, func(rt *rapid.T) {
		steps := rapid.SliceOfN(rapid.Custom(drawStep), 1, 40).Draw(rt, "steps")
		played++
		real.prefix = fmt.Sprintf("/%d", played)
		want := real.play(ctx, steps)
		require.Equal(rt, want, onModel(t, 1, steps), "one server")
		require.Equal(rt, want, onModel(t, 3, steps), "three servers")
	})
}
