package scaleio

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"strings"
)

// PoolStatistics are the figures of a pool that growth decides on, of one
// reading. Each of them was there and readable: a counter that could not be
// read is an error, because zero would mean "nothing to wait for".
type PoolStatistics struct {
	Capacity

	DegradedHealthyKiB  int64 `json:"degradedHealthyCapacityInKb" need:"yes"`
	DegradedFailedKiB   int64 `json:"degradedFailedCapacityInKb" need:"yes"`
	FailedKiB           int64 `json:"failedCapacityInKb" need:"yes"`
	UnreachableKiB      int64 `json:"unreachableUnusedCapacityInKb" need:"yes"`
	PendingFwdRebuild   int64 `json:"pendingFwdRebuildCapacityInKb" need:"yes"`
	ActiveFwdRebuild    int64 `json:"activeFwdRebuildCapacityInKb" need:"yes"`
	PendingBckRebuild   int64 `json:"pendingBckRebuildCapacityInKb" need:"yes"`
	ActiveBckRebuild    int64 `json:"activeBckRebuildCapacityInKb" need:"yes"`
	PendingRebalanceKiB int64 `json:"pendingRebalanceCapacityInKb" need:"yes"`
	ActiveRebalanceKiB  int64 `json:"activeRebalanceCapacityInKb" need:"yes"`
	PendingMovingKiB    int64 `json:"pendingMovingCapacityInKb" need:"yes"`
	ActiveMovingKiB     int64 `json:"activeMovingCapacityInKb" need:"yes"`
	Devices             int64 `json:"numOfDevices" need:"yes"`
	Volumes             int64 `json:"numOfVolumes" need:"yes"`
}

// Degraded reports that some data has only one copy or none.
func (s PoolStatistics) Degraded() bool {
	return s.DegradedHealthyKiB != 0 || s.DegradedFailedKiB != 0 || s.FailedKiB != 0 || s.UnreachableKiB != 0
}

// Rebuilding reports that lost copies are being made again.
func (s PoolStatistics) Rebuilding() bool {
	return s.PendingFwdRebuild != 0 || s.ActiveFwdRebuild != 0 || s.PendingBckRebuild != 0 || s.ActiveBckRebuild != 0
}

// Rebalancing reports that data is being spread or moved off.
func (s PoolStatistics) Rebalancing() bool {
	return s.PendingRebalanceKiB != 0 || s.ActiveRebalanceKiB != 0 || s.PendingMovingKiB != 0 || s.ActiveMovingKiB != 0
}

// PoolStatistics reads the figures of one pool.
func (c *Client) PoolStatistics(ctx context.Context, poolID string) (PoolStatistics, error) {
	var s PoolStatistics
	err := c.get(ctx, "get statistics of storage pool "+poolID, instance("StoragePool", poolID)+"/relationships/Statistics", &s)
	return s, err
}

// SystemCapacity reads the capacity of the whole system.
func (c *Client) SystemCapacity(ctx context.Context, systemID string) (Capacity, error) {
	var s Capacity
	err := c.get(ctx, "get statistics of system "+systemID, instance("System", systemID)+"/relationships/Statistics", &s)
	return s, err
}

// DeviceCapacity reads the capacity of one device, which the fullest device is
// found with.
func (c *Client) DeviceCapacity(ctx context.Context, deviceID string) (DeviceCapacity, error) {
	var s DeviceCapacity
	err := c.get(ctx, "get statistics of device "+deviceID, instance("Device", deviceID)+"/relationships/Statistics", &s)
	return s, err
}

// AllPoolStatistics reads the figures of all pools in one request, by pool id.
func (c *Client) AllPoolStatistics(ctx context.Context) (map[string]PoolStatistics, error) {
	return selected[PoolStatistics](ctx, c, "StoragePool")
}

// AllDeviceCapacities reads the capacity of all devices in one request, by
// device id.
func (c *Client) AllDeviceCapacities(ctx context.Context) (map[string]DeviceCapacity, error) {
	return selected[DeviceCapacity](ctx, c, "Device")
}

// selected asks for just the properties that T has.
func selected[T any](ctx context.Context, c *Client, kind string) (map[string]T, error) {
	var zero T
	r := request{
		op: "get selected statistics of " + kind, method: http.MethodPost, query: true,
		path: "/api/instances/querySelectedStatistics",
		body: map[string]any{"selectedStatisticsList": []any{
			map[string]any{"type": kind, "allIds": []string{}, "properties": properties(reflect.TypeOf(zero))},
		}},
	}
	var answer map[string]any
	if err := c.call(ctx, r, &answer); err != nil {
		return nil, err
	}
	var byID map[string]T
	if err := fill(answer[kind], reflect.ValueOf(&byID).Elem()); err != nil {
		return nil, &ReplyError{Op: r.op, Err: fmt.Errorf("%s: %w", kind, err)}
	}
	return byID, nil
}

// properties are the names of the statistics that a struct needs. Others are
// left out: the gateway refuses the whole request for one unknown name.
func properties(t reflect.Type) []string {
	var names []string
	for i := range t.NumField() {
		field := t.Field(i)
		if field.Anonymous {
			names = append(names, properties(field.Type)...)
			continue
		}
		if field.Tag.Get("need") == "yes" {
			names = append(names, strings.Split(field.Tag.Get("json"), "|")...)
		}
	}
	return names
}
