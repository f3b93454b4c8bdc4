package packagestest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Deb is a Debian package.
type Deb struct {
	Name, Version string
	Description   string
	// Depends are the packages it cannot be configured without.
	Depends []string
	// Files are its files, name to content; Links its symbolic links, name to
	// target. Names have no leading slash.
	Files, Links map[string]string
	// Scripts are those of the maintainer: preinst, postinst, prerm, postrm.
	Scripts map[string]string
}

// Build writes the package file, by dpkg-deb.
func (d Deb) Build(file string) (err error) {
	tree, err := os.MkdirTemp("", "deb")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(tree)) }()
	if err := os.Chmod(tree, 0o755); err != nil {
		return err
	}
	if err := d.layOut(tree); err != nil {
		return fmt.Errorf("package %s: %w", d.Name, err)
	}
	return pack(tree, file)
}

func (d Deb) layOut(tree string) error {
	if err := write(filepath.Join(tree, "DEBIAN/control"), d.control(), 0o644); err != nil {
		return err
	}
	for name, text := range d.Scripts {
		if err := write(filepath.Join(tree, "DEBIAN", name), text, 0o755); err != nil {
			return err
		}
	}
	for name, text := range d.Files {
		if err := write(filepath.Join(tree, name), text, 0o644); err != nil {
			return err
		}
	}
	for name, target := range d.Links {
		at := filepath.Join(tree, name)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			return err
		}
		if err := os.Symlink(target, at); err != nil {
			return err
		}
	}
	return nil
}

// control is the package's description of itself.
func (d Deb) control() string {
	text := fmt.Sprintf("Package: %s\nVersion: %s\nArchitecture: amd64\nMaintainer: double <double@example.invalid>\n", d.Name, d.Version)
	if len(d.Depends) > 0 {
		text += "Depends: " + strings.Join(d.Depends, ", ") + "\n"
	}
	return text + "Description: " + d.Description + "\n"
}

func write(file, text string, mode os.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, []byte(text), mode)
}

// Prepend builds a package file anew with more at the beginning of one of its
// scripts, which it may have none of yet.
func Prepend(file, name, script string) (err error) {
	tree, err := os.MkdirTemp("", "deb")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(tree)) }()
	if out, err := exec.Command("dpkg-deb", "--raw-extract", file, tree).CombinedOutput(); err != nil {
		return fmt.Errorf("dpkg-deb --raw-extract %s: %w: %s", file, err, out)
	}
	at := filepath.Join(tree, "DEBIAN", name)
	old, err := os.ReadFile(at)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := write(at, "#!/bin/sh\n"+script+string(old), 0o755); err != nil {
		return err
	}
	return pack(tree, file)
}

func pack(tree, file string) error {
	out, err := exec.Command("dpkg-deb", "--build", "--root-owner-group", "-Znone", tree, file).CombinedOutput()
	if err != nil {
		return fmt.Errorf("dpkg-deb --build %s: %w: %s", file, err, out)
	}
	return nil
}
