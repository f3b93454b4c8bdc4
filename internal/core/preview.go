package core

import "fmt"

// PreviewAsked asks what a growth decided now would be. It is answered by
// TellPreview with the same ID; nothing is stored for it, and it may be asked
// again and again.
type PreviewAsked struct {
	ID string
	// Pool is "protection domain/pool"; empty asks for all of them.
	Pool string
	// SizeGiB is the least to add; 0 for what the policy says.
	SizeGiB int
}

// TellPreview gives an answer to whoever waits for it in this process.
type TellPreview struct {
	ID string
	// Problem says why nothing can be decided at all.
	Problem string
	Pools   []PoolPreview
	// Known are the names of all pools.
	Known []string
}

// PoolPreview is what a growth of one pool would be.
type PoolPreview struct {
	Pool string `json:"pool"`
	// Verdict and Decision are what the policy decides by itself at the moment.
	Verdict  string `json:"verdict"`
	Decision string `json:"decision"`
	// Plan is what an order to grow would do at the moment; nil when nothing
	// could be done, and Why says so.
	Plan *GrowthPreview `json:"plan,omitempty"`
	Why  string         `json:"why,omitempty"`
}

// GrowthPreview is a growth that nobody has decided.
type GrowthPreview struct {
	Provider string `json:"provider"`
	// Approval says whether the policy would ask for it: auto or manual.
	Approval string `json:"approval"`
	SizeGiB  int    `json:"size_gib"` // of each volume
	TotalGiB int    `json:"total_gib"`
	// VolumeType, IOPS and Throughput (MiB/s) are what is paid for; 0 leaves
	// the provider's own default.
	VolumeType string `json:"volume_type"`
	IOPS       int    `json:"iops,omitempty"`
	Throughput int    `json:"throughput,omitempty"`
	Encrypted  bool   `json:"encrypted,omitempty"`
	// UsedBefore, UsedAfter and Target are fullness, 0 to 1; Clipped says which
	// limit keeps the growth from its target.
	UsedBefore float64 `json:"used_before"`
	UsedAfter  float64 `json:"used_after"`
	Target     float64 `json:"target"`
	Clipped    string  `json:"clipped,omitempty"`
	// SparePercent is the pool's after the growth; SpareNeeded what its largest
	// fault unit would need, when that is more.
	SparePercent int             `json:"spare_percent"`
	SpareNeeded  int             `json:"spare_needed,omitempty"`
	Volumes      []VolumePreview `json:"volumes"`
}

// VolumePreview is where one volume would go.
type VolumePreview struct {
	Host      string `json:"host"`
	SDS       string `json:"sds"`
	FaultUnit string `json:"fault_unit"`
	Instance  string `json:"instance,omitempty"`
	Zone      string `json:"zone,omitempty"`
}

// Lane implements Effect: no answer waits for another one.
func (e TellPreview) Lane() string { return "preview/" + e.ID }

func (e TellPreview) String() string {
	return fmt.Sprintf("preview %s of %d pools %s", e.ID, len(e.Pools), e.Problem)
}

func (e PreviewAsked) String() string { return fmt.Sprintf("preview %s of %q asked", e.ID, e.Pool) }
