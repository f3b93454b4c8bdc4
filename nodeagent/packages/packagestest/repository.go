package packagestest

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// WriteDebRepository makes a folder a repository of these packages, which apt
// takes as "deb [trusted=yes] URL ./" when it is served.
func WriteDebRepository(folder string, packages ...Package) error {
	var index strings.Builder
	for _, p := range packages {
		file := p.Name + "_" + p.Version + "_amd64.deb"
		if err := p.Build(filepath.Join(folder, file)); err != nil {
			return err
		}
		data, err := os.ReadFile(filepath.Join(folder, file))
		if err != nil {
			return err
		}
		fmt.Fprintf(&index, "%sFilename: ./%s\nSize: %d\nSHA256: %x\n\n", p.control(), file, len(data), sha256.Sum256(data))
	}
	return write(filepath.Join(folder, "Packages"), index.String(), 0o644)
}

// WriteRPMRepository makes a folder a repository of these packages and no
// others, which dnf, yum and zypper take as a baseurl when it is served.
func WriteRPMRepository(folder string, packages ...Package) error {
	old, err := filepath.Glob(filepath.Join(folder, "*.rpm"))
	if err != nil {
		return err
	}
	for _, file := range old {
		if err := os.Remove(file); err != nil {
			return err
		}
	}
	for _, p := range packages {
		if err := p.Build(filepath.Join(folder, p.Name+"-"+p.Version+".x86_64.rpm")); err != nil {
			return err
		}
	}
	if out, err := exec.Command("createrepo_c", "--quiet", folder).CombinedOutput(); err != nil {
		return fmt.Errorf("createrepo_c %s: %w: %s", folder, err, out)
	}
	return nil
}
