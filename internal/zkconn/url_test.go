package zkconn_test

import (
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/zkconn"
)

func TestParseURL(t *testing.T) {
	for _, c := range []struct {
		says, url, servers, root, user, password string
	}{
		{says: "one host gets the default port and no root", url: "zk://h1", servers: "h1:2181"},
		{says: "ports are kept", url: "zk://h1:2182,h2,h3:2183/", servers: "h1:2182 h2:2181 h3:2183"},
		{says: "the path is the root, without the slash at its end", url: "zk://h/scaleio-framework/demo/", servers: "h:2181", root: "/scaleio-framework/demo"},
		{says: "credentials come before the @", url: "zk://u:p@h/x", servers: "h:2181", root: "/x", user: "u", password: "p"},
		{says: "a password may hold every character of a URL", url: "zk://u:p:/@1@h/x", servers: "h:2181", root: "/x", user: "u", password: "p:/@1"},
		{says: "an IPv6 address stands in brackets", url: "zk://[::1]:2182,[fe80::1]/x", servers: "[::1]:2182 [fe80::1]:2181", root: "/x"},
	} {
		t.Run(c.says, func(t *testing.T) {
			o, err := zkconn.ParseURL(c.url)
			require.NoError(t, err)
			require.Equal(t, c.servers, strings.Join(o.Servers, " "))
			require.Equal(t, c.root, o.Root)
			require.Equal(t, c.user, o.DigestUser)
			require.Equal(t, c.password, o.DigestPassword.Reveal())
		})
	}
}

func TestParseURLRefuses(t *testing.T) {
	for url, reason := range map[string]string{
		"":                   "does not start with zk://",
		"http://h/x":         "does not start with zk://",
		"zk://":              "empty host",
		"zk://h1,,h2/x":      "empty host",
		"zk://h:0/x":         "no valid port",
		"zk://h:99999/x":     "no valid port",
		"zk://h:p:q/x":       "not host:port",
		"zk://:2181/x":       "no valid host name",
		"zk://h x/y":         "no valid host name",
		"zk://h//x":          "empty part",
		"zk://h/a/../b":      "relative",
		"zk://h/zookeeper/x": "ZooKeeper's own",
		"zk://h/a\x00b":      "refuses",
		"zk://hunter2@h/x":   "no user:password",
		"zk://u:@h/x":        "no user:password",
		"zk://:hunter2@h/x":  "no user:password",
		"zk://u:hunter2@/x":  "empty host",
		"zk://u:hunter2@h:x": "no valid port",
	} {
		_, err := zkconn.ParseURL(url)
		require.ErrorContains(t, err, reason, url)
		require.NotContains(t, err.Error(), "hunter2", "a password must not be quoted")
	}
}

func FuzzParseURL(f *testing.F) {
	f.Add("zk://u:p@h1:2181,h2/a/b")
	f.Add("zk://[::1]/")
	f.Fuzz(func(t *testing.T, url string) {
		o, err := zkconn.ParseURL(url)
		if err != nil {
			return
		}
		require.NotEmpty(t, o.Servers)
		for _, s := range o.Servers {
			host, port, err := net.SplitHostPort(s)
			require.NoError(t, err)
			require.NotEmpty(t, host)
			require.NotEmpty(t, port)
		}
		require.False(t, strings.HasSuffix(o.Root, "/"))
	})
}
