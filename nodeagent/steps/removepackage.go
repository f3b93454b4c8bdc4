package steps

import (
	"context"
	"errors"
	"fmt"
	"path"
	"regexp"
	"time"

	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/nodeagent/failure"
	"scaleio-framework/nodeagent/runner"
)

const (
	// vendorDir is where ScaleIO's components have their programs and, below
	// their own names, what they write.
	vendorDir = "/opt/emc/scaleio"
	// keptMDM is the copy of the last MDM's files: no package owns it.
	keptMDM = "/var/lib/scaleio-kept/mdm"
	// copyTime bounds the copy; the records of an MDM are some megabytes.
	copyTime = 10 * time.Minute
)

// removePackage takes one ScaleIO package from the host, with the files that
// the component wrote.
type removePackage struct {
	h      *Host
	params nodeproto.RemovePackageParams
}

func (h *Host) removePackage(p nodeproto.RemovePackageParams, _ Request) (Step, error) {
	switch p.Component {
	case mdm, sds, sdc, lia, gateway, activemq:
	default:
		return nil, fmt.Errorf("component %q is none of mdm, sds, sdc, lia, gateway, activemq", p.Component)
	}
	if p.Package == "" {
		return nil, errors.New("parameters name no package")
	}
	return &removePackage{h: h, params: p}, nil
}

// leftovers are what a package's removal may leave behind.
func (s *removePackage) leftovers() []string {
	if s.params.KeepFiles {
		return nil
	}
	dir := path.Join(vendorDir, s.params.Component)
	if s.params.Component == sdc {
		return []string{dir, drvCfg}
	}
	return []string{dir}
}

// Detect asks whether package and files are gone.
func (s *removePackage) Detect(ctx context.Context) (bool, error) {
	manager, err := s.h.packages()
	if err != nil {
		return false, err
	}
	if there, err := manager.Present(ctx, s.params.Package); err != nil || there {
		return false, err
	}
	for _, name := range s.leftovers() {
		if s.h.root.Exists(name) {
			return false, nil
		}
	}
	return true, nil
}

// Apply removes the package, half installed or whole, unless it is in use.
func (s *removePackage) Apply(ctx context.Context) error {
	manager, err := s.h.packages()
	if err != nil {
		return err
	}
	if err := s.unused(ctx); err != nil {
		return err
	}
	if s.params.KeepFiles {
		if err := s.copyFiles(ctx); err != nil {
			return err
		}
	}
	if err := manager.Remove(ctx, s.params.Package); err != nil {
		return err
	}
	for _, name := range s.leftovers() {
		if err := s.h.root.RemoveAll(name); err != nil {
			return err
		}
	}
	for dir := vendorDir; dir != "/opt"; dir = path.Dir(dir) {
		if err := s.h.root.RemoveEmpty(dir); err != nil {
			return err
		}
	}
	return nil
}

// Verify asks again.
func (s *removePackage) Verify(ctx context.Context) (any, error) {
	gone, err := s.Detect(ctx)
	if err == nil && !gone {
		err = fmt.Errorf("package %s or its files are still there, although the package manager reported success", s.params.Package)
	}
	return nil, err
}

// unused refuses what would hurt: an SDC with volumes, an MDM of a cluster.
func (s *removePackage) unused(ctx context.Context) error {
	switch {
	case s.params.Component == sdc:
		return s.h.noVolumes(ctx)
	case s.params.Component == mdm && !s.params.LastMDM && s.h.clusterAnswers(ctx):
		return failure.Hopelessf("the MDM on this host belongs to a cluster: package %s is not removed; take the MDM out of the cluster first (scli --switch_cluster_mode, --remove_standby_mdm), then retry the step", s.params.Package)
	}
	return nil
}

// volumesPattern is how drv_cfg begins its list.
var volumesPattern = regexp.MustCompile(`(?m)^Retrieved (\d+) volume`)

// noVolumes makes sure that no volume is mapped to this host. Without a running
// SDC none can be used here; what a running one does not tell is not zero. The
// module runs on where its service failed, or could not be stopped.
func (h *Host) noVolumes(ctx context.Context) error {
	running, err := h.services.IsActive(ctx, serviceOf(sdc))
	if err != nil || !running && !h.loaded(ctx) {
		return err
	}
	program := drvCfgProgram
	if found, err := h.run.LookPath("drv_cfg"); err == nil {
		program = found
	}
	res, err := h.run.Run(ctx, runner.Command{Argv: []string{program, "--query_vols"}, Timeout: drvCfgTimeout})
	if err == nil {
		err = res.Err()
	}
	if err != nil {
		return fmt.Errorf("whether a volume is mapped to this host cannot be told: %w", err)
	}
	found := volumesPattern.FindStringSubmatch(res.Stdout)
	switch {
	case found == nil:
		return fmt.Errorf("whether a volume is mapped to this host cannot be told: %s --query_vols does not count volumes", program)
	case found[1] != "0":
		return failure.Interrupted(fmt.Errorf("%s volumes are mapped to this host: end what uses them and unmap them; then it goes on by itself", found[1]))
	}
	return nil
}

// copyFiles stops the MDM and copies what it wrote to where no package's script
// removes it. A copy is complete or not there.
func (s *removePackage) copyFiles(ctx context.Context) error {
	source := path.Join(vendorDir, s.params.Component)
	if !s.h.root.Exists(mdmConf) {
		return nil // the package's removal was begun before, after the copy
	}
	if err := s.h.services.Stop(ctx, serviceOf(s.params.Component)); err != nil {
		return err
	}
	fresh := keptMDM + ".new"
	if err := s.h.root.RemoveAll(fresh); err != nil {
		return err
	}
	if err := s.h.root.MakeDir(path.Dir(keptMDM), 0o700); err != nil {
		return err
	}
	res, err := s.h.run.Run(ctx, runner.Command{
		Argv: []string{"cp", "-a", s.h.root.Path(source), s.h.root.Path(fresh)}, Timeout: copyTime,
	})
	if err == nil {
		err = res.Err()
	}
	if err != nil {
		return fmt.Errorf("copy the MDM's files: %w", err)
	}
	if err := s.h.root.RemoveAll(keptMDM); err != nil {
		return err
	}
	return s.h.root.Rename(fresh, keptMDM)
}
