package app

import (
	"scaleio-framework/internal/core"
	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/scheduler/bootstrap"
	"scaleio-framework/scheduler/fleet"
	"scaleio-framework/storagegrowth"
)

// cores returns the maker of the cores, in the order in which they are given
// events: fleet first, since bootstrap writes below its records. Bad options
// are found here, before the term begins to act.
func (a *App) cores() (func() []core.Core, error) {
	fleetOptions := a.fleetOptions()
	bootstrapOptions := a.bootstrapOptions()
	growthOptions, err := a.growthOptions()
	if err != nil {
		return nil, err
	}
	if _, err := fleet.New(fleetOptions); err != nil {
		return nil, err
	}
	if _, err := bootstrap.New(bootstrapOptions); err != nil {
		return nil, err
	}
	if _, err := storagegrowth.New(growthOptions); err != nil {
		return nil, err
	}
	return func() []core.Core {
		f, err1 := fleet.New(fleetOptions)
		b, err2 := bootstrap.New(bootstrapOptions)
		g, err3 := storagegrowth.New(growthOptions)
		if err1 != nil || err2 != nil || err3 != nil {
			return nil // the options were checked above and have not changed
		}
		return []core.Core{f, b, g}
	}, nil
}

func (a *App) fleetOptions() fleet.Options {
	o := fleet.DefaultOptions()
	o.NodeAgent = fleet.Artifact{URI: a.agentURI(), SHA256: a.catalog.AgentSHA256}
	// An offer is held for as long as placement may take to decide about it.
	o.HoldOffers = max(o.HoldOffers, 2*a.cfg.Placement.Settle)
	return o
}

func (a *App) bootstrapOptions() bootstrap.Options {
	c := a.cfg
	o := bootstrap.DefaultOptions()
	o.MDMNodes, o.Settle = c.Placement.MDMNodes, c.Placement.Settle
	o.PersonaAttribute, o.FaultSetAttribute = c.Placement.PersonaAttribute, c.Placement.FaultSetAttribute
	o.MDM = bootstrap.Resources{CPUs: c.Executor.MDMCPUs, MemoryMB: c.Executor.MDMMemoryMB}
	o.Storage = bootstrap.Resources{CPUs: c.Executor.OtherCPUs, MemoryMB: c.Executor.OtherMemory}
	o.SystemName, o.AdminUsername = c.ScaleIO.ClusterName, c.ScaleIO.User
	o.ProtectionDomain, o.StoragePool = c.ScaleIO.ProtectionDomain, c.ScaleIO.StoragePool
	o.MediaType, o.ZeroPadding = c.ScaleIO.MediaType, c.ScaleIO.ZeroPadding
	o.MaxFailures, o.RetryBackoff = c.ScaleIO.MaxFailures, c.ScaleIO.RetryBackoff
	o.RetryBackoffMax = max(o.RetryBackoffMax, o.RetryBackoff)
	o.DevicePattern, o.DeviceDeny, o.DeviceTestMode = c.Devices.Pattern, c.Devices.Deny, c.Devices.TestMode
	o.GatewayPort, o.GatewayHTTPPort, o.BypassCertificateCheck = c.Gateway.Port, c.Gateway.HTTPPort, c.Gateway.BypassCertificateCheck
	o.ManagementPlatform = c.Gateway.ManagementPlatform
	if sdc := (nodeproto.DriverSource{
		Repository: c.SDC.Repository, User: c.SDC.User, RepositoryKey: c.SDC.RepositoryKey, CheckSignature: c.SDC.CheckSignature, Build: c.SDC.Build,
	}); sdc != (nodeproto.DriverSource{}) {
		o.Driver = &sdc
	}
	o.GatewayTimeout = max(o.GatewayTimeout, 2*c.Gateway.Timeout)
	o.Isolator, o.AgentService, o.VolumeDriver = c.Volumes.Isolator, c.Volumes.AgentService, c.Volumes.Driver
	o.SchedulerHost = c.REST.Host
	o.InstallPrerequisites = c.Executor.InstallPrerequisites
	o.Unpack, o.WithoutSDC = c.Executor.Unpack, c.Executor.WithoutSDC
	for _, f := range a.catalog.Packages {
		o.Packages = append(o.Packages, bootstrap.Package{
			Component: f.Component, OSID: f.OSID, OSVersion: f.OSVersion, Family: f.Family,
			Name: f.Package, Version: f.Version,
			Artifact: nodeproto.Artifact{Path: f.Path, URL: f.URL, SHA256: f.SHA256, Size: f.Size},
		})
	}
	return o
}
