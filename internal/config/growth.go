package config

import (
	"fmt"
	"strings"
	"time"
)

// Providers of volumes.
const (
	ProviderAuto   = "auto" // aws when a region is known, else manual
	ProviderAWS    = "aws"
	ProviderManual = "manual"
	ProviderOff    = "off"
)

// Growth is the policy by which pools grow. Sizes are GiB, shares percent.
type Growth struct {
	Provider            string
	Threshold           int           // fullness that triggers
	For                 time.Duration // how long it must hold
	Target              int           // fullness to come down to
	Interval            time.Duration // between two readings
	Cooldown            time.Duration // between two growths of a pool
	VolumeSizeGiB       int
	MaxPoolSizeGiB      int // raw; 0 is no limit
	MaxVolumesPerNode   int
	ReservedAttachments int
	MaxGiBPerDay        int // per UTC day; 0 is no limit
	Approval            string
	VolumeType          string
	IOPS                int
	Throughput          int // MiB/s
	KMSKeyID            string
	Tags                map[string]string
	Forecast            time.Duration // 0 is off
	AdjustSpare         bool
	PolicyFile          string // overrides by pool
}

// AWS is how EC2 is reached. Keys are never settings of ours: the SDK's default
// chain finds the instance's role, the environment or a credentials file.
type AWS struct {
	Region   string
	Endpoint string // of EC2, for tests
}

func bindGrowth(b *binder, c *Config) {
	g := &c.Growth
	b.text(&g.Provider, "growth.provider", ProviderAuto, "where new disks come from: aws (EBS volumes), manual (an order to the operator), off, or auto: aws when a region is known, else manual")
	b.number(&g.Threshold, "growth.threshold", 80, "percent of the usable capacity at which a pool grows; below the pool's critical threshold")
	b.duration(&g.For, "growth.for", 5*time.Minute, "how long the threshold must have been passed")
	b.number(&g.Target, "growth.target", 65, "percent to which a growth brings a pool down; below the threshold")
	b.duration(&g.Interval, "growth.interval", time.Minute, "pause between two readings of the pools")
	b.duration(&g.Cooldown, "growth.cooldown", 15*time.Minute, "pause between two growths of a pool")
	b.number(&g.VolumeSizeGiB, "growth.volume-size", 0, "size of each new volume, in GiB; 0 makes as few and as small ones as reach the target")
	b.number(&g.MaxPoolSizeGiB, "growth.max-pool-size", 0, "raw size above which a pool does not grow, in GiB; 0 is no limit")
	b.number(&g.MaxVolumesPerNode, "growth.max-volumes-per-node", 16, "volumes of ours that one host may have")
	b.number(&g.ReservedAttachments, "growth.reserved-attachments", 2, "attachments of an instance that are left to others")
	b.number(&g.MaxGiBPerDay, "growth.max-per-day", 32768, "GiB that may be added in a UTC day; 0 is no limit")
	b.text(&g.Approval, "growth.approval", "auto", "auto, or manual: each growth waits for scaleioctl growth approve")
	b.text(&g.VolumeType, "growth.volume-type", "gp3", "EBS volume type")
	b.number(&g.IOPS, "growth.iops", 0, "IOPS of a volume; 0 is the type's default")
	b.number(&g.Throughput, "growth.throughput", 0, "MiB/s of a volume; 0 is the type's default")
	b.text(&g.KMSKeyID, "growth.kms-key", "", "encrypt new volumes with this KMS key; when empty the account's default decides")
	b.set.Func("growth.tags", "tags of new volumes: name=value,name=value", func(text string) error {
		tags, err := parseTags(text)
		g.Tags = tags
		return err
	})
	b.duration(&g.Forecast, "growth.forecast", 0, "also grow when the pool would be full sooner than this; 0 is off")
	b.yes(&g.AdjustSpare, "growth.adjust-spare", false, "also set the spare percentage that the fault units need")
	b.text(&g.PolicyFile, "growth.policy-file", "", "JSON file with overrides by pool")
	b.text(&c.AWS.Region, "aws.region", "", "AWS region; AWS_REGION when empty")
	b.text(&c.AWS.Endpoint, "aws.endpoint", "", "URL of EC2, for tests")
	b.alias("aws.threshold", "growth.threshold")
	b.aliasUnit("aws.checkfull", "growth.interval", "m")
	b.alias("aws.growthsize", "growth.volume-size")
	b.alias("aws.maxgrowth", "growth.max-pool-size")
}

func parseTags(text string) (map[string]string, error) {
	tags := make(map[string]string)
	for pair := range strings.SplitSeq(text, ",") {
		if strings.TrimSpace(pair) == "" {
			continue
		}
		name, value, ok := strings.Cut(pair, "=")
		name = strings.TrimSpace(name)
		if !ok || name == "" {
			return nil, fmt.Errorf("tag %q is not name=value", pair)
		}
		if strings.HasPrefix(name, "aws:") || strings.HasPrefix(name, "scaleio-") || name == "Name" {
			return nil, fmt.Errorf("tag %q is reserved", name)
		}
		tags[name] = strings.TrimSpace(value)
	}
	return tags, nil
}

// complete chooses the provider.
func (g *Growth) complete(aws *AWS, env map[string]string) {
	if aws.Region == "" {
		aws.Region = env["AWS_REGION"]
	}
	if g.Provider == ProviderAuto {
		g.Provider = ProviderManual
		if aws.Region != "" {
			g.Provider = ProviderAWS
		}
	}
}

func (g *Growth) validate(aws AWS) []error {
	var errs []error
	need := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	need(g.Provider == ProviderAWS || g.Provider == ProviderManual || g.Provider == ProviderOff, "--growth.provider is %q, want auto, aws, manual or off", g.Provider)
	need(g.Provider != ProviderAWS || aws.Region != "", "--growth.provider is aws but no region is known: set --aws.region")
	need(g.Threshold > 0 && g.Threshold < 100, "--growth.threshold is %d, want 1 to 99 percent", g.Threshold)
	need(g.Target > 0 && g.Target < g.Threshold, "--growth.target is %d, want 1 to below --growth.threshold (%d)", g.Target, g.Threshold)
	need(g.For >= 0, "--growth.for is %s, want 0 or more", g.For)
	need(g.Interval > 0, "--growth.interval is %s, want more than 0", g.Interval)
	need(g.Cooldown >= 0, "--growth.cooldown is %s, want 0 or more", g.Cooldown)
	need(g.Forecast >= 0, "--growth.forecast is %s, want 0 or more", g.Forecast)
	// 94 GiB are more than the 100 GB below which ScaleIO takes no device.
	need(g.VolumeSizeGiB == 0 || g.VolumeSizeGiB >= 94, "--growth.volume-size is %d, want 0, or at least 94 GiB: ScaleIO takes no device below 100 GB", g.VolumeSizeGiB)
	need(g.MaxPoolSizeGiB >= 0, "--growth.max-pool-size is %d, want 0 or more", g.MaxPoolSizeGiB)
	need(g.MaxVolumesPerNode > 0, "--growth.max-volumes-per-node is %d, want 1 or more", g.MaxVolumesPerNode)
	need(g.ReservedAttachments >= 0, "--growth.reserved-attachments is %d, want 0 or more", g.ReservedAttachments)
	need(g.MaxGiBPerDay >= 0, "--growth.max-per-day is %d, want 0 or more", g.MaxGiBPerDay)
	need(g.Approval == "auto" || g.Approval == "manual", "--growth.approval is %q, want auto or manual", g.Approval)
	need(g.VolumeType != "", "--growth.volume-type is empty: name an EBS volume type, for example gp3")
	need(g.IOPS >= 0 && g.Throughput >= 0, "--growth.iops and --growth.throughput must not be negative")
	return errs
}
