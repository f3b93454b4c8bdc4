package ebs

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// Attachments of an instance whose type does not tell its limit.
const (
	// Nitro: volumes (the root volume too), network interfaces and NVMe
	// instance store share 28.
	nitroAttachments = 28
	// Xen: Linux guests grow unreliable beyond about 40 with the root volume.
	xenAttachments = 39
)

// attachments returns how many attachments an instance may have, and how many
// of them are taken by what is no volume.
func attachments(t types.InstanceTypeInfo, networkInterfaces int) (limit, nonEBS int) {
	told, dedicated := 0, false
	if t.EbsInfo != nil {
		told = int(aws.ToInt32(t.EbsInfo.MaximumEbsAttachments))
		dedicated = t.EbsInfo.AttachmentLimitType == types.AttachmentLimitTypeDedicated
	}
	switch {
	case dedicated && told > 0:
		return told, 0
	case t.Hypervisor == types.InstanceTypeHypervisorXen:
		if told > 0 {
			return told, 0
		}
		return xenAttachments, 0
	case told > 0:
		return told, networkInterfaces + storeDisks(t)
	default:
		return nitroAttachments, networkInterfaces + storeDisks(t)
	}
}

// storeDisks counts the NVMe disks that come with the instance.
func storeDisks(t types.InstanceTypeInfo) int {
	if t.InstanceStorageInfo == nil || t.InstanceStorageInfo.NvmeSupport == types.EphemeralNvmeSupportUnsupported {
		return 0
	}
	count := 0
	for _, d := range t.InstanceStorageInfo.Disks {
		count += int(aws.ToInt32(d.Count))
	}
	return count
}
