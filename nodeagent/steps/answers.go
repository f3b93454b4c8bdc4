package steps

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path"
	"strconv"
	"strings"
	"time"

	"scaleio-framework/nodeagent/listeners"
)

// The ports of the vendor's services, which are the same in all versions. An
// MDM has its port before it is in a cluster.
const (
	mdmPort = 9011
	sdsPort = 7072
	liaPort = 9099
)

const (
	// connectTime bounds one try to reach a port of this host.
	connectTime = time.Second
	// symptomTime bounds the search for what is wrong with a service.
	symptomTime = 20 * time.Second
	// logLines and logEnd are how much of a log an operator is shown: an error
	// has little room.
	logLines = 3
	logEnd   = 600
)

// answers waits until a component's service runs and takes connections on the
// address that the cluster uses; port 0 means that it has none.
func (h *Host) answers(ctx context.Context, component string, port int) error {
	unit := serviceOf(component)
	waiting, cancel := context.WithTimeoutCause(ctx, settleTime, fmt.Errorf("%s is not ready within %s", component, settleTime))
	defer cancel()
	err := until(waiting, func(ctx context.Context) error {
		ok, err := h.services.IsActive(ctx, unit)
		switch {
		case err != nil:
			return err
		case !ok:
			return fmt.Errorf("service %s is not active", unit)
		case port == 0:
			return nil
		}
		return h.open(ctx, port)
	})
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w; %s", err, h.symptoms(ctx, component, port))
}

// open reports whether a port of this host takes connections.
func (h *Host) open(ctx context.Context, port int) error {
	dialer := net.Dialer{Timeout: connectTime}
	c, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(h.address, strconv.Itoa(port)))
	if err != nil {
		return fmt.Errorf("TCP port %d of %s does not open: %w", port, h.address, err)
	}
	return c.Close()
}

// symptoms are what an operator would look at first: the state of the unit, who
// else has the port, and the end of the log.
func (h *Host) symptoms(ctx context.Context, component string, port int) string {
	// The step's own time may be over.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), symptomTime)
	defer cancel()
	unit := serviceOf(component)
	found := []string{fmt.Sprintf("unit %s is %s", unit, h.services.State(ctx, unit))}
	if held, err := h.holder(port); err == nil && held != nil {
		found = append(found, fmt.Sprintf("port %d is held by %s", port, held))
	}
	name, text := "journalctl -u "+unit, ""
	if h.root.IsMachine() { // what plays a host in a directory has no journal
		text = h.services.Journal(ctx, unit, logLines, strings.TrimSpace)
	}
	if file, own := h.lastLog(component); own != "" {
		name, text = file, own
	}
	if text == "" {
		text = "nothing"
	}
	return strings.Join(append(found, "last in "+name+": "+text), "; ")
}

// holder is who listens on a port where a component of this host is to; nil
// when nobody does.
func (h *Host) holder(port int) (*listeners.Holder, error) {
	address, err := netip.ParseAddr(h.address)
	if err != nil || port <= 0 || port > 65535 {
		return nil, err
	}
	return listeners.Of(h.root, address.Unmap(), uint16(port))
}

// lastLog is the end of the log that the component wrote last.
func (h *Host) lastLog(component string) (name, text string) {
	dir := "/opt/emc/scaleio/" + component + "/logs"
	entries, err := h.root.ReadDir(dir)
	if err != nil {
		return "", ""
	}
	var newest time.Time
	for _, e := range entries {
		info, err := e.Info()
		if err == nil && info.Mode().IsRegular() && info.Size() > 0 && info.ModTime().After(newest) {
			name, newest = path.Join(dir, e.Name()), info.ModTime()
		}
	}
	if name == "" {
		return "", ""
	}
	return name, h.tail(name)
}

// tail is the end of a file, on one line.
func (h *Host) tail(name string) string {
	f, err := os.Open(h.root.Path(name))
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }()
	if info, err := f.Stat(); err != nil || info.Mode()&fs.ModeType != 0 {
		return ""
	}
	if size, err := f.Seek(0, io.SeekEnd); err == nil {
		_, _ = f.Seek(max(size-logEnd, 0), io.SeekStart)
	}
	data, err := io.ReadAll(io.LimitReader(f, logEnd))
	if err != nil {
		return ""
	}
	lines := bytes.Split(bytes.TrimSpace(data), []byte("\n"))
	lines = lines[max(len(lines)-logLines, 0):]
	return strings.Join(strings.Fields(strings.ToValidUTF8(string(bytes.Join(lines, []byte(" | "))), "?")), " ")
}
