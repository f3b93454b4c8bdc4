package scaleio

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
)

// VolumeStepKiB is the grain of volume sizes: 8 GiB.
const VolumeStepKiB = 8 << 20

// Volume is a block device that SDCs can be given.
type Volume struct {
	ID            string      `json:"id" need:"yes"`
	Name          string      `json:"name"`
	SizeKiB       int64       `json:"sizeInKb" need:"yes"`
	StoragePoolID string      `json:"storagePoolId"`
	Type          string      `json:"volumeType"` // ThinProvisioned, ThickProvisioned or Snapshot
	Mapped        []MappedSDC `json:"mappedSdcInfo"`
}

// MappedSDC is an SDC that sees a volume.
type MappedSDC struct {
	SDCID string `json:"sdcId" need:"yes"`
	SDCIP string `json:"sdcIp"`
}

// IsMappedTo reports whether an SDC sees the volume.
func (v Volume) IsMappedTo(sdcID string) bool {
	return slices.ContainsFunc(v.Mapped, func(m MappedSDC) bool { return m.SDCID == sdcID })
}

// VolumeSpec is a volume as it should be.
type VolumeSpec struct {
	Name               string // unique in the system, at most 31 characters
	ProtectionDomainID string
	StoragePoolID      string
	// SizeKiB is a multiple of VolumeStepKiB.
	SizeKiB int64
	// Thick reserves all of the size at once.
	Thick bool
}

// Volumes lists all volumes and snapshots.
func (c *Client) Volumes(ctx context.Context) ([]Volume, error) {
	return list[Volume](ctx, c, "list volumes", "/api/types/Volume/instances")
}

// Volume returns one volume.
func (c *Client) Volume(ctx context.Context, id string) (Volume, error) {
	var v Volume
	err := c.get(ctx, "get volume "+id, instance("Volume", id), &v)
	return v, err
}

// FindVolume returns the volume of that name, nil when there is none. It asks
// for the name alone, since a system may have tens of thousands.
func (c *Client) FindVolume(ctx context.Context, name string) (*Volume, error) {
	var id string
	err := c.call(ctx, request{
		op: fmt.Sprintf("find volume %q", name), method: http.MethodPost, query: true,
		path: "/api/types/Volume/instances/action/queryIdByKey", body: map[string]any{"name": name},
	}, &id)
	if IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	v, err := c.Volume(ctx, id)
	if IsNotFound(err) {
		return nil, nil // removed in between
	}
	if err != nil {
		return nil, err
	}
	return &v, nil
}

// EnsureVolume makes the volume if it is absent.
func (c *Client) EnsureVolume(ctx context.Context, spec VolumeSpec) (Ensured, error) {
	if err := checkName("volume", spec.Name); err != nil {
		return Ensured{}, err
	}
	if spec.SizeKiB <= 0 || spec.SizeKiB%VolumeStepKiB != 0 {
		return Ensured{}, fmt.Errorf("volume %q: its size of %d KiB is not a multiple of 8 GiB", spec.Name, spec.SizeKiB)
	}
	return ensure(ctx, wish[Volume]{
		find: func(ctx context.Context) (*Volume, error) { return c.FindVolume(ctx, spec.Name) },
		create: func(ctx context.Context) (string, error) {
			return c.create(ctx, fmt.Sprintf("create volume %q", spec.Name), "Volume", spec.body())
		},
		check: spec.check,
		id:    func(v *Volume) string { return v.ID },
	})
}

func (s VolumeSpec) kind() string {
	if s.Thick {
		return "ThickProvisioned"
	}
	return "ThinProvisioned"
}

func (s VolumeSpec) body() map[string]any {
	body := map[string]any{
		"name":           s.Name,
		"storagePoolId":  s.StoragePoolID,
		"volumeSizeInKb": strconv.FormatInt(s.SizeKiB, 10),
		"volumeType":     s.kind(),
	}
	if s.ProtectionDomainID != "" {
		body["protectionDomainId"] = s.ProtectionDomainID
	}
	return body
}

func (s VolumeSpec) check(have *Volume) error {
	var m mismatch
	m.compare("storage pool", s.StoragePoolID, have.StoragePoolID)
	m.compare("size in KiB", strconv.FormatInt(s.SizeKiB, 10), strconv.FormatInt(have.SizeKiB, 10))
	if have.Type != "" {
		m.compare("type", s.kind(), have.Type)
	}
	return m.err(fmt.Sprintf("volume %q", s.Name), have.ID, "it may hold somebody's data: choose another name")
}

// EnsureMapped lets an SDC see the volume. It asks for no multiple mapping, so
// a volume that another SDC sees already is refused.
func (c *Client) EnsureMapped(ctx context.Context, volumeID, sdcID string) (changed bool, err error) {
	holds := func() (bool, error) {
		v, err := c.Volume(ctx, volumeID)
		return v.IsMappedTo(sdcID), err
	}
	return settle(holds, func() error {
		return c.act(ctx, fmt.Sprintf("map volume %s to SDC %s", volumeID, sdcID), "Volume", volumeID,
			"addMappedSdc", map[string]any{"sdcId": sdcID, "allowMultipleMappings": boolean(false)})
	})
}

// EnsureUnmapped takes the volume away from an SDC. A volume that is not there
// is mapped to nobody.
func (c *Client) EnsureUnmapped(ctx context.Context, volumeID, sdcID string) (changed bool, err error) {
	holds := func() (bool, error) {
		v, err := c.Volume(ctx, volumeID)
		if IsNotFound(err) {
			return true, nil
		}
		return err == nil && !v.IsMappedTo(sdcID), err
	}
	return settle(holds, func() error {
		return c.act(ctx, fmt.Sprintf("unmap volume %s from SDC %s", volumeID, sdcID), "Volume", volumeID,
			"removeMappedSdc", map[string]any{"sdcId": sdcID})
	})
}

// EnsureVolumeRemoved removes the volume itself, not its snapshots.
func (c *Client) EnsureVolumeRemoved(ctx context.Context, volumeID string) (changed bool, err error) {
	holds := func() (bool, error) {
		_, err := c.Volume(ctx, volumeID)
		if IsNotFound(err) {
			return true, nil
		}
		return false, err
	}
	return settle(holds, func() error {
		return c.act(ctx, "remove volume "+volumeID, "Volume", volumeID, "removeVolume", map[string]any{"removeMode": "ONLY_ME"})
	})
}
