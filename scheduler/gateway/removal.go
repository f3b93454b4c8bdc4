package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/scaleio"
)

// removalSteps are the steps by which a system is taken away. Each asks first
// what is there, and takes what is gone for done.
func removalSteps() map[string]step {
	return map[string]step{
		core.StepRemovalCheck:            removalCheck,
		core.StepRemoveVolumes:           removeVolumes,
		core.StepRemoveSDS:               removeSDS,
		core.StepRemoveStoragePools:      removeStoragePool,
		core.StepRemoveFaultSets:         removeFaultSet,
		core.StepRemoveProtectionDomains: removeProtectionDomain,
	}
}

// maxBlocking is how many volumes an error names.
const maxBlocking = 10

// blocking says which volumes forbid a removal: those that are mapped, by the
// SDCs that see them, and without allowed every one that the framework did not
// make.
func blocking(ctx context.Context, c *scaleio.Client, prefix string, allowed bool) ([]string, error) {
	volumes, err := c.Volumes(ctx)
	if err != nil {
		return nil, err
	}
	var texts []string
	for _, v := range volumes {
		switch {
		case strings.HasPrefix(v.Name, prefix): // ours, for a proof
		case len(v.Mapped) > 0:
			texts = append(texts, fmt.Sprintf("volume %s is mapped to SDC %s", nameOf(v), mappedTo(v)))
		case !allowed:
			texts = append(texts, fmt.Sprintf("volume %s exists", nameOf(v)))
		}
	}
	slices.Sort(texts)
	return texts, nil
}

func nameOf(v scaleio.Volume) string {
	if v.Name == "" {
		return v.ID
	}
	return v.Name
}

func mappedTo(v scaleio.Volume) string {
	var all []string
	for _, m := range v.Mapped {
		if m.SDCIP != "" {
			all = append(all, m.SDCIP)
		} else {
			all = append(all, m.SDCID)
		}
	}
	return strings.Join(all, ", ")
}

// refuse says that an operator must do something about volumes first. It is
// looked at again and again, and does not count as a failure.
func refuse(texts []string) error {
	if len(texts) == 0 {
		return nil
	}
	named := texts[:min(len(texts), maxBlocking)]
	text := strings.Join(named, "; ")
	if more := len(texts) - len(named); more > 0 {
		text += fmt.Sprintf("; and %d more", more)
	}
	return notYet{text + ": unmap and remove the volumes, or cancel the removal and order it with other options"}
}

func removalCheck(ctx context.Context, c *scaleio.Client, raw json.RawMessage) (any, error) {
	p, err := params[core.RemovalCheckParams](raw)
	if err != nil {
		return nil, err
	}
	if err := needPrefix(p.VolumePrefix); err != nil {
		return nil, err
	}
	texts, err := blocking(ctx, c, p.VolumePrefix, p.AllowVolumes)
	if err != nil {
		return nil, err
	}
	return struct{}{}, refuse(texts)
}

// Blocking says which volumes would hold a removal up now, through the first
// gateway that answers. Nothing is changed.
func (p *Performer) Blocking(ctx context.Context, gateways []model.Gateway, check core.RemovalCheckParams) ([]string, error) {
	var texts []string
	call := core.GatewayCall{Step: core.StepRemovalCheck, Gateways: gateways}
	_, err := p.throughAny(ctx, call, func(ctx context.Context, c *scaleio.Client, _ json.RawMessage) (any, error) {
		var err error
		texts, err = blocking(ctx, c, check.VolumePrefix, check.AllowVolumes)
		return nil, err
	})
	if err != nil {
		return nil, errors.New(p.mask(err.Error()))
	}
	return texts, nil
}

func needPrefix(prefix string) error {
	if prefix == "" {
		return hopeless{errors.New("no volume_prefix is given, which would mean every volume")}
	}
	return nil
}

// removeVolumes never unmaps what the framework did not map.
func removeVolumes(ctx context.Context, c *scaleio.Client, raw json.RawMessage) (any, error) {
	p, err := params[core.RemoveVolumesParams](raw)
	if err != nil {
		return nil, err
	}
	if err := removeOwnVolumes(ctx, c, p.VolumePrefix); err != nil {
		return nil, err
	}
	texts, err := blocking(ctx, c, p.VolumePrefix, p.All)
	if err != nil {
		return nil, err
	}
	if err := refuse(texts); err != nil {
		return nil, err
	}
	volumes, err := c.Volumes(ctx)
	if err != nil {
		return nil, err
	}
	for _, v := range volumes {
		if _, err := c.EnsureVolumeRemoved(ctx, v.ID); err != nil {
			return nil, fmt.Errorf("remove volume %s: %w", nameOf(v), err)
		}
	}
	return struct{}{}, nil
}

// removeOwnVolumes unmaps and removes the test volumes.
func removeOwnVolumes(ctx context.Context, c *scaleio.Client, prefix string) error {
	if err := needPrefix(prefix); err != nil {
		return err
	}
	volumes, err := c.Volumes(ctx)
	if err != nil {
		return err
	}
	for _, v := range volumes {
		if !strings.HasPrefix(v.Name, prefix) {
			continue
		}
		for _, mapped := range v.Mapped {
			if _, err := c.EnsureUnmapped(ctx, v.ID, mapped.SDCID); err != nil {
				return fmt.Errorf("unmap volume %s from SDC %s: %w", v.Name, mapped.SDCID, err)
			}
		}
		if _, err := c.EnsureVolumeRemoved(ctx, v.ID); err != nil {
			return fmt.Errorf("remove volume %s: %w", v.Name, err)
		}
	}
	return nil
}

func removeSDS(ctx context.Context, c *scaleio.Client, raw json.RawMessage) (any, error) {
	p, err := params[core.RemoveSDSParams](raw)
	if err != nil {
		return nil, err
	}
	if err := noVolumes(ctx, c, p.VolumePrefix); err != nil {
		return nil, err
	}
	return struct{}{}, takeSDS(ctx, c, p.Name)
}

// noVolumes makes sure that there is no volume whose data would have to go
// somewhere: one may have been made since they were removed.
func noVolumes(ctx context.Context, c *scaleio.Client, prefix string) error {
	if err := removeOwnVolumes(ctx, c, prefix); err != nil {
		return err
	}
	texts, err := blocking(ctx, c, prefix, false)
	if err != nil {
		return err
	}
	return refuse(texts)
}

func takeSDS(ctx context.Context, c *scaleio.Client, name string) error {
	gone, err := c.EnsureSDSRemoved(ctx, name)
	if err == nil && !gone {
		err = notYet{"SDS " + name + " is being removed"}
	}
	return err
}

func removeStoragePool(ctx context.Context, c *scaleio.Client, raw json.RawMessage) (any, error) {
	p, err := params[core.RemoveStoragePoolParams](raw)
	if err != nil {
		return nil, err
	}
	domain, err := c.FindProtectionDomain(ctx, p.ProtectionDomain)
	if err != nil || domain == nil {
		return struct{}{}, err
	}
	if err := noVolumes(ctx, c, p.VolumePrefix); err != nil {
		return nil, err
	}
	return struct{}{}, c.EnsureStoragePoolRemoved(ctx, domain.ID, p.StoragePool)
}

func removeFaultSet(ctx context.Context, c *scaleio.Client, raw json.RawMessage) (any, error) {
	p, err := params[core.RemoveFaultSetParams](raw)
	if err != nil {
		return nil, err
	}
	domain, err := c.FindProtectionDomain(ctx, p.ProtectionDomain)
	if err != nil || domain == nil {
		return struct{}{}, err
	}
	return struct{}{}, c.EnsureFaultSetRemoved(ctx, domain.ID, p.Name)
}

// removeProtectionDomain also removes what a leader that slept made in the
// domain since its removal.
func removeProtectionDomain(ctx context.Context, c *scaleio.Client, raw json.RawMessage) (any, error) {
	p, err := params[core.RemoveProtectionDomainParams](raw)
	if err != nil {
		return nil, err
	}
	domain, err := c.FindProtectionDomain(ctx, p.Name)
	if err != nil || domain == nil {
		return struct{}{}, err
	}
	if err := noVolumes(ctx, c, p.VolumePrefix); err != nil {
		return nil, err
	}
	for _, name := range p.SDSs {
		if err := takeSDS(ctx, c, name); err != nil {
			return nil, err
		}
	}
	for _, name := range p.StoragePools {
		if err := c.EnsureStoragePoolRemoved(ctx, domain.ID, name); err != nil {
			return nil, err
		}
	}
	for _, name := range p.FaultSets {
		if err := c.EnsureFaultSetRemoved(ctx, domain.ID, name); err != nil {
			return nil, err
		}
	}
	return struct{}{}, c.EnsureProtectionDomainRemoved(ctx, p.Name)
}
