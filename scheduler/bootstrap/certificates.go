package bootstrap

import (
	"encoding/json"
	"errors"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/internal/nodeproto"
)

// mdmAuthorityParams name the managers: their names stay when hosts replace
// each other.
func mdmAuthorityParams(t *turn, _ ref) (any, error) {
	var p nodeproto.MDMAuthorityParams
	for _, m := range t.managers() {
		p.Members = append(p.Members, m.Name)
	}
	return p, nil
}

// mdmAuthorityResult takes the authority over. Certificates of another one are
// made anew: the first MDM's host was replaced, or its folder was lost.
func mdmAuthorityResult(t *turn, _ ref, raw json.RawMessage) error {
	var r nodeproto.MDMAuthorityResult
	if err := json.Unmarshal(raw, &r); err != nil {
		return err
	}
	if r.Authority == "" {
		return errors.New("no authority")
	}
	t.cluster.MDMAuthority = r.Authority
	t.changed[""] = true
	for _, m := range t.managers() {
		t.certifyAgain(m.Host)
	}
	return nil
}

// certifyAgain opens a manager's mdm-certificate again when it is of another
// authority than the cluster's.
func (t *turn) certifyAgain(host string) {
	at := ref{host, nodeproto.StepMDMCertificate}
	step, has := t.step(at)
	var params nodeproto.MDMCertificateParams
	if !has || step.State != model.Done || json.Unmarshal(step.Params, &params) != nil || params.Authority == t.cluster.MDMAuthority {
		return
	}
	step.State, step.Failures, step.Reason = model.Pending, 0, "its authority was made anew"
	t.set(at, step)
	t.queue.add(at)
}

func mdmCertificateParams(t *turn, at ref) (any, error) {
	if t.cluster.MDMAuthority == "" {
		return nil, notNeeded{"step " + nodeproto.StepMDMAuthority + " was forced complete: give each MDM its certificate by hand, before the cluster is made"}
	}
	for _, m := range t.cluster.Members {
		if m.Host == at.host {
			return nodeproto.MDMCertificateParams{Member: m.Name, Authority: t.cluster.MDMAuthority, From: t.cluster.Members[0].Host}, nil
		}
	}
	return nil, errNotYet
}

// withBox is the way to a running mdm-certificate: the host of the authority is
// asked for a box to the step's host, and the answer takes it there. Nothing of
// it is stored; who repeats the step asks again. A host that lost its place as
// the first MDM gives none, and the step ends by saying so.
func (t *turn) withBox(at ref, step model.Step, command core.SendCommand) (core.SendCommand, bool) {
	var p nodeproto.MDMCertificateParams
	if err := json.Unmarshal(step.Params, &p); err != nil || p.From != t.cluster.Members[0].Host {
		return command, true
	}
	if !t.up(p.From) {
		return command, false
	}
	params, err := json.Marshal(nodeproto.SealedCertificateParams{Member: p.Member, Recipient: command.Address.PublicKey})
	if err != nil {
		return command, false // texts are always encoded
	}
	return core.SendCommand{
		Host: p.From, Address: t.live[p.From].address,
		Command: nodeproto.Command{Kind: nodeproto.Ask, Step: nodeproto.QuestionMDMCertificate + "/" + at.host, Attempt: step.Attempt, Params: params},
	}, true
}

// certificateGiven forwards a box. Without one the step is sent all the same:
// it finds its files in place, or ends by saying what is missing.
func (t *turn) certificateGiven(e core.NodeReported) {
	at := ref{ref{key: e.Report.Step}.object(), nodeproto.StepMDMCertificate}
	step, has := t.step(at)
	var p nodeproto.MDMCertificateParams
	switch {
	case !has || step.State != model.Running || step.Attempt != e.Report.Attempt || forced(step) || !t.up(step.Runner):
		return
	case json.Unmarshal(step.Params, &p) != nil || p.From != e.Host:
		return
	}
	var given nodeproto.SealedCertificate
	if e.Report.State == nodeproto.Done && json.Unmarshal(e.Report.Result, &given) != nil {
		return // the timer asks again
	}
	t.out.Do(core.SendCommand{
		Host: step.Runner, Address: t.live[step.Runner].address, Sealed: given.Box,
		Command: nodeproto.Command{Kind: nodeproto.Run, Step: at.key, Attempt: step.Attempt, Params: step.Params, Digest: step.Digest},
	})
}

// authorityLost forgets the authority with the host that made it: another one
// is the first MDM now. An attempt that is open there concerns files of that
// host alone, so the next one need not wait for it.
func (t *turn) authorityLost() {
	at := ref{"", nodeproto.StepMDMAuthority}
	step, has := t.step(at)
	if !has || step.State == model.Pending {
		return
	}
	delete(t.asked, at)
	step.State, step.Failures, step.NotBefore, step.Reason = model.Pending, 0, nil, "the first MDM is on another host"
	t.set(at, step)
	t.queue.add(at)
}
