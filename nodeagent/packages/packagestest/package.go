package packagestest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Package is a package of either family.
type Package struct {
	// Version is that of Debian's, or version-release of rpm's.
	Name, Version string
	Description   string
	// Depends are the packages it cannot be installed without.
	Depends []string
	// Provides are what it is beside its name, for rpm.
	Provides []string
	// Files are its files, name to content; one that begins as a script is a
	// program. Links are its symbolic links, name to target. Names have no leading
	// slash.
	Files, Links map[string]string
	// Config are those of the files that a host's administrator may edit.
	Config []string
	// Scripts are the shell scripts around its installation and removal.
	Scripts map[Moment]string
}

// Moment is when a package's script runs. Each family tells the script by its
// arguments, in its own way, what happens to the package.
type Moment string

// The moments that both families know: dpkg's preinst, postinst, prerm and
// postrm, rpm's %pre, %post, %preun and %postun.
const (
	BeforeUnpacking Moment = "preinst"
	Configuring     Moment = "postinst"
	BeforeRemoval   Moment = "prerm"
	AfterRemoval    Moment = "postrm"
)

// Prepend lets a script of the package, which it may have none of yet, begin
// with this.
func (p *Package) Prepend(m Moment, script string) {
	scripts := map[Moment]string{m: "#!/bin/sh\n" + script + p.Scripts[m]}
	for other, text := range p.Scripts {
		if other != m {
			scripts[other] = text
		}
	}
	p.Scripts = scripts
}

// Build writes the package file: a .deb by dpkg-deb, a .rpm by rpmbuild.
func (p Package) Build(file string) (err error) {
	work, err := os.MkdirTemp("", "package")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	tree := filepath.Join(work, "tree")
	if err := p.layOut(tree); err != nil {
		return fmt.Errorf("package %s: %w", p.Name, err)
	}
	switch extension := filepath.Ext(file); extension {
	case ".deb":
		err = p.buildDeb(tree, file)
	case ".rpm":
		err = p.buildRPM(work, tree, file)
	default:
		err = fmt.Errorf("%s is neither a .deb nor a .rpm", file)
	}
	if err != nil {
		return fmt.Errorf("package %s: %w", p.Name, err)
	}
	return nil
}

func (p Package) layOut(tree string) error {
	if err := os.MkdirAll(tree, 0o755); err != nil {
		return err
	}
	for name, text := range p.Files {
		if err := write(filepath.Join(tree, name), text, mode(text)); err != nil {
			return err
		}
	}
	for name, target := range p.Links {
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

func mode(text string) os.FileMode {
	if strings.HasPrefix(text, "#!") {
		return 0o755
	}
	return 0o644
}

func write(file, text string, mode os.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, []byte(text), mode)
}
