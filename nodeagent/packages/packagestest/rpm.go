package packagestest

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// sections are rpm's names of the scripts.
func sections() map[Moment]string {
	return map[Moment]string{BeforeUnpacking: "pre", Configuring: "post", BeforeRemoval: "preun", AfterRemoval: "postun"}
}

// buildRPM builds an rpm package of a tree in a work directory.
func (p Package) buildRPM(work, tree, file string) error {
	version, release, ok := strings.Cut(p.Version, "-")
	if !ok {
		return errors.New("its version has no release")
	}
	spec := filepath.Join(work, "package.spec")
	if err := write(spec, p.spec(version, release, tree), 0o644); err != nil {
		return err
	}
	defines := map[string]string{
		"_topdir": filepath.Join(work, "rpmbuild"), "_rpmdir": work, "_rpmfilename": "built.rpm",
		// The files are packed as they are.
		"__os_install_post": "%{nil}", "debug_package": "%{nil}", "_build_id_links": "none",
	}
	args := []string{"-bb", "--quiet", "--target", "x86_64"}
	for _, name := range slices.Sorted(maps.Keys(defines)) {
		args = append(args, "--define", name+" "+defines[name])
	}
	if out, err := exec.Command("rpmbuild", append(args, spec)...).CombinedOutput(); err != nil {
		return fmt.Errorf("rpmbuild: %w: %s", err, out)
	}
	data, err := os.ReadFile(filepath.Join(work, "built.rpm"))
	if err != nil {
		return err
	}
	return os.WriteFile(file, data, 0o644)
}

func (p Package) spec(version, release, tree string) string {
	var s strings.Builder
	fmt.Fprintf(&s, "Name: %s\nVersion: %s\nRelease: %s\nSummary: %s\nLicense: none\nAutoReqProv: no\n", p.Name, version, release, p.Description)
	for _, name := range p.Depends {
		fmt.Fprintf(&s, "Requires: %s\n", name)
	}
	for _, name := range p.Provides {
		fmt.Fprintf(&s, "Provides: %s\n", name)
	}
	fmt.Fprintf(&s, "%%description\n%s\n%%install\nmkdir -p %%{buildroot}\ncp -a %s/. %%{buildroot}\n", p.Description, tree)
	for _, moment := range slices.Sorted(maps.Keys(p.Scripts)) {
		// In a spec file a percent sign begins a macro.
		fmt.Fprintf(&s, "%%%s\n%s\n", sections()[moment], strings.ReplaceAll(p.Scripts[moment], "%", "%%"))
	}
	s.WriteString("%files\n")
	for _, name := range slices.Sorted(maps.Keys(p.Files)) {
		if slices.Contains(p.Config, name) {
			s.WriteString("%config(noreplace) ")
		}
		fmt.Fprintf(&s, "%%attr(%#o, root, root) /%s\n", mode(p.Files[name]), name)
	}
	for _, name := range slices.Sorted(maps.Keys(p.Links)) {
		fmt.Fprintf(&s, "/%s\n", name)
	}
	return s.String()
}
