package storagegrowth

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"strings"
	"time"
)

// Override changes the policy for one pool. What is nil stays as the flags say.
type Override struct {
	// Pool is "protection domain/pool".
	Pool                string            `json:"-"`
	Enabled             *bool             `json:"enabled"`
	Threshold           *float64          `json:"threshold"`
	For                 *Duration         `json:"for"`
	Target              *float64          `json:"target"`
	Cooldown            *Duration         `json:"cooldown"`
	VolumeSizeGiB       *int              `json:"volume_size_gib"`
	MaxPoolSizeGiB      *int              `json:"max_pool_size_gib"`
	MaxVolumesPerNode   *int              `json:"max_volumes_per_node"`
	ReservedAttachments *int              `json:"reserved_attachments"`
	Approval            *string           `json:"approval"`
	VolumeType          *string           `json:"volume_type"`
	IOPS                *int              `json:"iops"`
	Throughput          *int              `json:"throughput"`
	KMSKeyID            *string           `json:"kms_key_id"`
	Tags                map[string]string `json:"tags"`
	Forecast            *Duration         `json:"forecast"`
	AdjustSpare         *bool             `json:"adjust_spare"`
}

// Duration is a time.Duration written as in flags: "5m", "6h".
type Duration time.Duration

// UnmarshalJSON implements json.Unmarshaler.
func (d *Duration) UnmarshalJSON(data []byte) error {
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return fmt.Errorf("a duration is a text such as \"5m\", not %s", bytes.TrimSpace(data))
	}
	parsed, err := time.ParseDuration(text)
	if err != nil {
		return err
	}
	*d = Duration(parsed)
	return nil
}

// maxPolicyFile bounds a policy file, in bytes.
const maxPolicyFile = 1 << 20

// ParsePolicyFile reads a policy file: a JSON object of overrides by
// "protection domain/pool", for example
//
//	{"pools": {"default/fast": {"threshold": 0.7, "target": 0.5, "for": "10m"}}}
//
// The overrides come sorted by pool. A field it does not know is an error:
// a misspelt limit would be no limit.
func ParsePolicyFile(data []byte) ([]Override, error) {
	if len(data) > maxPolicyFile {
		return nil, fmt.Errorf("policy file of %d bytes is larger than %d", len(data), maxPolicyFile)
	}
	var file struct {
		Pools map[string]Override `json:"pools"`
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&file); err != nil {
		return nil, fmt.Errorf("policy file: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("policy file: something follows the object")
	}
	var overrides []Override
	for _, pool := range sortedKeys(file.Pools) {
		domain, name, ok := strings.Cut(pool, "/")
		if !ok || domain == "" || name == "" || strings.Contains(name, "/") {
			return nil, fmt.Errorf("policy file: pool %q, want \"protection domain/pool\"", pool)
		}
		o := file.Pools[pool]
		o.Pool = pool
		overrides = append(overrides, o)
	}
	return overrides, nil
}

// With is the policy with an override applied.
func (p Policy) With(o Override) Policy {
	replace(&p.Enabled, o.Enabled)
	replace(&p.Threshold, o.Threshold)
	replace(&p.For, (*time.Duration)(o.For))
	replace(&p.Target, o.Target)
	replace(&p.Cooldown, (*time.Duration)(o.Cooldown))
	replace(&p.VolumeSizeGiB, o.VolumeSizeGiB)
	replace(&p.MaxPoolSizeGiB, o.MaxPoolSizeGiB)
	replace(&p.MaxVolumesPerNode, o.MaxVolumesPerNode)
	replace(&p.ReservedAttachments, o.ReservedAttachments)
	replace(&p.Approval, o.Approval)
	replace(&p.VolumeType, o.VolumeType)
	replace(&p.IOPS, o.IOPS)
	replace(&p.Throughput, o.Throughput)
	replace(&p.KMSKeyID, o.KMSKeyID)
	replace(&p.Forecast, (*time.Duration)(o.Forecast))
	replace(&p.AdjustSpare, o.AdjustSpare)
	if len(o.Tags) > 0 {
		tags := maps.Clone(p.Tags)
		if tags == nil {
			tags = make(map[string]string, len(o.Tags))
		}
		maps.Copy(tags, o.Tags)
		p.Tags = tags
	}
	return p
}

func replace[T any](field, by *T) {
	if by != nil {
		*field = *by
	}
}
