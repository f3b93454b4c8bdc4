package growthtest

import (
	"encoding/json"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/internal/nodeproto"
)

// command is for the node agent of a host; one that is down answers nothing.
func (s *Site) command(e core.SendCommand) []core.Event {
	if s.Instances[e.Host].Down {
		return nil
	}
	return []core.Event{core.NodeReported{Host: e.Host, Report: s.Locate(e.Host, e.Command)}}
}

// Locate answers where the block device of a volume is on a host.
func (s *Site) Locate(host string, c nodeproto.Command) nodeproto.Report {
	if c.Kind != nodeproto.Ask || nodeproto.Name(c.Step) != nodeproto.QuestionLocate {
		s.wrong("command %s", c.Step)
	}
	var p nodeproto.LocateParams
	if err := json.Unmarshal(c.Params, &p); err != nil {
		s.wrong("locate: %v", err)
	}
	v := s.Volumes[p.Serial]
	if v == nil || v.Instance != s.Instances[host].ID || s.Hidden[v.ID] {
		return nodeproto.Report{Step: c.Step, Attempt: 1, State: nodeproto.Failed, Error: "no disk with serial number " + p.Serial}
	}
	raw, err := json.Marshal(s.disk(v))
	if err != nil {
		s.wrong("%v", err)
	}
	return nodeproto.Report{Step: c.Step, Attempt: 1, State: nodeproto.Done, Result: raw}
}

// disk is what a host sees of a volume that is attached to it.
func (s *Site) disk(v *Volume) model.Disk {
	return model.Disk{Path: "/dev/disk/by-id/" + v.ID, Size: int64(v.Request.SizeGiB) * GiB, Free: !s.IsDevice(v.ID), Serial: v.ID}
}

// DisksOf are the disks of a host, the volumes that are attached to it behind
// those that it has from the beginning.
func (s *Site) DisksOf(host string) []model.Disk {
	var disks []model.Disk
	for _, d := range s.Instances[host].Disks {
		if s.deviceAt(host, d.Path) {
			d.Free, d.Why = false, "it has a ScaleIO signature"
		}
		disks = append(disks, d)
	}
	for _, v := range s.sorted() {
		if v.Instance == s.Instances[host].ID && !s.Hidden[v.ID] {
			disks = append(disks, s.disk(v))
		}
	}
	return disks
}

func (s *Site) deviceAt(host, path string) bool {
	for _, p := range s.Pools {
		for _, d := range p.Devices {
			if d.Host == host && d.Path == path {
				return true
			}
		}
	}
	return false
}
