package nodeagent_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/model"
	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/scaleio/scaleiotest"
)

// An EBS volume is found as the machine shows it, and never taken for another.
func TestAVolumeIsFoundOnItsHost(t *testing.T) {
	const size = 200 << 30
	link := func(t *testing.T, root, name, target string) {
		t.Helper()
		require.NoError(t, os.Symlink("../../"+target, filepath.Join(root, "dev/disk/by-id", name)))
	}
	noSerial := func(t *testing.T, root, name string) {
		t.Helper()
		require.NoError(t, os.Remove(filepath.Join(root, "sys/block", name, "device/serial")))
	}
	for name, c := range map[string]struct {
		disks  []scaleiotest.Disk
		spoil  func(t *testing.T, root string)
		device string // asked for at the attachment
		want   string // empty: not found
		err    string
	}{
		"on Nitro by its serial number, whatever the name": {
			disks:  []scaleiotest.Disk{{Name: "nvme1n1", SizeBytes: size, Serial: "vol-0def"}, {Name: "nvme2n1", SizeBytes: size, Serial: "vol-0abc"}},
			device: "/dev/sdf", want: "/dev/nvme2n1",
		},
		"not by a link left over from another disk": {
			disks: []scaleiotest.Disk{{Name: "nvme1n1", SizeBytes: size, Serial: "vol-0def"}},
			spoil: func(t *testing.T, root string) {
				require.NoError(t, os.Remove(filepath.Join(root, "dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol0def")))
				link(t, root, "nvme-Amazon_Elastic_Block_Store_vol0abc", "nvme1n1")
			},
			err: "no disk with serial number vol-0abc",
		},
		"by its link where the kernel tells no serial number": {
			disks: []scaleiotest.Disk{{Name: "nvme1n1", SizeBytes: size, Serial: "vol-0abc"}},
			spoil: func(t *testing.T, root string) { noSerial(t, root, "nvme1n1") },
			want:  "/dev/nvme1n1",
		},
		"on Xen by the name that follows from the one asked for": {
			disks:  []scaleiotest.Disk{{Name: "xvdb", SizeBytes: size}, {Name: "xvdf", SizeBytes: size}},
			device: "/dev/sdf", want: "/dev/xvdf",
		},
		"on Xen by the very name": {
			disks:  []scaleiotest.Disk{{Name: "xvdba", SizeBytes: size}},
			device: "/dev/xvdba", want: "/dev/xvdba",
		},
		"not on Xen under another name": {
			disks:  []scaleiotest.Disk{{Name: "xvdff", SizeBytes: size}},
			device: "/dev/sdf", err: "no disk with serial number vol-0abc",
		},
		"not by a name that means nothing outside Xen": {
			disks:  []scaleiotest.Disk{{Name: "sdf", SizeBytes: size}, {Name: "nvme1n1", SizeBytes: size, Serial: "vol-0def"}},
			device: "/dev/sdf", err: "no disk with serial number vol-0abc",
		},
		"not when two disks say so": {
			disks: []scaleiotest.Disk{{Name: "nvme1n1", SizeBytes: size, Serial: "vol-0abc"}, {Name: "nvme2n1", SizeBytes: size, Serial: "vol0abc"}},
			err:   "2 disks carry the serial number",
		},
	} {
		t.Run(name, func(t *testing.T) {
			h, l := newHost(t), newLeader(t)
			for _, d := range c.disks {
				require.NoError(t, scaleiotest.AddDisk(h.root, d))
			}
			if c.spoil != nil {
				c.spoil(t, h.root)
			}
			agent, _ := h.agent(l)
			question := command(1, nodeproto.QuestionLocate+"/vol-0abc", 1, nodeproto.LocateParams{Serial: "vol-0abc", Device: c.device})
			question.Kind = nodeproto.Ask
			agent.HandleMessage(data(question))
			answer := l.wait("answer", func(s sent) bool { return s.Report != nil && nodeproto.Name(s.Report.Step) == nodeproto.QuestionLocate })
			if c.err != "" {
				require.Equal(t, nodeproto.Failed, answer.Report.State)
				require.Contains(t, answer.Report.Error, c.err)
				return
			}
			require.Equal(t, nodeproto.Done, answer.Report.State, answer.Report.Error)
			var disk model.Disk
			require.NoError(t, json.Unmarshal(answer.Report.Result, &disk))
			require.Equal(t, c.want, disk.Device)
		})
	}
}

// A host that made no authority says so, to the question that asks it for a
// certificate, and one that cannot be read is refused.
func TestAHostWithoutAuthorityGivesNoCertificate(t *testing.T) {
	h, l := newHost(t), newLeader(t)
	agent, _ := h.agent(l)
	question := command(1, nodeproto.QuestionMDMCertificate+"/b", 1, nodeproto.SealedCertificateParams{Member: "mdm2", Recipient: "key"})
	question.Kind = nodeproto.Ask
	agent.HandleMessage(data(question))
	answer := l.wait("answer", func(s sent) bool { return s.Report != nil })
	require.Equal(t, question.Step, answer.Report.Step)
	require.Equal(t, nodeproto.Failed, answer.Report.State)
	require.Contains(t, answer.Report.Error, "certificate of mdm2: read /opt/emc/scaleio/mdm/cfg/authority/mgmt_ca.pem")
	require.Empty(t, answer.Report.Result)
}
