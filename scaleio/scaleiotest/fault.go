package scaleiotest

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Op names a kind of operation, for faults and counters. It is the same
// through every door.
type Op string

// The operations. The name that goes with one in faults and counters is the
// object's own name, but "SDS:path" for devices and "host:thing" for packages
// and services.
const (
	OpCreateCluster  Op = "create-cluster"
	OpLogin          Op = "login"
	OpSetPassword    Op = "set-password"
	OpAddStandby     Op = "add-standby-mdm"
	OpRemoveStandby  Op = "remove-standby-mdm"
	OpSwitchMode     Op = "switch-cluster-mode"
	OpReplaceMDM     Op = "replace-cluster-mdm"
	OpSwitchMaster   Op = "switch-mdm-ownership"
	OpRenameMDM      Op = "rename-mdm"
	OpRenameSystem   Op = "rename-system"
	OpCreatePD       Op = "create-protection-domain"
	OpRemovePD       Op = "remove-protection-domain"
	OpCreatePool     Op = "create-storage-pool"
	OpRemovePool     Op = "remove-storage-pool"
	OpSetPool        Op = "set-storage-pool"
	OpSetSpare       Op = "set-spare-percentage"
	OpSetZeroPadding Op = "set-zero-padding"
	OpCreateFaultSet Op = "create-fault-set"
	OpRemoveFaultSet Op = "remove-fault-set"
	OpCreateSDS      Op = "create-sds"
	OpRemoveSDS      Op = "remove-sds"
	OpSetSDS         Op = "set-sds"
	OpCreateDevice   Op = "create-device"
	OpRemoveDevice   Op = "remove-device"
	OpSetDevice      Op = "set-device"
	OpCreateVolume   Op = "create-volume"
	OpRemoveVolume   Op = "remove-volume"
	OpSetVolume      Op = "set-volume"
	OpMapVolume      Op = "map-volume"
	OpUnmapVolume    Op = "unmap-volume"
	OpSetSDC         Op = "set-sdc"
	OpSetSystem      Op = "set-system"
	// OpRead is a query; its name is the type asked for.
	OpRead Op = "read"
	// OpStatistics is a query of statistics; its name is the type asked for.
	OpStatistics Op = "statistics"
	// OpInstall and OpRemovePackage are the package tools; the name is
	// "host:package".
	OpInstall       Op = "install-package"
	OpRemovePackage Op = "remove-package"
	// OpGenerate is the vendor's program that makes the certificates of 4.x; the
	// name is "host:what:file".
	OpGenerate Op = "generate-certificate"
	// OpService is systemctl; the name is "host:unit:verb".
	OpService Op = "service"
)

// FaultKind says what goes wrong.
type FaultKind int

const (
	// Reject refuses the operation with Fault.Refusal, without effect.
	Reject FaultKind = iota
	// ReplyLost breaks the connection after the effect.
	ReplyLost
	// Reset breaks the connection before the effect.
	Reset
	// Unauthorized answers 401 (scli: invalid session), without effect.
	Unauthorized
	// Slow delays the operation by Fault.Delay or until Fault.Release is
	// closed, then does it.
	Slow
	// SlowReply delays the answer likewise, after the effect.
	SlowReply
)

// Fault is one thing that goes wrong.
type Fault struct {
	// Op to strike; empty strikes any operation but queries.
	Op Op
	// Name of the object to strike; empty strikes any.
	Name string
	Kind FaultKind
	// Refusal for Reject; "A timeout occurred" when nil.
	Refusal *Refusal
	// Delay and Release end Slow and SlowReply; the earlier one counts.
	Delay   time.Duration
	Release <-chan struct{}
	// Times it strikes; 0 means once, negative means until Heal.
	Times int
}

// Inject adds a fault. Faults strike in the order of injection, one for each
// operation.
func (s *System) Inject(f Fault) {
	if f.Times == 0 {
		f.Times = 1
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &f)
}

// Heal removes all faults that have not struck yet.
func (s *System) Heal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

func (s *System) takeFault(op Op, name string) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, f := range s.faults {
		if f.Op != op && (f.Op != "" || op == OpRead || op == OpStatistics || op == OpLogin) {
			continue
		}
		if f.Name != "" && f.Name != name {
			continue
		}
		if f.Times > 0 {
			f.Times--
			if f.Times == 0 {
				s.faults = append(s.faults[:i], s.faults[i+1:]...)
			}
		}
		taken := *f
		return &taken
	}
	return nil
}

func (f *Fault) wait(ctx context.Context) error {
	var timer <-chan time.Time
	if f.Delay > 0 {
		t := time.NewTimer(f.Delay)
		defer t.Stop()
		timer = t.C
	}
	if timer == nil && f.Release == nil {
		return nil
	}
	select {
	case <-timer:
		return nil
	case <-f.Release:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("slow operation given up: %w", ctx.Err())
	}
}

// before is the part of a fault that strikes ahead of the effect.
func (f *Fault) before(ctx context.Context) error {
	switch f.Kind {
	case Reject:
		if f.Refusal == nil {
			return refuse(68, "A timeout occurred")
		}
		return f.Refusal
	case Reset:
		return errNoReply
	case Unauthorized:
		return errUnauthorized
	case Slow:
		return f.wait(ctx)
	}
	return nil
}

// do performs an operation: the faults that concern it, the effect under the
// lock, the counters. A slow operation whose caller has gone is still done,
// as a request that the real system has received would be; nobody is answered.
func (s *System) do(ctx context.Context, op Op, name string, effect func() (string, error)) (string, error) {
	f := s.takeFault(op, name)
	gone := false
	if f != nil {
		err := f.before(ctx)
		if err != nil && ctx.Err() == nil {
			return "", err
		}
		gone = err != nil
	}
	id, err := s.locked(op, name, effect)
	if f == nil {
		return id, err
	}
	if gone {
		return "", errNoReply
	}
	switch f.Kind {
	case ReplyLost:
		return "", errNoReply
	case SlowReply:
		if waitErr := f.wait(ctx); waitErr != nil {
			return "", errNoReply
		}
	}
	return id, err
}

func (s *System) locked(op Op, name string, effect func() (string, error)) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle()
	id, err := effect()
	var refusal *Refusal
	switch {
	case err == nil:
		tally(s.counts, op, name)
	case errors.As(err, &refusal):
		tally(s.refused, op, name)
	}
	return id, err
}

func tally(m map[Op]map[string]int, op Op, name string) {
	if m[op] == nil {
		m[op] = map[string]int{}
	}
	m[op][name]++
}

// Count tells how often an operation took effect on the named object; an empty
// name counts all objects.
func (s *System) Count(op Op, name string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return sum(s.counts[op], name)
}

// Refused tells how often the system itself refused an operation, injected
// refusals not counted; an empty name counts all objects.
func (s *System) Refused(op Op, name string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return sum(s.refused[op], name)
}

// Counts returns a copy of all counters of effects.
func (s *System) Counts() map[Op]map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make(map[Op]map[string]int, len(s.counts))
	for op, byName := range s.counts {
		out[op] = make(map[string]int, len(byName))
		for name, n := range byName {
			out[op][name] = n
		}
	}
	return out
}

func sum(byName map[string]int, name string) int {
	if name != "" {
		return byName[name]
	}
	total := 0
	for _, n := range byName {
		total += n
	}
	return total
}
