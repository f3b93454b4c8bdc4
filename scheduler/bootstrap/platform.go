package bootstrap

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/leader"
)

// A system of 4.x may have a management platform, which an operator brings and
// names by an option. Once it is known to serve this system it stands among the
// gateways of the cluster's record: whoever asks a gateway asks it. Storage is
// installed by scli all the same, since the platform may come long after.

// outfitPlatform follows the option, which may come, change and go with any
// leader. An attempt that runs is left to its end.
func (t *turn) outfitPlatform() {
	at, url := ref{"", core.StepManagementPlatform}, t.options.ManagementPlatform
	step, has := t.step(at)
	known := slices.ContainsFunc(t.cluster.Gateways, func(g model.Gateway) bool { return g.Platform() && g.URL == url })
	asked, _ := askedPlatform(step)
	switch {
	case t.removing():
		// The removal goes on through whatever it began with.
	case has && step.State == model.Running:
	case url == "":
		t.dropPlatform()
		if has && step.State != model.Skipped {
			t.skip(at, noPlatform)
		}
	case !has:
		t.add(at.key)
	case step.State == model.Pending:
	case asked == url && (step.State == model.Failed || step.State == model.Stuck || step.State == model.Done && known):
	default:
		step.State, step.Failures, step.Error, step.Reason, step.NotBefore = model.Pending, 0, "", "", nil
		t.set(at, step)
		t.queue.add(at)
	}
}

// noPlatform is why the step is skipped when the option is gone.
const noPlatform = "--gateway.management-platform is not given any more"

// askedPlatform is the URL of a step's last attempt.
func askedPlatform(step model.Step) (url string, ok bool) {
	var p core.ManagementPlatformParams
	if len(step.Params) == 0 || json.Unmarshal(step.Params, &p) != nil {
		return "", false
	}
	return p.URL, true
}

func platformParams(t *turn, _ ref) (any, error) {
	url := t.options.ManagementPlatform
	switch release := t.cluster.Release; {
	case url == "":
		return nil, notNeeded{noPlatform}
	case hasGateway(release):
		return nil, fmt.Errorf("the system is of release %s, which has gateways of its own: take --gateway.management-platform from every scheduler and restart them", orOld(release))
	case t.cluster.SystemID == "":
		return nil, fmt.Errorf("the id of this system is not known, so no platform can be proven to serve it: write it as system_id into %s (scli --query_all tells it), then order retry", leader.PathCluster)
	}
	return core.ManagementPlatformParams{URL: url, SystemID: t.cluster.SystemID}, nil
}

// orOld names a release that older records do not tell.
func orOld(release string) string {
	if release == "" {
		return "2.x or 3.x"
	}
	return release
}

func platformResult(t *turn, at ref, raw json.RawMessage) error {
	var r core.ManagementPlatformResult
	if err := json.Unmarshal(raw, &r); err != nil {
		return err
	}
	step, _ := t.step(at)
	url, ok := askedPlatform(step)
	if !ok {
		return errors.New("the step's parameters name no platform")
	}
	if url == t.options.ManagementPlatform {
		t.addGateway(model.Gateway{URL: url, CertificatePEM: r.CertificatePEM, SystemID: t.cluster.SystemID})
	}
	return nil
}

// dropPlatform takes the platform out of the cluster's record.
func (t *turn) dropPlatform() {
	if slices.ContainsFunc(t.cluster.Gateways, model.Gateway.Platform) {
		t.cluster.Gateways = slices.DeleteFunc(slices.Clone(t.cluster.Gateways), model.Gateway.Platform)
		t.changed[""] = true
	}
}
