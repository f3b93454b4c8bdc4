package storagegrowth

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"scaleio-framework/scaleio"
)

// The providers of new volumes.
const (
	// ProviderAWS makes EBS volumes.
	ProviderAWS = "aws"
	// ProviderManual asks the operator for disks and waits for them.
	ProviderManual = "manual"
)

// The modes of Policy.Approval.
const (
	// ApprovalAuto grows without asking.
	ApprovalAuto = "auto"
	// ApprovalManual shows a preview and waits for an operator.
	ApprovalManual = "manual"
)

const (
	gib    = 1 << 30
	gibKiB = 1 << 20
	// maxVolumeGiB is the largest EBS volume that every volume type offers
	// (16 TiB); newer, larger ones are refused here, as ScaleIO's devices are
	// smaller anyhow.
	maxVolumeGiB = 16384
	// maxPolicyTags and maxTagBytes bound what tags add to each slot of a
	// record; see slotsPerRecord.
	maxPolicyTags = 12
	maxTagBytes   = 384
	// maxReadings is how many readings of a pool are kept in memory.
	maxReadings = 240
)

// Policy says when and how a pool grows. It never changes a growth that was
// decided before.
type Policy struct {
	// Enabled lets growths begin; off, pools are watched and open growths go
	// on. Default true.
	Enabled bool `json:"enabled"`
	// Provider is aws or manual. Default aws.
	Provider string `json:"provider"`
	// Threshold is the fullness, 0 to 1, from which the pool grows. Default
	// 0.80. It must be below the pool's own critical threshold, which is
	// compared with each reading.
	Threshold float64 `json:"threshold"`
	// For is how long the threshold must be exceeded in every reading. Default
	// 5 minutes; at most 200 intervals.
	For time.Duration `json:"for"`
	// Target is the fullness after a growth. Default 0.65; below Threshold.
	Target float64 `json:"target"`
	// Interval is the time between two readings. Default 1 minute.
	Interval time.Duration `json:"interval"`
	// Cooldown is the least time between the end of a growth and the beginning
	// of the next one of the pool. Default 15 minutes.
	Cooldown time.Duration `json:"cooldown"`
	// VolumeSizeGiB is the size of each new volume; 0, the default, takes as few
	// and as small volumes as reach the target, in steps of 8 GiB.
	VolumeSizeGiB int `json:"volume_size_gib"`
	// MaxPoolSizeGiB bounds the raw capacity of the pool; 0, the default, does
	// not.
	MaxPoolSizeGiB int `json:"max_pool_size_gib"`
	// MaxVolumesPerNode bounds the volumes that growths add to one node, over
	// all pools. Default 16; 0 does not bound them.
	MaxVolumesPerNode int `json:"max_volumes_per_node"`
	// ReservedAttachments are the attachments of each instance that growths
	// leave free. Default 2.
	ReservedAttachments int `json:"reserved_attachments"`
	// MaxGiBPerDay bounds what all growths together add in a UTC day. Default
	// 32768; 0 does not bound it. It cannot differ by pool.
	MaxGiBPerDay int `json:"max_gib_per_day"`
	// Approval is auto or manual. Default auto.
	Approval string `json:"approval"`
	// VolumeType, IOPS, Throughput (MiB/s), KMSKeyID and Tags go into the
	// requests. Default gp3 with its own IOPS and throughput. With a key the
	// volumes are encrypted.
	VolumeType string            `json:"volume_type"`
	IOPS       int               `json:"iops"`
	Throughput int               `json:"throughput"`
	KMSKeyID   string            `json:"kms_key_id"`
	Tags       map[string]string `json:"tags"`
	// Forecast lets a pool grow that would be full sooner than this, whatever
	// the threshold says; 0, the default, does not.
	Forecast time.Duration `json:"forecast"`
	// AdjustSpare raises the pool's spare percentage where it is below the
	// share of the largest fault unit. Default false: it is only reported.
	AdjustSpare bool `json:"adjust_spare"`
}

// DefaultPolicy is the policy without any flag.
func DefaultPolicy() Policy {
	return Policy{
		Enabled:             true,
		Provider:            ProviderAWS,
		Threshold:           0.80,
		For:                 5 * time.Minute,
		Target:              0.65,
		Interval:            time.Minute,
		Cooldown:            15 * time.Minute,
		MaxVolumesPerNode:   16,
		ReservedAttachments: 2,
		MaxGiBPerDay:        32768,
		Approval:            ApprovalAuto,
		VolumeType:          "gp3",
	}
}

// volumeTypes are the EBS volume types with their least size in GiB.
func volumeTypes() map[string]int {
	return map[string]int{"gp2": 1, "gp3": 1, "io1": 4, "io2": 4, "st1": 125, "sc1": 125, "standard": 1}
}

// Validate names every flag that is wrong or contradicts another.
func (p Policy) Validate() error {
	var errs []error
	need := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	need(p.Provider == ProviderAWS || p.Provider == ProviderManual, "--growth.provider is %q, want aws or manual", p.Provider)
	need(p.Threshold > 0 && p.Threshold < 1, "--growth.threshold is %g, want more than 0 and less than 1", p.Threshold)
	need(p.Target > 0 && p.Target < p.Threshold, "--growth.target is %g, want more than 0 and less than --growth.threshold (%g): else a pool would grow again at once", p.Target, p.Threshold)
	need(p.Interval > 0, "--growth.interval is %s, want more than 0", p.Interval)
	need(p.For >= 0 && p.For <= 200*p.Interval, "--growth.for is %s, want 0 to 200 times --growth.interval (%s)", p.For, p.Interval)
	need(p.Cooldown >= 0, "--growth.cooldown is %s, want 0 or more", p.Cooldown)
	need(p.Forecast >= 0, "--growth.forecast is %s, want 0 or more", p.Forecast)
	need(p.MaxPoolSizeGiB >= 0, "--growth.max-pool-size is %d GiB, want 0 or more", p.MaxPoolSizeGiB)
	need(p.MaxVolumesPerNode >= 0, "--growth.max-volumes-per-node is %d, want 0 or more", p.MaxVolumesPerNode)
	need(p.ReservedAttachments >= 0, "--growth.reserved-attachments is %d, want 0 or more", p.ReservedAttachments)
	need(p.MaxGiBPerDay >= 0, "--growth.max-per-day is %d GiB, want 0 or more", p.MaxGiBPerDay)
	need(p.Approval == ApprovalAuto || p.Approval == ApprovalManual, "--growth.approval is %q, want auto or manual", p.Approval)
	need(p.IOPS >= 0, "--growth.iops is %d, want 0 or more", p.IOPS)
	need(p.Throughput >= 0, "--growth.throughput is %d MiB/s, want 0 or more", p.Throughput)
	errs = append(errs, p.validateSize(), p.validateType(), validateTags(p.Tags))
	return errors.Join(errs...)
}

// validateSize compares the size with what any version of ScaleIO takes; what
// the version at hand takes is compared when a growth is decided.
func (p Policy) validateSize() error {
	if p.VolumeSizeGiB == 0 {
		return nil
	}
	least, most := volumeTypes()[p.VolumeType], maxVolumeGiB
	newest := scaleio.LimitsOf(scaleio.Version{Major: 4})
	least = max(least, ceilGiB(newest.DeviceMinBytes))
	most = min(most, int(newest.DeviceMaxBytes/gib))
	if p.VolumeSizeGiB < least || p.VolumeSizeGiB > most {
		return fmt.Errorf("--growth.volume-size is %d GiB, want %d to %d, or 0 for what is needed", p.VolumeSizeGiB, least, most)
	}
	return nil
}

func (p Policy) validateType() error {
	if p.Provider != ProviderAWS {
		return nil
	}
	if _, ok := volumeTypes()[p.VolumeType]; !ok {
		return fmt.Errorf("--growth.volume-type is %q, want one of %s", p.VolumeType, strings.Join(sortedKeys(volumeTypes()), ", "))
	}
	provisioned := slices.Contains([]string{"gp3", "io1", "io2"}, p.VolumeType)
	switch {
	case p.IOPS > 0 && !provisioned:
		return fmt.Errorf("--growth.iops is %d, but %s volumes have no IOPS to choose", p.IOPS, p.VolumeType)
	case p.IOPS == 0 && (p.VolumeType == "io1" || p.VolumeType == "io2"):
		return fmt.Errorf("--growth.iops is missing: %s volumes need it", p.VolumeType)
	case p.Throughput > 0 && p.VolumeType != "gp3":
		return fmt.Errorf("--growth.throughput is %d MiB/s, but only gp3 volumes have a throughput to choose", p.Throughput)
	}
	return nil
}

func validateTags(tags map[string]string) error {
	size := 0
	for _, key := range sortedKeys(tags) {
		size += len(key) + len(tags[key])
		switch {
		case key == "" || len(key) > 128 || len(tags[key]) > 256:
			return fmt.Errorf("--growth.tags: tag %q has an empty or too long key, or a value of more than 256 bytes", key)
		case strings.HasPrefix(key, "aws:") || strings.HasPrefix(key, "scaleio-") || key == "Name":
			return fmt.Errorf("--growth.tags: tag %q is not yours to choose: aws:*, scaleio-* and Name are taken", key)
		}
	}
	if len(tags) > maxPolicyTags || size > maxTagBytes {
		return fmt.Errorf("--growth.tags: %d tags of %d bytes, at most %d of %d bytes together: they are kept with each volume", len(tags), size, maxPolicyTags, maxTagBytes)
	}
	return nil
}

// ceilGiB rounds bytes up to whole GiB.
func ceilGiB(bytes int64) int { return int((bytes + gib - 1) / gib) }
