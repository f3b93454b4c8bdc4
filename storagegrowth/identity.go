package storagegrowth

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"scaleio-framework/internal/model"
)

// The tags of every volume that a growth makes. Together they are the identity
// of an intent, by which a volume is found again.
const (
	TagFramework = "scaleio-framework" // the cluster's UUID
	TagGrowth    = "scaleio-growth"    // the growth's id
	TagSlot      = "scaleio-slot"      // the slot's index
	// TagReplaces is the index of the slot whose volume this one replaces.
	TagReplaces = "scaleio-replaces"
	tagName     = "Name"
)

// growthID names a growth after the second in which it was decided and its
// pool. taken tells names that exist; a part is appended by a dot.
func growthID(now time.Time, pool string, taken func(base string) bool) string {
	sum := sha256.Sum256([]byte(pool))
	base := now.UTC().Format("20060102T150405") + "-" + hex.EncodeToString(sum[:2])
	id := base
	for n := 2; taken(id); n++ {
		id = fmt.Sprintf("%s-%d", base, n)
	}
	return id
}

// GrowthBase is the id without the number of the part: a large growth has
// several records.
func GrowthBase(id string) string {
	base, _, _ := strings.Cut(id, ".")
	return base
}

// token is the ClientToken of a slot: 48 hexadecimal digits, of which AWS takes
// 64.
func token(uuid, growth string, slot int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%d", uuid, growth, slot))
	return hex.EncodeToString(sum[:24])
}

// nextToken is the token to use when EC2 has burnt one: the same with the next
// number behind it.
func nextToken(token string) string {
	base, suffix, found := strings.Cut(token, "-")
	n, err := strconv.Atoi(suffix)
	if !found || err != nil {
		n = 1
	}
	return fmt.Sprintf("%s-%d", base, n+1)
}

// request is the complete CreateVolume request of a slot (R3).
func request(p Policy, uuid, growth string, slot int, zone string, sizeGiB int) model.VolumeRequest {
	tags := maps.Clone(p.Tags)
	if tags == nil {
		tags = make(map[string]string)
	}
	tags[TagFramework] = uuid
	tags[TagGrowth] = growth
	tags[TagSlot] = strconv.Itoa(slot)
	tags[tagName] = fmt.Sprintf("scaleio-%s-%d", growth, slot)
	return model.VolumeRequest{
		Token: token(uuid, growth, slot), Zone: zone, SizeGiB: sizeGiB,
		Type: p.VolumeType, IOPS: p.IOPS, Throughput: p.Throughput,
		Encrypted: p.KMSKeyID != "", KMSKeyID: p.KMSKeyID, Tags: tags,
	}
}

// replacement is the request of a new slot that stands in for another one of
// its growth: the same volume under a new identity (R10).
func replacement(uuid, growth string, index int, old *model.GrowthSlot) model.VolumeRequest {
	r := old.Request
	r.Tags = maps.Clone(r.Tags)
	r.Tags[TagSlot] = strconv.Itoa(index)
	r.Tags[TagReplaces] = strconv.Itoa(old.Index)
	r.Tags[tagName] = fmt.Sprintf("scaleio-%s-%d", growth, index)
	r.Token = token(uuid, growth, index)
	return r
}

// deviceName is the ScaleIO name of a slot's device: its volume id, or for a
// disk that somebody brought a name of its own, at most 31 characters.
func deviceName(s *model.GrowthSlot) string {
	if s.VolumeID != "" {
		return s.VolumeID
	}
	return "disk-" + s.Request.Token[:min(24, len(s.Request.Token))]
}
