package zkconn

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"

	"scaleio-framework/internal/redact"
)

const urlForm = "want zk://[user:password@]host[:port][,host[:port]...][/path]"

// ParseURL reads "zk://[user:password@]h1:2181,h2/path" into the servers, the
// root and the digest credentials of Options. Errors never quote the password.
func ParseURL(url string) (Options, error) {
	rest, ok := strings.CutPrefix(url, "zk://")
	if !ok {
		return Options{}, fmt.Errorf("zookeeper URL does not start with zk://: %s", urlForm)
	}
	var o Options
	authority, path := rest, ""
	// The path begins at the first slash behind the credentials: a password
	// may hold slashes, a host may not.
	hostsFrom := strings.LastIndex(rest, "@") + 1
	if slash := strings.Index(rest[hostsFrom:], "/"); slash >= 0 {
		authority, path = rest[:hostsFrom+slash], rest[hostsFrom+slash:]
	}
	if hostsFrom > 0 {
		user, password, found := strings.Cut(authority[:hostsFrom-1], ":")
		if !found || user == "" || password == "" {
			return Options{}, fmt.Errorf("zookeeper URL has an @ but no user:password before it: %s", urlForm)
		}
		o.DigestUser, o.DigestPassword = user, redact.New(password)
		authority = authority[hostsFrom:]
	}
	for _, s := range strings.Split(authority, ",") {
		server, err := parseServer(s)
		if err != nil {
			return Options{}, err
		}
		o.Servers = append(o.Servers, server)
	}
	o.Root = strings.TrimRight(path, "/")
	if err := validateRoot(o.Root); err != nil {
		return Options{}, err
	}
	return o, nil
}

func parseServer(s string) (string, error) {
	if s == "" {
		return "", fmt.Errorf("zookeeper URL names an empty host: %s", urlForm)
	}
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		var addr *net.AddrError
		if !errors.As(err, &addr) || addr.Err != "missing port in address" {
			return "", fmt.Errorf("zookeeper URL: server %q is not host:port: %s", s, urlForm)
		}
		host, port = strings.Trim(s, "[]"), DefaultPort
	}
	if host == "" || strings.ContainsAny(host, " \t\r\n?#%") {
		return "", fmt.Errorf("zookeeper URL: server %q has no valid host name: %s", s, urlForm)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return "", fmt.Errorf("zookeeper URL: server %q has no valid port: %s", s, urlForm)
	}
	return net.JoinHostPort(host, port), nil
}

// validateRoot checks a root as ZooKeeper itself checks paths, and keeps the
// server's own subtree out of reach.
func validateRoot(root string) error {
	if root == "" {
		return nil
	}
	if root[0] != '/' {
		return fmt.Errorf("zookeeper path %q does not start with a slash", root)
	}
	for i, part := range strings.Split(root[1:], "/") {
		switch {
		case part == "":
			return fmt.Errorf("zookeeper path %q has an empty part", root)
		case part == "." || part == "..":
			return fmt.Errorf("zookeeper path %q has the part %q: relative paths are not possible", root, part)
		case i == 0 && part == "zookeeper":
			return fmt.Errorf("zookeeper path %q is ZooKeeper's own: choose another", root)
		}
		for _, r := range part {
			if r < 0x20 || r == 0x7f || (r >= 0x80 && r <= 0x9f) || (r >= 0xd800 && r <= 0xf8ff) || r >= 0xfff0 {
				return fmt.Errorf("zookeeper path %q holds the character %U, which ZooKeeper refuses", root, r)
			}
		}
	}
	return nil
}
