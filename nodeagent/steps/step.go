package steps

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/internal/redact"
	"scaleio-framework/nodeagent/failure"
)

// Step is one piece of work on the host.
type Step interface {
	// Detect reports whether the result is there already. It changes nothing.
	Detect(ctx context.Context) (bool, error)
	// Apply makes the result, whatever an interrupted Apply left behind.
	Apply(ctx context.Context) error
	// Verify queries the result, which is there by Detect's or Apply's word,
	// and returns what the report carries; nil for nothing.
	Verify(ctx context.Context) (any, error)
}

// Resource is something of the host that one step at a time may use.
type Resource string

const (
	// Shared is no resource: such steps run beside all others.
	Shared Resource = ""
	// PackageManager is dpkg's or rpm's database.
	PackageManager Resource = "the package manager"
	// SCLI is the scli login of the host, which is one session file.
	SCLI Resource = "scli"
)

// Resources lists what needs a lock.
func Resources() []Resource { return []Resource{PackageManager, SCLI} }

// Request names a step and what it is to do.
type Request struct {
	Step    string
	Params  json.RawMessage
	Secrets map[string]redact.Secret
	Sources []string
}

// Plan is a step that is ready to run.
type Plan struct {
	// Timeout bounds the whole step.
	Timeout time.Duration
	// Resource must be held while the step runs.
	Resource Resource
	step     Step
}

// Run detects, applies where that is needed, and verifies.
func (p Plan) Run(ctx context.Context) (result any, changed bool, err error) {
	satisfied, err := p.step.Detect(ctx)
	if err != nil {
		return nil, false, err
	}
	if !satisfied {
		if err := p.step.Apply(ctx); err != nil {
			return nil, true, err
		}
	}
	result, err = p.step.Verify(ctx)
	return result, !satisfied, err
}

// Look detects, and verifies what is satisfied.
func (p Plan) Look(ctx context.Context) (result any, satisfied bool, err error) {
	satisfied, err = p.step.Detect(ctx)
	if err != nil || !satisfied {
		return nil, false, err
	}
	result, err = p.step.Verify(ctx)
	return result, true, err
}

// Times that steps may take. They are generous: they end what hangs, and the
// leader decides about what is slow.
const (
	shortTime   = 5 * time.Minute
	packageTime = 30 * time.Minute // a download and an installation
	gatewayTime = 15 * time.Minute // a gateway takes minutes to start
	restartTime = 15 * time.Minute // the Mesos agent recovers its tasks, twice when its flags are taken back
)

// Prepare finds a step and reads its parameters.
func (h *Host) Prepare(r Request) (Plan, error) {
	plan, err := h.plan(r)
	if err != nil {
		return Plan{}, failure.Hopeless(fmt.Errorf("step %s: %w", r.Step, err))
	}
	return plan, nil
}

func (h *Host) plan(r Request) (Plan, error) {
	switch nodeproto.Name(r.Step) {
	case nodeproto.StepPrerequisites:
		return planned(r, packageTime, PackageManager, h.prerequisites)
	case nodeproto.StepMDMPackage, nodeproto.StepSDSPackage, nodeproto.StepLIAPackage,
		nodeproto.StepGatewayPackage, nodeproto.StepSDCPackage, nodeproto.StepActiveMQPackage:
		return planned(r, packageTime, PackageManager, h.component)
	case nodeproto.StepMDMRemove:
		return planned(r, packageTime, PackageManager, h.mdmRemove)
	case nodeproto.StepLIAID:
		return planned(r, shortTime, Shared, h.liaID)
	case nodeproto.StepGatewayConfigure:
		return planned(r, gatewayTime, Shared, h.gatewayConfigure)
	case nodeproto.StepVolumeDriver:
		return planned(r, packageTime, PackageManager, h.volumeDriver)
	case nodeproto.StepVolumeDriverEndpoint:
		return planned(r, shortTime, Shared, h.driverEndpoint)
	case nodeproto.StepIsolator:
		return planned(r, shortTime, Shared, h.isolator)
	case nodeproto.StepAgentRestart:
		return planned(r, restartTime, Shared, h.agentRestart)
	case nodeproto.StepMDMAuthority:
		return planned(r, shortTime, Shared, h.mdmAuthority)
	case nodeproto.StepMDMCertificate:
		return planned(r, shortTime, SCLI, h.mdmCertificate)
	case nodeproto.StepCreateCluster:
		return planned(r, shortTime, SCLI, h.createCluster)
	case nodeproto.StepAddStandbyMDM:
		return planned(r, shortTime, SCLI, h.addStandbyMDM)
	case nodeproto.StepSwitchClusterMode:
		return planned(r, shortTime, SCLI, h.switchClusterMode)
	case nodeproto.StepRenameSystem:
		return planned(r, shortTime, SCLI, h.renameSystem)
	case nodeproto.StepProtectionDomains, nodeproto.StepFaultSets, nodeproto.StepStoragePools, nodeproto.StepSparePolicy,
		nodeproto.StepAddSDS, nodeproto.StepAddDevices, nodeproto.StepVerifyVolume, nodeproto.StepVerify:
		return h.storagePlan(r)
	}
	return h.removalPlan(r)
}

// removalPlan finds the steps that take away what the others made.
func (h *Host) removalPlan(r Request) (Plan, error) {
	switch nodeproto.Name(r.Step) {
	case nodeproto.StepRestoreAgentFlags:
		return planned(r, shortTime, Shared, h.restoreFlags)
	case nodeproto.StepRestoreAgent:
		return planned(r, restartTime, Shared, h.agentRestart)
	case nodeproto.StepRemoveVolumeDriver:
		return planned(r, packageTime, PackageManager, h.removeDriver)
	case nodeproto.StepRemoveSDCPackage, nodeproto.StepRemoveSDSPackage, nodeproto.StepRemoveGatewayPackage,
		nodeproto.StepRemoveMDMPackage, nodeproto.StepRemoveLIAPackage, nodeproto.StepRemoveActiveMQPackage:
		return planned(r, packageTime, PackageManager, h.removePackage)
	case nodeproto.StepShrinkClusterMode:
		return planned(r, shortTime, SCLI, h.shrinkCluster)
	case nodeproto.StepRemoveStandbyMDM:
		return planned(r, shortTime, SCLI, h.removeStandby)
	case nodeproto.StepRemoveTraces:
		return planned(r, shortTime, Shared, h.removeTraces)
	}
	return Plan{}, errors.New("this node agent knows no such step: run schedulers and node agents of one release")
}

// planned decodes the parameters that a step's maker takes. Unknown fields are
// an error: a parameter that is not understood must not be ignored.
func planned[P any](r Request, timeout time.Duration, resource Resource, maker func(P, Request) (Step, error)) (Plan, error) {
	var params P
	decoder := json.NewDecoder(bytes.NewReader(r.Params))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&params); err != nil {
		return Plan{}, fmt.Errorf("parameters: %w", err)
	}
	step, err := maker(params, r)
	if err != nil {
		return Plan{}, err
	}
	return Plan{Timeout: timeout, Resource: resource, step: step}, nil
}
