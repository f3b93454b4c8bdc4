package steps

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"strings"

	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/nodeagent/inventory"
	"scaleio-framework/nodeagent/packages"
)

// unpacks reports whether packages are unpacked on this host, since its /usr is
// read-only: some files are in other places then.
func (h *Host) unpacks() bool {
	system, err := inventory.OS(h.root)
	return err == nil && system.Family == packages.Unpacked
}

// sdcSettings is the SDC's file of settings.
func (h *Host) sdcSettings() string {
	if h.unpacks() {
		return packages.DrvCfg
	}
	return drvCfg
}

// libraries is a directory for libraries of ours.
func (h *Host) libraries() string {
	if h.unpacks() {
		return "/opt/lib"
	}
	return "/usr/lib"
}

// modulePlaced reports whether the SDC's kernel module is where the package's
// service loads it from. There is nothing to place where the package brings
// its own.
func (h *Host) modulePlaced(m *nodeproto.KernelModule) (bool, error) {
	if m == nil {
		return true, nil
	}
	data, there, err := h.root.ReadIfThere(packages.ModuleFile(m.Kernel))
	if err != nil || !there {
		return false, err
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:]) == strings.ToLower(m.Artifact.SHA256), nil
}

// placeModule puts the module where the service loads it from. Those of other
// kernels stay: the host may boot its older image again.
func (h *Host) placeModule(ctx context.Context, m *nodeproto.KernelModule, sources []string) error {
	if placed, err := h.modulePlaced(m); err != nil || placed {
		return err
	}
	if kernel := h.kernel(); kernel != m.Kernel {
		return fmt.Errorf("the host runs the kernel %s, the module is for %s: the next attempt takes the one for the kernel that runs then", kernel, m.Kernel)
	}
	return h.cache.Use(ctx, m.Artifact, sources, func(file string) error {
		data, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		return h.root.Write(packages.ModuleFile(m.Kernel), data, 0o644)
	})
}
