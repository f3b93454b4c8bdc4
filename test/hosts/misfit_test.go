//go:build hosts

package hosts_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/model"
	"scaleio-framework/internal/sandbox"
)

// What keeps a component from working on a host is told by the step that finds
// it, as early as it can be found: a port that another program has, a kernel
// that no module fits, a gateway that does not start.
func TestAHostThatDoesNotFit(t *testing.T) { eachFamily(t, refusesMisfits) }

func refusesMisfits(t *testing.T, f family) {
	w := prepare(t, f, func(o *sandbox.Options) {
		o.Attributes = map[string]map[string]string{
			"host1": {"scaleio-persona": "manager"}, "host2": {"scaleio-persona": "manager"}, "host3": {"scaleio-persona": "tie-breaker"},
		}
		o.Settings = []string{"SIO_STEPS_MAX_FAILURES=100"}
	})
	gateway, port, kernel := w.Hosts()[0], w.Hosts()[1], w.Hosts()[2]
	const unit = "/etc/systemd/system/scaleio-gateway.service.d"
	w.on(gateway, "sh", "-c", "mkdir -p "+unit+" && printf '[Service]\\nExecStart=\\nExecStart=/bin/sh -c \"echo no keystore; exit 1\"\\n' > "+unit+"/broken.conf")
	w.on(port, "systemd-run", "--quiet", "--unit=squatter", "--socket-property=ListenStream=0.0.0.0:7072", "cat")
	w.on(kernel, "sh", "-c", "echo 5.15.0-99-generic > /run/release && mount --bind /run/release /proc/sys/kernel/osrelease")
	require.NoError(t, w.StartSchedulers())

	w.awaitError(port, "prerequisites", model.Stuck, "TCP port 7072, which the sds needs, is held by systemd (process 1), on 0.0.0.0:7072")
	require.Empty(t, w.status(port, f.prefix+"sds"), "nothing was installed")
	w.on(port, "systemctl", "stop", "squatter.socket")
	w.retry(port)

	w.awaitError(gateway, "gateway-package", model.Failed, "unit scaleio-gateway is ", "last in journalctl -u scaleio-gateway: ", "no keystore")
	w.on(gateway, "sh", "-c", "rm -r "+unit+" && systemctl daemon-reload")

	w.awaitError(kernel, "sdc-package", model.Stuck, "no scini module fits the kernel 5.15.0-99-generic: EMC-ScaleIO-sdc-", "has modules for 3.10.0-1160.el7.x86_64, 4.4.0-210-generic")
	require.Empty(t, w.status(kernel, f.prefix+"sdc"), "nothing was installed")
	w.on(kernel, "umount", "/proc/sys/kernel/osrelease")
	w.retry(kernel)

	w.watch(w.name, "the bootstrap", complete)
	for _, h := range w.Hosts() {
		require.Empty(t, w.unfinished(h), h.Name)
	}
}
