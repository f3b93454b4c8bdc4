package nodeagent

import (
	"context"
	"encoding/json"
	"fmt"
	"path"
	"strings"

	"scaleio-framework/internal/model"
	"scaleio-framework/internal/nodeproto"
)

// answer answers a question beside the loop, since looking at disks takes
// time.
func (a *Agent) answer(ctx context.Context, c nodeproto.Command) {
	switch nodeproto.Name(c.Step) {
	case nodeproto.QuestionInventory:
		a.sendInventory(ctx)
	case nodeproto.QuestionLocate:
		a.work.Go(func() { a.reply(ctx, c, func() (any, error) { return a.findDisk(ctx, c.Params) }) })
	case nodeproto.QuestionMDMCertificate:
		a.work.Go(func() { a.reply(ctx, c, func() (any, error) { return a.sealCertificate(c.Params) }) })
	default:
		a.refuse(nodeproto.Malformed, c, fmt.Sprintf("question %q is not known: run schedulers and node agents of one release", c.Step))
	}
}

// reply answers a question with a report.
func (a *Agent) reply(ctx context.Context, c nodeproto.Command, find func() (any, error)) {
	report := nodeproto.Report{Step: c.Step, Attempt: max(c.Attempt, 1), State: nodeproto.Done}
	result, err := find()
	if err == nil {
		report.Result, err = json.Marshal(result)
	}
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		report.State, report.Error = nodeproto.Failed, nodeproto.Shorten(err.Error())
	}
	a.outbox.send(nodeproto.Envelope{Report: &report})
}

// sealCertificate gives an MDM's certificate to the node agent of its host
// alone.
func (a *Agent) sealCertificate(params json.RawMessage) (nodeproto.SealedCertificate, error) {
	var p nodeproto.SealedCertificateParams
	if err := json.Unmarshal(params, &p); err != nil {
		return nodeproto.SealedCertificate{}, fmt.Errorf("parameters of the question: %w", err)
	}
	sealed, err := a.host.SealCertificate(p)
	if err != nil {
		a.log.Warn("a certificate cannot be given", "member", p.Member, "error", err)
		return sealed, fmt.Errorf("certificate of %s: %w", p.Member, err)
	}
	return sealed, nil
}

// findDisk finds a disk by its serial number, or on Xen by its name.
func (a *Agent) findDisk(ctx context.Context, params json.RawMessage) (model.Disk, error) {
	var p nodeproto.LocateParams
	if err := json.Unmarshal(params, &p); err != nil || p.Serial == "" {
		return model.Disk{}, fmt.Errorf("locate: the question names no serial number")
	}
	found, err := a.inventory.Collect(ctx)
	if err != nil {
		return model.Disk{}, fmt.Errorf("locate: %w", err)
	}
	want := plainSerial(p.Serial)
	var matches []model.Disk
	for _, d := range found.Disks {
		if carries(d, want) {
			matches = append(matches, d)
		}
	}
	if len(matches) == 0 {
		matches = onXen(found.Disks, p.Device)
	}
	switch len(matches) {
	case 0:
		return model.Disk{}, fmt.Errorf("locate: no disk with serial number %s is on this host", p.Serial)
	case 1:
		return matches[0], nil
	default:
		return model.Disk{}, fmt.Errorf("locate: %d disks carry the serial number %s", len(matches), p.Serial)
	}
}

// carries reports whether a disk has a serial number. What the kernel tells
// decides: a link may be a left-over of another disk. Only where the kernel
// tells none, the stable path says it by its end.
func carries(d model.Disk, want string) bool {
	if told := plainSerial(d.Serial); told != "" {
		return told == want
	}
	return strings.HasSuffix(plainSerial(path.Base(d.Path)), "_"+want)
}

// onXen are the disks that appeared under the name asked for: Xen shows
// /dev/sdf as /dev/xvdf, without a serial number. Other machines have no disks
// of such names.
func onXen(disks []model.Disk, device string) []model.Disk {
	base := path.Base(device)
	letters, ok := strings.CutPrefix(base, "sd")
	if !ok {
		letters, ok = strings.CutPrefix(base, "xvd")
	}
	if !ok {
		return nil
	}
	var matches []model.Disk
	for _, d := range disks {
		if d.Device == "/dev/xvd"+letters && plainSerial(d.Serial) == "" {
			matches = append(matches, d)
		}
	}
	return matches
}

func plainSerial(s string) string {
	return strings.ToLower(strings.ReplaceAll(strings.TrimSpace(s), "-", ""))
}
