package steps

import (
	"context"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"scaleio-framework/nodeagent/failure"
	"scaleio-framework/nodeagent/runner"
)

const (
	listTimeout = 2 * time.Minute
	// shownKernels is how many kernels of a package an error names.
	shownKernels = 8
)

// packedModule is the place of a kernel module in a package: below a directory
// that has the kernel's release for a name.
var packedModule = regexp.MustCompile(`/(\d+\.\d+[^/\s]*)/scini[^/\s]*\.(?:ko|tar|tgz)(?:\.[gx]z)?(?:\s|$)`)

// kernelBase is what a release has in common with those that take the same
// modules, or may: 3.10.0-1160 of 3.10.0-1160.88.1.el7.x86_64.
var kernelBase = regexp.MustCompile(`^\d+\.\d+\.\d+-\d+`)

// moduleFits refuses an SDC's package, before it is installed, that certainly
// has no module for the running kernel, on a host that has no other source of
// one. Packages whose modules stand elsewhere are let pass: the module is asked
// when it should run.
func (h *Host) moduleFits(ctx context.Context, file string) error {
	kernel := h.kernel()
	base := kernelBase.FindString(kernel)
	kernels := packedKernels(h.list(ctx, file))
	if base == "" || len(kernels) == 0 || h.cached(kernel) {
		return nil
	}
	if slices.ContainsFunc(kernels, func(k string) bool { return kernelBase.FindString(k) == base }) {
		return nil
	}
	return failure.Hopelessf("no scini module fits the kernel %s: %s has modules for %s, %s and %s have none, and no other source is set%s",
		kernel, filepath.Base(file), someKernels(kernels), syncDir+"/driver_cache", syncDirUbuntu+"/driver_cache", moduleRemedy)
}

// list names the files of a package, a line each; nothing when they cannot be
// told.
func (h *Host) list(ctx context.Context, file string) string {
	argv := []string{"rpm", "-qlp", file}
	if filepath.Ext(file) == ".deb" {
		argv = []string{"dpkg-deb", "--contents", file}
	}
	res, err := h.run.Run(ctx, runner.Command{Argv: argv, Timeout: listTimeout})
	if err != nil || res.Code != 0 {
		h.log.Debug("the package's kernel modules are not known before it is installed", "package", file, "error", err, "status", res.Code)
		return ""
	}
	return res.Stdout
}

// packedKernels are the releases that a package has modules for.
func packedKernels(listing string) []string {
	var kernels []string
	for line := range strings.Lines(listing) {
		if found := packedModule.FindStringSubmatch(line); found != nil {
			kernels = append(kernels, found[1])
		}
	}
	slices.Sort(kernels)
	return slices.Compact(kernels)
}

func someKernels(kernels []string) string {
	if len(kernels) > shownKernels {
		return strings.Join(kernels[:shownKernels], ", ") + " and more"
	}
	return strings.Join(kernels, ", ")
}

// cached reports whether somebody has placed something for a kernel where the
// SDC looks first.
func (h *Host) cached(kernel string) bool {
	for _, dir := range []string{syncDir, syncDirUbuntu} {
		found, err := filepath.Glob(h.root.Path(dir+"/driver_cache") + "/*/*/" + kernel)
		if err == nil && len(found) > 0 {
			return true
		}
	}
	return false
}
