package scaleio

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// Device is a disk that an SDS gives to a pool.
type Device struct {
	ID            string `json:"id" need:"yes"`
	Name          string `json:"name"`
	SDSID         string `json:"sdsId"`
	StoragePoolID string `json:"storagePoolId"`
	// The paths are those on the SDS's host. The current one may change with a
	// restart; the SDS knows its disks by what it wrote on them.
	CurrentPath  string `json:"deviceCurrentPathName"`
	OriginalPath string `json:"deviceOriginalPathName"`
	// State is InitialTest after the addition; Normal is the only good one.
	State       string `json:"deviceState"`
	ErrorState  string `json:"errorState"` // None is the only good one
	MediaType   string `json:"mediaType"`
	CapacityKiB int64  `json:"capacityLimitInKb" need:"yes"`
	MaxKiB      int64  `json:"maxCapacityInKb" need:"yes"`
}

// Normal reports that the device is in use and has no error.
func (d Device) Normal() bool {
	return d.State == "Normal" && (d.ErrorState == "None" || d.ErrorState == "")
}

// Path is where the SDS has the device now. The original path says nothing once
// another one is known: kernel names change hands.
func (d Device) Path() string { return cmp.Or(d.CurrentPath, d.OriginalPath) }

// TestMode is what the SDS does with a new device before it uses it.
type TestMode string

// The test modes.
const (
	// TestNone uses the device at once.
	TestNone TestMode = "noTest"
	// TestAndActivate reads and writes for DeviceSpec.TestTime, then uses it.
	TestAndActivate TestMode = "testAndActivate"
)

// DeviceSpec is a device as it should be.
type DeviceSpec struct {
	// Name is the device's identity; empty means that Path is.
	Name          string
	Path          string
	SDSID         string
	StoragePoolID string
	// TestMode is TestAndActivate when empty.
	TestMode TestMode
	// TestTime is left to the SDS when zero (about 10 s); whole seconds.
	TestTime time.Duration
	// MediaType is needed in pools of the type Transitional only.
	MediaType string
}

// Devices lists the devices of the whole system.
func (c *Client) Devices(ctx context.Context) ([]Device, error) {
	return list[Device](ctx, c, "list devices", "/api/types/Device/instances")
}

// DevicesOfSDS lists the devices of one SDS.
func (c *Client) DevicesOfSDS(ctx context.Context, sdsID string) ([]Device, error) {
	return list[Device](ctx, c, "list devices of SDS "+sdsID, instance("Sds", sdsID)+"/relationships/Device")
}

// DevicesOfStoragePool lists the devices of one pool.
func (c *Client) DevicesOfStoragePool(ctx context.Context, poolID string) ([]Device, error) {
	return list[Device](ctx, c, "list devices of storage pool "+poolID, instance("StoragePool", poolID)+"/relationships/Device")
}

// Device returns one device. Callers that wait for Normal ask again when they
// see fit.
func (c *Client) Device(ctx context.Context, id string) (Device, error) {
	var d Device
	err := c.get(ctx, "get device "+id, instance("Device", id), &d)
	return d, err
}

// EnsureDevice adds the device if the SDS has neither its name nor its path.
// The name is the identity: a device found by it is the right one whatever its
// path is today. A device that holds the path under another name, and one in
// another pool, are a MismatchError. A disk that belonged to a ScaleIO before
// is refused by the SDS, and this never asks it to take it over.
func (c *Client) EnsureDevice(ctx context.Context, spec DeviceSpec) (Ensured, error) {
	if err := spec.validate(); err != nil {
		return Ensured{}, err
	}
	return ensure(ctx, wish[Device]{
		find: func(ctx context.Context) (*Device, error) {
			all, err := c.DevicesOfSDS(ctx, spec.SDSID)
			found, err := first(all, err, func(d Device) bool { return spec.Name != "" && d.Name == spec.Name })
			if found != nil || err != nil {
				return found, err
			}
			return first(all, nil, func(d Device) bool { return d.Path() == spec.Path })
		},
		create: func(ctx context.Context) (string, error) {
			return c.create(ctx, fmt.Sprintf("add device %s to SDS %s", spec.label(), spec.SDSID), "Device", spec.body())
		},
		check: spec.check,
		id:    func(d *Device) string { return d.ID },
	})
}

func (s DeviceSpec) label() string {
	if s.Name == "" {
		return s.Path
	}
	return fmt.Sprintf("%q (%s)", s.Name, s.Path)
}

func (s DeviceSpec) validate() error {
	if s.Name != "" {
		if err := checkName("device", s.Name); err != nil {
			return err
		}
	}
	switch {
	case s.Path == "" || s.Path[0] != '/':
		return fmt.Errorf("device %s: its path %q is not absolute", s.Name, s.Path)
	case s.SDSID == "" || s.StoragePoolID == "":
		return errors.New("device " + s.Path + ": it needs an SDS and a storage pool")
	case s.TestMode != "" && s.TestMode != TestNone && s.TestMode != TestAndActivate:
		return fmt.Errorf("device %s: unknown test mode %q", s.Path, s.TestMode)
	}
	return nil
}

func (s DeviceSpec) body() map[string]any {
	body := map[string]any{
		// The answer spells it deviceCurrentPathName.
		"deviceCurrentPathname": s.Path,
		"sdsId":                 s.SDSID,
		"storagePoolId":         s.StoragePoolID,
		"testMode":              string(TestAndActivate),
	}
	if s.TestMode != "" {
		body["testMode"] = string(s.TestMode)
	}
	if s.Name != "" {
		body["name"] = s.Name
	}
	if s.TestTime > 0 && s.TestMode != TestNone {
		body["testTimeSecs"] = strconv.FormatInt(int64(s.TestTime/time.Second), 10)
	}
	if s.MediaType != "" {
		body["mediaType"] = s.MediaType
	}
	return body
}

func (s DeviceSpec) check(have *Device) error {
	var m mismatch
	m.compare("storage pool", s.StoragePoolID, have.StoragePoolID)
	// The MDM may use the path as the name of a device that was given none.
	if have.Name != "" && have.Name != have.CurrentPath && have.Name != have.OriginalPath && s.Name != "" {
		m.compare("name", s.Name, have.Name)
	}
	if removing(have.State) {
		m.compare("state", "Normal", have.State)
	}
	return m.err("device "+s.label(), have.ID,
		"remove that device (its data is moved off first), or leave this disk out")
}
