package steps

import (
	"context"
	"strconv"

	"scaleio-framework/internal/nodeproto"
)

// Where a gateway's ports are written, and the one it has when none is.
const (
	gatewayTomcat = "/opt/emc/scaleio/gateway/conf/catalina.properties"
	gatewayPort   = 443
	keyHTTPS      = "ssl.port"
	keyHTTP       = "http.port"
)

// portsMark stands while a gateway has to be restarted for its ports.
const portsMark = "gateway-ports"

// portsFile is the file with the ports that are given.
func portsFile(ports nodeproto.GatewayPorts) propertiesFile {
	f := propertiesFile{name: gatewayTomcat}
	for _, p := range []struct {
		key  string
		port int
	}{{keyHTTPS, ports.HTTPS}, {keyHTTP, ports.HTTP}} {
		if p.port > 0 {
			f.settings = append(f.settings, [2]string{p.key, strconv.Itoa(p.port)})
		}
	}
	return f
}

// gatewayPorts are those that are wanted, or else what the gateway's file says.
func (h *Host) gatewayPorts(wanted *nodeproto.GatewayPorts) nodeproto.GatewayPorts {
	if wanted != nil {
		return *wanted
	}
	ports := nodeproto.GatewayPorts{HTTPS: gatewayPort}
	data, _, err := h.root.ReadIfThere(gatewayTomcat)
	if err != nil {
		return ports
	}
	if port, err := strconv.Atoi(property(data, keyHTTPS)); err == nil {
		ports.HTTPS = port
	}
	return ports
}

// portsDue reports whether the gateway's file or the gateway itself does not
// have these ports yet.
func (h *Host) portsDue(ports nodeproto.GatewayPorts) (content []byte, due bool, err error) {
	if !h.root.Exists(gatewayTomcat) {
		return nil, false, nil // the gateway of another release has its ports elsewhere
	}
	marked, err := h.marked(portsMark)
	if err != nil {
		return nil, false, err
	}
	content, same, err := portsFile(ports).wanted(h)
	return content, marked || !same, err
}

// writePorts writes the ports, and leaves the mark of a restart that is due.
func (h *Host) writePorts(ports nodeproto.GatewayPorts) error {
	content, due, err := h.portsDue(ports)
	if err != nil || !due {
		return err
	}
	if err := h.pending.Mark(portsMark, gatewayTomcat); err != nil {
		return err
	}
	return h.root.Write(gatewayTomcat, content, 0)
}

// restartGateway restarts it where that is due.
func (h *Host) restartGateway(ctx context.Context) error {
	due, err := h.marked(portsMark)
	if err != nil || !due {
		return err
	}
	if err := h.services.Restart(ctx, serviceOf(gateway)); err != nil {
		return err
	}
	return h.pending.Clear(portsMark)
}
