package steps

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/nodeagent/failure"
	"scaleio-framework/scaleio"
)

// verifyVolume makes a volume and maps it to a host.
func verifyVolume(p nodeproto.VerifyVolumeParams) storageStep {
	exactly := func(name string) bool { return name == p.Volume }
	return storageStep{
		find: func(ctx context.Context, cli *scli) (any, bool, error) {
			volumes, err := cli.volumes(ctx, exactly)
			if err != nil || len(volumes) == 0 {
				return nil, false, err
			}
			return idResult{volumes[0].ID}, volumes[0].Mapped, nil
		},
		make: func(ctx context.Context, cli *scli) error {
			volumes, err := cli.volumes(ctx, exactly)
			if err != nil {
				return err
			}
			if len(volumes) == 0 {
				if err := cli.change(ctx, cli.build.AddVolume(p.ProtectionDomain, p.StoragePool, p.Volume, p.SizeGiB)); err != nil {
					return err
				}
			}
			if err := cli.change(ctx, cli.build.MapVolume(p.Volume, p.SDCAddress)); err != nil {
				return fmt.Errorf("map the volume to the SDC with address %s, which must be known to the MDM: look at scini on that host: %w", p.SDCAddress, err)
			}
			return nil
		},
	}
}

// verify removes the volumes of all attempts to make one.
func verify(p nodeproto.VerifyParams) storageStep {
	ours := func(name string) bool { return strings.HasPrefix(name, p.VolumePrefix) }
	return storageStep{
		find: func(ctx context.Context, cli *scli) (any, bool, error) {
			volumes, err := cli.volumes(ctx, ours)
			return nil, len(volumes) == 0, err
		},
		make: func(ctx context.Context, cli *scli) error {
			if p.VolumePrefix == "" {
				return failure.Hopelessf("parameters name no prefix: every volume would be removed")
			}
			volumes, err := cli.volumes(ctx, ours)
			if err != nil {
				return err
			}
			for _, v := range volumes {
				if err := cli.unmap(ctx, v); err != nil {
					return err
				}
				if err := cli.change(ctx, cli.build.RemoveVolume(v.Name)); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// volumes are those with such names.
func (s *scli) volumes(ctx context.Context, such func(name string) bool) ([]scaleio.SCLIVolume, error) {
	out, err := s.must(ctx, s.build.QueryVolumes())
	if err != nil {
		return nil, err
	}
	all, err := scaleio.ParseVolumes(out)
	return slices.DeleteFunc(all, func(v scaleio.SCLIVolume) bool { return !such(v.Name) }), err
}

// unmap takes a volume from all hosts. The command has had two names.
func (s *scli) unmap(ctx context.Context, v scaleio.SCLIVolume) error {
	if !v.Mapped {
		return nil
	}
	command := s.build.UnmapVolume(v.Name, s.byFile())
	res, _, err := s.do(ctx, command)
	if err == nil && res.Outcome == scaleio.OutcomeUsage {
		command = s.build.UnmapVolume(v.Name, !s.byFile())
		res, _, err = s.do(ctx, command)
	}
	if err != nil {
		return err
	}
	return res.Err(command)
}
