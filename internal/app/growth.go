package app

import (
	"context"
	"fmt"
	"os"
	"time"

	"scaleio-framework/internal/config"
	"scaleio-framework/storagegrowth"
	"scaleio-framework/storagegrowth/cloud"
	"scaleio-framework/storagegrowth/ebs"
)

// growthOptions turns the settings into the core's options.
func (a *App) growthOptions() (storagegrowth.Options, error) {
	g := a.cfg.Growth
	o := storagegrowth.DefaultOptions()
	o.Policy = storagegrowth.Policy{
		Enabled:  g.Provider != config.ProviderOff,
		Provider: storagegrowth.ProviderManual,
		// Settings are percent, as the pools' own alert thresholds are.
		Threshold: float64(g.Threshold) / 100, Target: float64(g.Target) / 100,
		For: g.For, Interval: g.Interval, Cooldown: g.Cooldown, Forecast: g.Forecast,
		VolumeSizeGiB: g.VolumeSizeGiB, MaxPoolSizeGiB: g.MaxPoolSizeGiB, MaxGiBPerDay: g.MaxGiBPerDay,
		MaxVolumesPerNode: g.MaxVolumesPerNode, ReservedAttachments: g.ReservedAttachments,
		Approval: g.Approval, VolumeType: g.VolumeType, IOPS: g.IOPS, Throughput: g.Throughput,
		KMSKeyID: g.KMSKeyID, Tags: g.Tags, AdjustSpare: g.AdjustSpare,
	}
	if g.Provider == config.ProviderAWS {
		o.Policy.Provider = storagegrowth.ProviderAWS
	}
	if g.PolicyFile == "" {
		return o, nil
	}
	data, err := os.ReadFile(g.PolicyFile)
	if err != nil {
		return o, fmt.Errorf("--growth.policy-file: %w", err)
	}
	if o.Overrides, err = storagegrowth.ParsePolicyFile(data); err != nil {
		return o, fmt.Errorf("--growth.policy-file %s: %w", g.PolicyFile, err)
	}
	return o, nil
}

// providerTimeout bounds the look for credentials and region; it is made of
// files and environment, and of the instance's metadata.
const providerTimeout = 10 * time.Second

// provider is where volumes come from; nil where an operator brings the disks.
func (a *App) provider() (cloud.Cloud, error) {
	if a.cfg.Growth.Provider != config.ProviderAWS {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), providerTimeout)
	defer cancel()
	return ebs.New(ctx, ebs.Options{Region: a.cfg.AWS.Region, Endpoint: a.cfg.AWS.Endpoint, Logger: a.logger})
}
