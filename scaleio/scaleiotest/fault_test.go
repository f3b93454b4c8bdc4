package scaleiotest_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/scaleio/scaleiotest"
)

func TestFaultsThroughTheGateway(t *testing.T) {
	pd := map[string]any{"name": "pd"}
	for _, it := range []struct {
		what   string
		fault  scaleiotest.Fault
		status int
		// there tells whether the effect took place.
		there int
	}{
		{"a refusal has no effect", scaleiotest.Fault{Refusal: &scaleiotest.Refusal{Code: 68, Text: "A timeout occurred"}}, 500, 0},
		{"a lost reply leaves the effect", scaleiotest.Fault{Kind: scaleiotest.ReplyLost}, 0, 1},
		{"a reset connection leaves none", scaleiotest.Fault{Kind: scaleiotest.Reset}, 0, 0},
		{"a 401 leaves none", scaleiotest.Fault{Kind: scaleiotest.Unauthorized}, 401, 0},
		{"a slow request is done", scaleiotest.Fault{Kind: scaleiotest.Slow, Delay: time.Millisecond}, 200, 1},
		{"a slow reply is given", scaleiotest.Fault{Kind: scaleiotest.SlowReply, Delay: time.Millisecond}, 200, 1},
		{"a fault for another name does not strike", scaleiotest.Fault{Name: "other"}, 200, 1},
	} {
		t.Run(it.what, func(t *testing.T) {
			w := bootstrapped(t, scaleiotest.Options{}, 3)
			c := w.loggedIn("host1")
			it.fault.Op = scaleiotest.OpCreatePD
			w.Inject(it.fault)
			body, err := json.Marshal(pd)
			require.NoError(t, err)
			status, _, err := c.try("POST", "/api/types/ProtectionDomain/instances", string(body), "", c.token)
			require.Equal(t, it.status == 0, err != nil)
			require.Equal(t, it.status, status)
			require.Equal(t, it.there, w.Count(scaleiotest.OpCreatePD, "pd"))
			if it.fault.Name == "" && it.there == 0 {
				c.create("ProtectionDomain", pd)
			}
		})
	}
}

func TestFaultsThroughScli(t *testing.T) {
	w := bootstrapped(t, scaleiotest.Options{}, 3)
	w.scliOK("host1", "--login --username admin --password "+password)
	w.Inject(scaleiotest.Fault{Op: scaleiotest.OpCreatePD, Kind: scaleiotest.ReplyLost})
	r := w.scli("host1", "--add_protection_domain --protection_domain_name pd")
	require.Equal(t, 1, r.Exit)
	require.Contains(t, r.Stderr, "Failed to connect to MDM")
	w.refused("host1", "--add_protection_domain --protection_domain_name pd", "Protection Domain name already in use")
	w.Inject(scaleiotest.Fault{Op: scaleiotest.OpRenameSystem, Times: -1, Refusal: &scaleiotest.Refusal{Text: "Not today"}})
	for range 3 {
		w.refused("host1", "--rename_system --new_name other", "Not today")
	}
	w.Heal()
	w.scliOK("host1", "--rename_system --new_name other")
	require.Equal(t, map[string]int{"pd": 1}, w.Counts()[scaleiotest.OpCreatePD])
}

// A request that is held back goes on when it is released.
func TestHeldRequest(t *testing.T) {
	w := bootstrapped(t, scaleiotest.Options{}, 3)
	c := w.loggedIn("host1")
	release := make(chan struct{})
	w.Inject(scaleiotest.Fault{Op: scaleiotest.OpCreatePD, Kind: scaleiotest.SlowReply, Release: release})
	done := make(chan int)
	go func() {
		status, _, _ := c.try("POST", "/api/types/ProtectionDomain/instances", `{"name":"pd"}`, "", c.token)
		done <- status
	}()
	require.Eventually(t, func() bool { return w.Count(scaleiotest.OpCreatePD, "pd") == 1 }, 20*time.Second, time.Millisecond)
	select {
	case <-done:
		require.Fail(t, "the reply came before it was released")
	default:
	}
	close(release)
	require.Equal(t, 200, <-done)
}

// REST sessions end with time and with the service.
func TestSessions(t *testing.T) {
	w := bootstrapped(t, scaleiotest.Options{}, 3)
	c := w.rest("host1")
	status, body := c.do("GET", "/api/login", "", "admin", "wrong")
	require.Equal(t, 401, status)
	require.JSONEq(t, `{"message":"Unauthorized","httpStatusCode":401,"errorCode":0}`, string(body))
	status, body = c.do("GET", "/api/version", "", "", "")
	require.Equal(t, 200, status)
	require.Equal(t, `"2.6"`, string(body))

	alive := func(c *rest) bool {
		status, _ := c.do("GET", "/api/types/System/instances", "", "", c.token)
		return status == 200
	}
	c = w.loggedIn("host1")
	require.True(t, alive(c))
	other := w.rest("host2")
	other.token = c.token
	require.False(t, alive(other), "tokens are not shared between gateways")
	w.now = w.now.Add(11 * time.Minute)
	require.False(t, alive(c), "ten minutes without use end a session")

	c = w.loggedIn("host1")
	for range 61 {
		w.now = w.now.Add(8 * time.Minute)
		if !alive(c) {
			break
		}
	}
	require.False(t, alive(c), "eight hours end a session in use")

	c = w.loggedIn("host1")
	status, _ = c.do("GET", "/api/logout", "", "", c.token)
	require.Equal(t, 200, status)
	require.False(t, alive(c))

	c = w.loggedIn("host1")
	w.ok("host1", "systemctl", "stop", "scaleio-gateway")
	_, _, err := c.try("GET", "/api/version", "", "", "")
	require.Error(t, err, "a stopped gateway does not listen")
	w.ok("host1", "systemctl", "start", "scaleio-gateway")
	require.False(t, alive(c), "a restart ends all sessions")
}

// A scli login ends after ten minutes without use.
func TestScliLoginEnds(t *testing.T) {
	w := bootstrapped(t, scaleiotest.Options{}, 3)
	w.scliOK("host1", "--login --username admin --password "+password)
	w.now = w.now.Add(11 * time.Minute)
	w.refused("host1", "--query_all", "Invalid session. Please login and try again.")
	w.scliOK("host1", "--query_cluster")
}
