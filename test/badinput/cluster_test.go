package badinput

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/httpapi"
	"scaleio-framework/internal/model"
	"scaleio-framework/internal/sandbox"
	"scaleio-framework/internal/zkconn/zktest"
	"scaleio-framework/leader"
	"scaleio-framework/scaleio/scaleiotest"
	"scaleio-framework/test/programs"
)

// cluster is a sandbox on a ZooKeeper of the test's choice.
type cluster struct {
	*sandbox.World
	t      *testing.T
	client *leader.Client
	// cutOff says that the test's own ZooKeeper sessions are gone.
	cutOff bool
}

// begin starts hosts and schedulers. What they must never show is looked for
// at the end.
func begin(t *testing.T, zk *zktest.Cluster, change func(*sandbox.Options)) *cluster {
	t.Helper()
	opts := sandbox.Options{Bin: programs.Dir(t), StandInPackages: true, SessionTimeout: 2 * time.Second}
	if change != nil {
		change(&opts)
	}
	w, err := sandbox.NewWorld(t.Context(), opts, sandbox.Share(zk), t.TempDir(), strings.TrimPrefix(zktest.Root(t), "/"))
	require.NoError(t, err)
	c := &cluster{World: w, t: t}
	t.Cleanup(func() { require.NoError(t, w.Close()) })
	c.client, err = leader.Open(t.Context(), w.Store())
	require.NoError(t, err)
	t.Cleanup(c.client.Close)
	t.Cleanup(func() {
		if !c.cutOff {
			c.noSecretShows()
		}
	})
	require.NoError(t, w.StartSchedulers())
	return c
}

// noSecretShows greps logs, znodes, HTTP answers, process arguments and the
// node agents' files for the password.
func (c *cluster) noSecretShows() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	places, err := c.FindSecret(ctx)
	require.NoError(c.t, err)
	require.Empty(c.t, places)
}

// eventually waits for a condition; a busy machine is slow.
func (c *cluster) eventually(ok func() bool, what string) {
	c.t.Helper()
	require.Eventually(c.t, ok, time.Minute, 20*time.Millisecond, what)
}

// ask reads an answer of the leader's HTTP API, through whichever scheduler
// answers: a standby passes the question on.
func (c *cluster) ask(path string, into any) bool {
	client := http.Client{Timeout: 5 * time.Second}
	defer client.CloseIdleConnections()
	for _, s := range c.Schedulers() {
		resp, err := client.Get(s.URL + path)
		if err != nil {
			continue
		}
		err = json.NewDecoder(resp.Body).Decode(into)
		_ = resp.Body.Close() // decoded or of no use
		if resp.StatusCode == http.StatusOK && err == nil {
			return true
		}
	}
	return false
}

// leads waits for a subscribed leader of at least that epoch.
func (c *cluster) leads(epoch uint64) httpapi.Status {
	c.t.Helper()
	var status httpapi.Status
	c.eventually(func() bool {
		status = httpapi.Status{}
		return c.ask("/v1/status", &status) && status.Subscribed && status.Leader.Epoch >= epoch
	}, "nobody leads")
	return status
}

// complete waits for the bootstrap of that many hosts.
func (c *cluster) complete(hosts int) sandbox.State {
	c.t.Helper()
	var state sandbox.State
	c.eventually(func() bool {
		var err error
		state, err = c.State(c.t.Context())
		return err == nil && state.Complete(hosts)
	}, "the bootstrap does not complete")
	return state
}

// leader is the scheduler that leads.
func (c *cluster) leader() *sandbox.Scheduler {
	c.t.Helper()
	status := c.leads(1)
	for _, s := range c.Schedulers() {
		if s.URL == status.Leader.URL {
			return s
		}
	}
	require.FailNow(c.t, "no scheduler has the leader's URL")
	return nil
}

// exitOf waits for the first end of a scheduler and for its last words.
func (c *cluster) exitOf(s *sandbox.Scheduler) (code int, log string) {
	c.t.Helper()
	c.eventually(func() bool { return len(s.Exits()) > 0 }, s.Name+" does not end")
	data, err := os.ReadFile(s.Log)
	require.NoError(c.t, err)
	return s.Exits()[0].Code, string(data)
}

// An attribute that means nothing keeps its host out, with the remedy; the
// others are served.
func TestUnknownPersona(t *testing.T) {
	c := begin(t, zktest.Start(t), func(o *sandbox.Options) {
		o.Agents = 4
		o.Attributes = map[string]map[string]string{"host2": {"scaleio-persona": "storrage"}}
	})
	c.eventually(func() bool {
		var status httpapi.Status
		return c.ask("/v1/status", &status) && status.Complete
	}, "the other three are not served")
	var plan struct {
		Problems []string `json:"problems"`
	}
	require.True(t, c.ask("/v1/plan", &plan))
	problems := strings.Join(plan.Problems, "\n")
	for _, want := range []string{"host2", "storrage", "scaleio-persona", "correct it on the agent"} {
		require.Contains(t, problems, want)
	}
	for task := range c.Mesos().Launches() {
		require.NotContains(t, task, "host2")
	}
}

// A record of one host that cannot be read is left alone and shown; the other
// hosts go on, a new one among them.
func TestBrokenHostRecord(t *testing.T) {
	c := begin(t, zktest.Start(t), nil)
	c.complete(3)
	const broken = `{"hostname": "host2", "state": `
	put(t, c.Store(), "/nodes/host2", broken)
	before := c.leads(1)
	require.NoError(t, c.leader().Signal(syscall.SIGTERM))
	after := c.leads(before.Leader.Epoch + 1)
	require.Len(t, after.Unreadable, 1)
	require.Equal(t, "/nodes/host2", after.Unreadable[0].Path)
	require.Contains(t, after.Unreadable[0].Reason, "JSON")

	_, err := c.AddHost()
	require.NoError(t, err)
	c.eventually(func() bool {
		tree, err := c.client.Tree(t.Context())
		if err != nil {
			return false
		}
		plan, err := model.Decode[model.NodePlan](tree["/nodes/host4/plan"].Data)
		return err == nil && plan.Steps[core.StepAddDevices].State == model.Done
	}, "host4 is not served")
	require.Equal(t, broken, read(t, c.Store(), "/nodes/host2"))
}

// Records that are touched and edited by hand while the bootstrap runs do not
// stop it, and what the operator added stays.
func TestEditsDuringTheBootstrap(t *testing.T) {
	c := begin(t, zktest.Start(t), nil)
	c.eventually(func() bool {
		state, err := c.State(t.Context())
		return err == nil && state.Over() >= 8
	}, "no step is done")
	edited := 0
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		state, err := c.State(t.Context())
		require.NoError(t, err)
		if state.Complete(3) {
			break
		}
		if edited < 6 && c.edit([]string{"/cluster", "/nodes/host1/plan", "/nodes/host2"}[edited%3]) {
			edited++
		}
	}
	c.complete(3)
	require.Positive(t, edited)
	status := c.leads(1)
	require.Equal(t, uint64(1), status.Leader.Epoch, "an edit is no failover")
	require.True(t, status.Complete)
	require.Contains(t, read(t, c.Store(), "/cluster"), "operator's note")
	counts := c.System().Counts()
	for _, op := range []scaleiotest.Op{scaleiotest.OpCreateCluster, scaleiotest.OpCreateSDS, scaleiotest.OpCreateDevice, scaleiotest.OpCreateVolume} {
		require.NotEmpty(t, counts[op])
		for name, n := range counts[op] {
			require.Equal(t, 1, n, "%s %s", op, name)
		}
	}
}

// edit adds a field to a record as an operator with zkCli would; false when
// somebody else was faster.
func (c *cluster) edit(path string) bool {
	c.t.Helper()
	tree, err := c.client.Tree(c.t.Context())
	require.NoError(c.t, err)
	entry, ok := tree[path]
	if !ok {
		return false
	}
	var record map[string]any
	require.NoError(c.t, json.Unmarshal(entry.Data, &record))
	record["note"] = "operator's note"
	data, err := json.Marshal(record)
	require.NoError(c.t, err)
	return set(c.t, c.Store(), path, data, entry.Version)
}

// teardown is what an operator does at the master.
func (c *cluster) teardown(id string) {
	c.t.Helper()
	resp, err := http.PostForm(c.Mesos().MasterURL()+"/master/teardown", url.Values{"frameworkId": {id}})
	require.NoError(c.t, err)
	require.NoError(c.t, resp.Body.Close())
	require.Equal(c.t, http.StatusOK, resp.StatusCode)
}
