package steps_test

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/nodeagent/failure"
	"scaleio-framework/scaleio/scaleiotest"
)

// hold lets this test listen where a component is to.
func hold(t *testing.T, ip string, port int) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", net.JoinHostPort(ip, strconv.Itoa(port)))
	require.NoError(t, err)
	return ln
}

// tryFor runs a step and gives it that long.
func (n *node) tryFor(limit time.Duration, step string, params any) error {
	n.w.t.Helper()
	ctx, cancel := context.WithTimeout(n.w.t.Context(), limit)
	defer cancel()
	_, _, err := n.plan(step, params).Run(ctx)
	return err
}

// A port that another program has is told before anything is installed, with
// the program's name; the component's own hold on it is none.
func TestAPortThatIsTakenIsToldFirst(t *testing.T) {
	w := newWorld(t, scaleiotest.Options{})
	n := w.node("a", w.ip(1), scaleiotest.Ubuntu)
	sds := w.component("sds", scaleiotest.Ubuntu)
	params := nodeproto.PrerequisitesParams{
		Packages: []string{"libaio1"},
		Ports:    []nodeproto.ComponentPort{{Port: 7072, Component: "sds", Package: sds.Package}, {Port: 9099, Component: "lia", Package: "emc-scaleio-lia"}},
	}
	ln := hold(t, n.ip, 7072)
	_, changed, err := n.try(nodeproto.StepPrerequisites, params)
	require.ErrorContains(t, err, "TCP port 7072, which the sds needs, is held by ")
	require.ErrorContains(t, err, "(process "+strconv.Itoa(os.Getpid())+"), on "+n.ip+":7072")
	require.NotContains(t, err.Error(), "9099")
	require.Equal(t, failure.Hopelessness, failure.KindOf(err))
	require.False(t, changed)
	require.Empty(t, w.Installed("a", "libaio1"))

	require.NoError(t, ln.Close())
	n.twice(nodeproto.StepPrerequisites, params)
	n.twice(nodeproto.StepSDSPackage, sds)
	_, changed, err = n.try(nodeproto.StepPrerequisites, params)
	require.NoError(t, err, "the SDS itself has the port now")
	require.False(t, changed)
}

// A service that runs and does not listen is not taken for one that works, and
// the error says what an operator would look for.
func TestAPortThatDoesNotOpenIsTold(t *testing.T) {
	w := newWorld(t, scaleiotest.Options{})
	n := w.node("a", w.ip(1), scaleiotest.Ubuntu)
	logs := filepath.Join(n.root, "opt/emc/scaleio/sds/logs")
	require.NoError(t, os.MkdirAll(logs, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(logs, "trc.0"), []byte("first\nsecond\nthird\nlast words\n"), 0o644))
	n.twice(nodeproto.StepSDSPackage, w.component("sds", scaleiotest.Ubuntu))
	w.StopListening("a", "sds")
	err := n.tryFor(5*time.Second, nodeproto.StepSDSPackage, w.component("sds", scaleiotest.Ubuntu))
	require.ErrorContains(t, err, "TCP port 7072 of "+n.ip+" does not open")
	require.ErrorContains(t, err, "unit sds is active")
	require.ErrorContains(t, err, "last in /opt/emc/scaleio/sds/logs/trc.0: second | third | last words")
	require.Equal(t, failure.Plain, failure.KindOf(err), "it is tried again")

	// And when somebody else took it meanwhile, who.
	w.runTool(n, "systemctl", "stop", "sds")
	ln := hold(t, n.ip, 7072)
	t.Cleanup(func() { require.NoError(t, ln.Close()) })
	err = n.tryFor(5*time.Second, nodeproto.StepSDSPackage, w.component("sds", scaleiotest.Ubuntu))
	require.ErrorContains(t, err, "address already in use")
}

// The vendor's installation starts the gateway on 443 and 80. Where those are
// taken, the ports that are configured end that, however the installation ended.
func TestAGatewayGetsItsPortsWithItsPackage(t *testing.T) {
	for name, taken := range map[string]bool{"the vendor's ports are free": false, "they are taken": true} {
		t.Run(name, func(t *testing.T) {
			vendors := freePort(t, "127.0.0.1")
			w := newWorld(t, scaleiotest.Options{GatewayPort: vendors})
			n := w.node("a", w.ip(1), scaleiotest.Ubuntu)
			params := w.component("gateway", scaleiotest.Ubuntu)
			params.GatewayPorts = &nodeproto.GatewayPorts{HTTPS: freePort(t, n.ip), HTTP: freePort(t, n.ip)}
			if taken {
				ln := hold(t, n.ip, vendors)
				t.Cleanup(func() { require.NoError(t, ln.Close()) })
				_, _, err := n.try(nodeproto.StepGatewayPackage, params)
				require.ErrorContains(t, err, "address already in use")
			}
			n.twice(nodeproto.StepGatewayPackage, params)
			text, err := w.ReadFile("a", "/opt/emc/scaleio/gateway/conf/catalina.properties")
			require.NoError(t, err)
			require.Equal(t, "http.port="+strconv.Itoa(params.GatewayPorts.HTTP)+"\nssl.port="+strconv.Itoa(params.GatewayPorts.HTTPS)+"\n", text)
			require.Equal(t, "https://"+net.JoinHostPort(n.ip, strconv.Itoa(params.GatewayPorts.HTTPS)), w.GatewayURL("a"))

			// A restart that failed between is made up for.
			params.GatewayPorts = &nodeproto.GatewayPorts{HTTPS: freePort(t, n.ip), HTTP: params.GatewayPorts.HTTP}
			w.Inject(scaleiotest.Fault{Op: scaleiotest.OpService, Name: "a:scaleio-gateway:restart", Kind: scaleiotest.Reject})
			_, _, err = n.try(nodeproto.StepGatewayPackage, params)
			require.ErrorContains(t, err, "restart service scaleio-gateway")
			n.twice(nodeproto.StepGatewayPackage, params)
		})
	}
}

// The gateway's installer does not look closely at which Java there is.
func TestAnotherJavaIsTold(t *testing.T) {
	w := newWorld(t, scaleiotest.Options{})
	n := w.node("a", w.ip(1), scaleiotest.Ubuntu)
	params := nodeproto.PrerequisitesParams{Java: "1.8"}
	java := filepath.Join(w.tools, "java")
	require.NoError(t, n.tryFor(time.Minute, nodeproto.StepPrerequisites, params))
	require.NoError(t, os.Remove(java))
	for want, script := range map[string]string{
		"this host's is 11 (openjdk version": "echo 'openjdk version \"11.0.20\" 2023-07-18' >&2",
		"this host's is 1.7 (java version":   "echo 'java version \"1.7.0_80\"' >&2",
		`java -version says "Hello"`:         "echo Hello",
		"ended with status 1: no such thing": "echo no such thing >&2; exit 1",
	} {
		require.NoError(t, os.WriteFile(java, []byte("#!/bin/sh\n"+script+"\n"), 0o755))
		require.ErrorContains(t, n.tryFor(time.Minute, nodeproto.StepPrerequisites, params), want)
	}
}
