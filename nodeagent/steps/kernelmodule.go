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
	// connectionTime is how long a module may take to find an MDM that leads.
	connectionTime = 2 * time.Minute
)

// guid is what the kernel module answers with, in the form of a UUID.
var guid = regexp.MustCompile(`^[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$`)

// connection is a system that the module is connected to, as drv_cfg lists it.
// Both ids are zeros before.
var connection = regexp.MustCompile(`MDM-ID ([0-9A-Fa-f]{16}) SDC ID ([0-9A-Fa-f]{16})`)

const noID = "0000000000000000"

// driverConnects proves that the kernel module runs and that a system has
// taken it for its client.
func (h *Host) driverConnects(ctx context.Context) error {
	if h.taken(ctx) == nil {
		return nil
	}
	if err := h.moduleRuns(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, connectionTime, fmt.Errorf("the SDC is not connected to the MDM within %s", connectionTime))
	defer cancel()
	return until(ctx, h.taken)
}

// taken reports whether a system has taken the SDC for its client.
func (h *Host) taken(ctx context.Context) error {
	res, err := h.drvCfg(ctx, "--query_mdms")
	if err == nil {
		err = res.Err()
	}
	if err == nil && !connected(res.Stdout) {
		err = fmt.Errorf("drv_cfg --query_mdms lists no MDM that has taken this SDC: %s: see that this host reaches the addresses in %s, and that the system is not in restricted SDC mode",
			firstWords([]byte(res.Stdout)), h.sdcSettings())
	}
	return err
}

// connected reads drv_cfg --query_mdms: a line for each system, one of which
// has taken the SDC.
func connected(said string) bool {
	for _, found := range connection.FindAllStringSubmatch(said, -1) {
		if found[1] != noID && found[2] != noID {
			return true
		}
	}
	return false
}

// moduleRuns asks the SDC's kernel module for its id. The service can be active
// without a module: where none fits the kernel, it has nothing to load.
func (h *Host) moduleRuns(ctx context.Context) error {
	res, err := h.drvCfg(ctx, "--query_guid")
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
	if h.loaded(ctx) {
		return failure.Hopeless(fmt.Errorf("the SDC's kernel module is loaded, but does not answer (%w): look at dmesg, reboot the host where that does not help, then order retry", err))
	}
	return failure.Hopeless(fmt.Errorf("the SDC's service runs, but its kernel module does not (%w%s): no scini module fits the kernel %s%s",
		err, h.secureBoot(), h.kernel(), moduleRemedy))
}

// secureBootVariable is where the firmware tells whether it checks signatures:
// four bytes of attributes, then 1.
const secureBootVariable = "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"

// secureBoot is what there is to know about it where it is on.
func (h *Host) secureBoot() string {
	data, there, err := h.root.ReadIfThere(secureBootVariable)
	if err != nil || !there || len(data) != 5 || data[4] != 1 {
		return ""
	}
	return "; Secure Boot is on: only modules load that are signed by a key in the firmware's list, which mokutil --import adds, and --sdc.module-sigcheck lets the SDC take no other"
}

// loaded reports whether the kernel has the module, whatever it does.
func (h *Host) loaded(ctx context.Context) bool {
	res, err := h.run.Run(ctx, runner.Command{Argv: []string{"lsmod"}, Timeout: drvCfgTimeout})
	return err == nil && res.Code == 0 && strings.Contains("\n"+res.Stdout, "\nscini ")
}

func (h *Host) drvCfg(ctx context.Context, args ...string) (runner.Result, error) {
	program := drvCfgProgram
	if path, err := h.run.LookPath("drv_cfg"); err == nil {
		program = path
	}
	return h.run.Run(ctx, runner.Command{Argv: append([]string{program}, args...), Timeout: drvCfgTimeout})
}

// kernel is the release that runs, as uname -r prints it.
func (h *Host) kernel() string {
	release, there, err := h.root.ReadIfThere(kernelRelease)
	if err != nil || !there {
		return "of this host"
	}
	return strings.TrimSpace(string(release))
}

// moduleRemedy follows what was found out about the modules.
const moduleRemedy = ": give SDCs a repository that has one (--sdc.driver-repository), let the host build one (--sdc.build-module, on Ubuntu), place one below " + syncDir + "/driver_cache, or boot a kernel that the package has one for; then order retry"
