package steps

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"scaleio-framework/nodeagent/failure"
	"scaleio-framework/nodeagent/runner"
)

const (
	// drvCfgProgram is the SDC's own tool; packages do not put it on the PATH.
	drvCfgProgram = "/opt/emc/scaleio/sdc/bin/drv_cfg"
	drvCfgTimeout = time.Minute
	// kernelRelease is what uname -r prints.
	kernelRelease = "/proc/sys/kernel/osrelease"
)

// guid is what the kernel module answers with, in the form of a UUID.
var guid = regexp.MustCompile(`^[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$`)

// moduleRuns asks the SDC's kernel module for its id. The service can be active
// without a module: where none fits the kernel, it has nothing to load.
func (h *Host) moduleRuns(ctx context.Context) error {
	program := drvCfgProgram
	if path, err := h.run.LookPath("drv_cfg"); err == nil {
		program = path
	}
	res, err := h.run.Run(ctx, runner.Command{Argv: []string{program, "--query_guid"}, Timeout: drvCfgTimeout})
	if err != nil {
		return err
	}
	if res.Code == 0 && guid.MatchString(strings.TrimSpace(res.Stdout)) {
		return nil
	}
	err = res.Err()
	if err == nil {
		err = errors.New("it answers no id")
	}
	kernel, there, readErr := h.root.ReadIfThere(kernelRelease)
	if readErr != nil || !there {
		kernel = []byte("of this host")
	}
	return failure.Hopeless(fmt.Errorf("the SDC's service runs, but its kernel module does not (%w): no scini module fits the kernel %s: place one through /bin/emc/scaleio/scini_sync/driver_sync.conf, let the package build one, or boot a kernel that the package has one for; then order retry",
		err, strings.TrimSpace(string(kernel))))
}
