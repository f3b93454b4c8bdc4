package packagestest

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
)

// buildDeb builds a Debian package of a tree, which gets the control files.
func (p Package) buildDeb(tree, file string) error {
	if err := write(filepath.Join(tree, "DEBIAN/control"), p.control(), 0o644); err != nil {
		return err
	}
	if len(p.Config) > 0 {
		if err := write(filepath.Join(tree, "DEBIAN/conffiles"), "/"+strings.Join(p.Config, "\n/")+"\n", 0o644); err != nil {
			return err
		}
	}
	for moment, text := range p.Scripts {
		if err := write(filepath.Join(tree, "DEBIAN", string(moment)), text, 0o755); err != nil {
			return err
		}
	}
	out, err := exec.Command("dpkg-deb", "--build", "--root-owner-group", "-Znone", tree, file).CombinedOutput()
	if err != nil {
		return fmt.Errorf("dpkg-deb --build %s: %w: %s", file, err, out)
	}
	return nil
}

// control is the package's description of itself.
func (p Package) control() string {
	text := fmt.Sprintf("Package: %s\nVersion: %s\nArchitecture: amd64\nMaintainer: double <double@example.invalid>\n", p.Name, p.Version)
	if len(p.Depends) > 0 {
		text += "Depends: " + strings.Join(p.Depends, ", ") + "\n"
	}
	return text + "Description: " + p.Description + "\n"
}
