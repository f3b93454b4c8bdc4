package scaleiotest_test

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/scaleio/scaleiotest"
)

const properties = "/opt/emc/scaleio/gateway/webapps/ROOT/WEB-INF/classes/gatewayUser.properties"

// A gateway logs in to the MDM once it knows an address of a manager and takes
// its certificate, whichever way it was told.
func TestGatewayIsConfigured(t *testing.T) {
	w := bootstrapped(t, scaleiotest.Options{}, 3)
	login := func(c *rest) int {
		status, _ := c.do("GET", "/api/login", "", "admin", password)
		return status
	}
	for _, it := range []struct {
		what, text string
		status     int
	}{
		{"no address", "security.bypass_certificate_check=true\n", 500},
		{"no trust", "mdm.ip.addresses=127.0.1.11\nsecurity.bypass_certificate_check=false\n", 500},
		{"a tie-breaker's address", "mdm.ip.addresses=127.0.1.13\nsecurity.bypass_certificate_check=true\n", 500},
		{"one good address of two", "mdm.ip.addresses=127.0.1.12;127.0.1.99\nsecurity.bypass_certificate_check=true\n", 200},
	} {
		require.NoError(t, w.WriteFile("host1", properties, it.text))
		w.ok("host1", "systemctl", "restart", "scaleio-gateway")
		require.Equal(t, it.status, login(w.rest("host1")), it.what)
	}

	require.NoError(t, w.WriteFile("host1", properties, "mdm.ip.addresses=\nsecurity.bypass_certificate_check=false\ngateway-admin.password=Own-1\n"))
	w.ok("host1", "systemctl", "restart", "scaleio-gateway")
	c := w.rest("host1")
	status, _ := c.do("GET", "/api/gatewayLogin", "", "admin", password)
	require.Equal(t, 401, status, "the gateway's administrator has a password of its own")
	status, body := c.do("GET", "/api/gatewayLogin", "", "admin", "Own-1")
	require.Equal(t, 200, status)
	c.token = strings.Trim(string(body), `"`)
	status, _ = c.do("POST", "/api/updateConfiguration", `{"mdmAddresses":["127.0.1.11"]}`, "", c.token)
	require.Equal(t, 200, status)
	status, shown := c.do("GET", "/api/getHostCertificate/Mdm?host=127.0.1.11", "", "", c.token)
	require.Equal(t, 200, status)
	trust := func(text string) int {
		var form bytes.Buffer
		f := multipart.NewWriter(&form)
		part, err := f.CreateFormFile("file", "mdm.cer")
		require.NoError(t, err)
		_, err = part.Write([]byte(text))
		require.NoError(t, err)
		require.NoError(t, f.Close())
		req, err := http.NewRequest(http.MethodPost, c.url+"/api/trustHostCertificate/Mdm", &form)
		require.NoError(t, err)
		req.Header.Set("Content-Type", f.FormDataContentType())
		req.SetBasicAuth("", c.token)
		res, err := c.client.Do(req)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		return res.StatusCode
	}
	require.Equal(t, 500, trust("no certificate"))
	require.Equal(t, 500, login(c), "it trusts no MDM yet")
	require.Equal(t, 200, trust(string(shown)))
	status, _ = c.do("GET", "/api/types/System/instances", "", "", c.token)
	require.Equal(t, 403, status, "it administers the gateway, not the system")
	require.Equal(t, 200, login(c))
}

// Whoever makes a gateway listen says where clients find it.
func TestGatewaysListenAsTheyAreTold(t *testing.T) {
	var asked []string
	w := bootstrapped(t, scaleiotest.Options{Listen: func(addr string) (net.Listener, error) {
		asked = append(asked, addr)
		return net.Listen("tcp", "127.0.0.9:0")
	}}, 3)
	require.Equal(t, []string{"127.0.1.11:0", "127.0.1.12:0"}, asked, "one for each manager")
	addr, https := strings.CutPrefix(w.GatewayURL("host1"), "https://")
	require.True(t, https)
	require.Contains(t, addr, "127.0.0.9:")
	conn, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	require.NoError(t, conn.Close())
}

// The port is the one of catalina.properties, else the one it had.
func TestGatewayPort(t *testing.T) {
	w := bootstrapped(t, scaleiotest.Options{}, 3)
	before := w.GatewayURL("host1")
	w.ok("host1", "systemctl", "restart", "scaleio-gateway")
	require.Equal(t, before, w.GatewayURL("host1"))
	free, err := net.Listen("tcp", "127.0.1.11:0")
	require.NoError(t, err)
	port := free.Addr().(*net.TCPAddr).Port
	require.NoError(t, w.WriteFile("host1", "/opt/emc/scaleio/gateway/conf/catalina.properties", fmt.Sprintf("ssl.port=%d\n", port)))
	r := w.run("host1", "systemctl", "restart", "scaleio-gateway")
	require.Equal(t, 1, r.Exit, "the port is taken")
	require.Contains(t, r.Stderr, "scaleio-gateway.service failed")
	require.False(t, w.Running("host1", "scaleio-gateway"))
	require.NoError(t, free.Close())
	w.ok("host1", "systemctl", "restart", "scaleio-gateway")
	require.Equal(t, fmt.Sprintf("https://127.0.1.11:%d", port), w.GatewayURL("host1"))
	w.loggedIn("host1")
}

// A started gateway takes its time.
func TestGatewayStarts(t *testing.T) {
	w := bootstrapped(t, scaleiotest.Options{GatewayStart: time.Minute}, 3)
	c := w.rest("host1")
	status, _ := c.do("GET", "/api/version", "", "", "")
	require.Equal(t, 503, status)
	w.now = w.now.Add(time.Minute)
	w.loggedIn("host1")
}

// The sandbox hears of services, and counters tell of each verb.
func TestServicesAreTold(t *testing.T) {
	var told []string
	w := newWorld(t, scaleiotest.Options{OnService: func(host, unit, verb string) { told = append(told, host+" "+unit+" "+verb) }})
	require.NoError(t, w.AddHost(scaleiotest.HostSpec{Hostname: "a", IP: "127.0.1.11"}))
	w.ok("a", "systemctl", "restart", "mesos-slave.service")
	require.Equal(t, 3, w.run("a", "systemctl", "is-active", "rexray").Exit)
	require.NoError(t, w.WriteFile("a", "/etc/systemd/system/own.service", "[Unit]\n"))
	w.ok("a", "systemctl", "daemon-reload")
	w.ok("a", "systemctl", "enable", "--now", "own")
	require.Equal(t, "enabled\n", w.ok("a", "systemctl", "is-enabled", "own"))
	require.Equal(t, "active\n", w.ok("a", "systemctl", "show", "-p", "ActiveState", "--value", "own"))
	require.Equal(t, []string{"a mesos-slave restart", "a own enable"}, told)
	require.Equal(t, 1, w.Count(scaleiotest.OpService, "a:mesos-slave:restart"))
	require.Error(t, w.AddHost(scaleiotest.HostSpec{Hostname: "b", IP: "127.0.1.11"}))
	require.Error(t, w.StopHost("none"))
}

// rexray and dvdcli do what an agent's isolator asks of them.
func TestVolumesAreMounted(t *testing.T) {
	w := bootstrapped(t, scaleiotest.Options{}, 3)
	c := w.loggedIn("host1")
	c.create("Volume", map[string]any{
		"name": "data", "storagePoolId": c.one("StoragePool", "default")["id"], "volumeSizeInKb": "8388608", "volumeType": "ThinProvisioned",
	})
	mount := []string{"mount", "--volumedriver=rexray", "--volumename=data"}
	require.Equal(t, 1, w.run("host1", "dvdcli", mount...).Exit, "the driver does not run yet")
	w.ok("host1", "rexray", "service", "start")
	path := w.ok("host1", "dvdcli", mount...)
	require.Equal(t, "/var/lib/rexray/volumes/data/data\n", path)
	require.Equal(t, path, w.ok("host1", "dvdcli", "path", "--volumedriver=rexray", "--volumename=data"))
	w.ok("host1", "dvdcli", "unmount", "--volumedriver=rexray", "--volumename=data")
	require.Equal(t, "data\n", w.ok("host1", "dvdcli", "list"))
	require.Contains(t, w.ok("host1", "rexray", "version"), "SemVer")
}

// The SDC's tool changes the addresses it looks for the cluster at.
func TestSDCFindsTheCluster(t *testing.T) {
	w := bootstrapped(t, scaleiotest.Options{}, 3)
	require.NoError(t, w.AddHost(scaleiotest.HostSpec{Hostname: "late", IP: "127.0.1.40"}))
	files, err := scaleiotest.WritePackages(t.TempDir(), "2.6-11000.113")
	require.NoError(t, err)
	for _, f := range files {
		if f.OS == scaleiotest.Ubuntu && f.Component == "sdc" {
			w.ok("late", "dpkg", "MDM_IP=127.0.1.99", "-i", f.Path)
		}
	}
	require.Equal(t, "Retrieved 0 mdm(s)\n", w.ok("late", "drv_cfg", "--query_mdms"))
	require.Equal(t, 1, w.run("late", "drv_cfg", "--mod_mdm_ip", "--ip", "127.0.1.98", "--new_mdm_ip", "127.0.1.11").Exit)
	w.ok("late", "drv_cfg", "--mod_mdm_ip", "--ip", "127.0.1.99", "--new_mdm_ip", "127.0.1.11,127.0.1.12")
	system, installation := w.IDs()
	out := w.ok("late", "drv_cfg", "--query_mdms")
	require.Contains(t, out, "MDM-ID "+system)
	require.Contains(t, out, "INSTALLATION ID "+installation+" IPs [0]-127.0.1.11 [1]-127.0.1.12")
	require.Equal(t, 1, w.run("late", "drv_cfg", "--add_mdm", "--ip", "127.0.1.12").Exit)
	w.ok("late", "systemctl", "stop", "scini")
	require.False(t, w.Snapshot().SDCs["late"])
	require.NotContains(t, w.ok("late", "lsmod"), "scini")
}
