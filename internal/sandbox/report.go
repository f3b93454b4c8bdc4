package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"text/tabwriter"
)

// Report is what a scenario measured.
type Report struct {
	Bootstrap *BootstrapReport `json:"bootstrap,omitempty"`
	Joined    []JoinReport     `json:"joined,omitempty"`
	Failovers []FailoverReport `json:"failovers"`
	Growths   []GrowthReport   `json:"growths"`
	Drills    []DrillReport    `json:"drills,omitempty"`
	// Uninstall is about the removal, and Again about the system that was made
	// on the same hosts afterwards.
	Uninstall *UninstallReport `json:"uninstall,omitempty"`
	Again     *BootstrapReport `json:"again,omitempty"`
	// Created counts the objects that the ScaleIO double made, by kind; each
	// must have been made once.
	Created map[string]int `json:"created,omitempty"`
	// CreatedTwice names objects that were made, devices that were added, and
	// volumes that were attached, more than once.
	CreatedTwice []string `json:"created_twice"`
	// LeakedVolumes are ScaleIO volumes that nobody asked for, and EBS volumes
	// that are no device of a pool.
	LeakedVolumes int `json:"leaked_volumes"`
	// SecretsFound names the places where the password or an AWS key was found.
	SecretsFound []string `json:"secrets_found"`
	Zookeeper    string   `json:"zookeeper"`
	Seed         uint64   `json:"seed,omitempty"`
	Failures     []string `json:"failures,omitempty"`
	OK           bool     `json:"ok"`
}

// BootstrapReport is about the first hosts.
type BootstrapReport struct {
	Agents      int     `json:"agents"`
	Seconds     float64 `json:"seconds"`
	Steps       int     `json:"steps"`
	FrameworkID string  `json:"framework_id"`
}

// UninstallReport is about the removal of everything.
type UninstallReport struct {
	Hosts int `json:"hosts"`
	// Steps are those of the removal that were done, Seconds from the first
	// change to the end of the last one.
	Steps   int     `json:"steps"`
	Seconds float64 `json:"seconds"`
}

// JoinReport is about a host that joined later.
type JoinReport struct {
	Host    string  `json:"host"`
	Seconds float64 `json:"seconds"`
	Steps   int     `json:"steps"`
}

// GrowthReport is about the growth of a pool, as ScaleIO and EC2 show it.
type GrowthReport struct {
	Pool string `json:"pool"`
	// UsedBefore and UsedAfter are the fullness, 0 to 1.
	UsedBefore float64 `json:"used_before"`
	UsedAfter  float64 `json:"used_after"`
	// Volumes are the devices that were added.
	Volumes int `json:"volumes"`
	// Seconds are from the threshold being passed to the end of the growth.
	Seconds float64 `json:"seconds"`
}

// FailoverReport is about one fault of the leader.
type FailoverReport struct {
	Kind            string  `json:"kind"`
	AfterSteps      int     `json:"after_steps"`
	SessionTimeoutS float64 `json:"session_timeout_s"`
	TakeoverS       float64 `json:"takeover_s"`
	EpochBefore     uint64  `json:"epoch_before"`
	EpochAfter      uint64  `json:"epoch_after"`
	FrameworkIDKept bool    `json:"framework_id_kept"`
	// StepsRepeated counts the attempts that had to be opened anew.
	StepsRepeated int `json:"steps_repeated"`
	// WokenExit is the exit code of a leader that was stopped and woken again;
	// 3 says that it noticed the loss of its leadership.
	WokenExit *int `json:"woken_exit,omitempty"`
}

// DrillReport is about one drill.
type DrillReport struct {
	Drill string `json:"drill"`
	// During is what the cluster did: bootstrap, growth or idle.
	During     string `json:"during"`
	Expected   string `json:"expected"`
	AfterSteps int    `json:"after_steps"`
	// Measures names what Seconds are; BoundS is how long it may take, 0 without
	// a bound.
	Measures    string  `json:"measures"`
	Seconds     float64 `json:"seconds"`
	BoundS      float64 `json:"bound_s,omitempty"`
	EpochBefore uint64  `json:"epoch_before"`
	EpochAfter  uint64  `json:"epoch_after"`
	// FrameworkIDKept and StepsRepeated are as in a FailoverReport.
	FrameworkIDKept bool `json:"framework_id_kept"`
	StepsRepeated   int  `json:"steps_repeated"`
	// Exits are all ends of schedulers since the strike.
	Exits []ExitReport `json:"exits,omitempty"`
	OK    bool         `json:"ok"`
}

// ExitReport is the end of a scheduler's process.
type ExitReport struct {
	Scheduler string `json:"scheduler"`
	Code      int    `json:"code"` // -1 when a signal ended it
}

// newReport has empty lists, so that the JSON shows them.
func newReport() *Report {
	return &Report{Failovers: []FailoverReport{}, Growths: []GrowthReport{}, CreatedTwice: []string{}, SecretsFound: []string{}}
}

// fail notes something that was promised and did not happen.
func (r *Report) fail(format string, args ...any) {
	r.Failures = append(r.Failures, fmt.Sprintf(format, args...))
}

// conclude decides whether all went well.
func (r *Report) conclude() error {
	for _, object := range r.CreatedTwice {
		r.fail("%s was made more than once", object)
	}
	for _, place := range r.SecretsFound {
		r.fail("a secret stands in %s", place)
	}
	if r.LeakedVolumes > 0 {
		r.fail("%d volumes leaked", r.LeakedVolumes)
	}
	for _, f := range r.Failovers {
		if !f.FrameworkIDKept {
			r.fail("the framework id changed at the failover after %s", f.Kind)
		}
	}
	r.OK = len(r.Failures) == 0
	if r.OK {
		return nil
	}
	errs := make([]error, 0, len(r.Failures))
	for _, f := range r.Failures {
		errs = append(errs, errors.New(f))
	}
	return errors.Join(errs...)
}

// Write stores the report as JSON.
func (r *Report) Write(file string) error {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the report: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, append(data, '\n'), 0o644)
}

// Print shows the report to a person.
func (r *Report) Print(out io.Writer) {
	t := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	row := func(name, format string, args ...any) {
		fmt.Fprintf(t, "  %s\t%s\n", name, fmt.Sprintf(format, args...))
	}
	fmt.Fprintln(out)
	if b := r.Bootstrap; b != nil {
		row("bootstrap", "%d hosts, %d steps in %.2f s, with the failovers below", b.Agents, b.Steps, b.Seconds)
		row("framework id", "%s", b.FrameworkID)
	}
	for _, f := range r.Failovers {
		kept := "framework id kept"
		if !f.FrameworkIDKept {
			kept = "FRAMEWORK ID CHANGED"
		}
		row("failover", "%s after %d steps: take-over in %.2f s (session %.0f s), epoch %d -> %d, %s, %d steps repeated",
			f.Kind, f.AfterSteps, f.TakeoverS, f.SessionTimeoutS, f.EpochBefore, f.EpochAfter, kept, f.StepsRepeated)
	}
	for _, d := range r.Drills {
		bound := "no bound"
		if d.BoundS > 0 {
			bound = fmt.Sprintf("at most %.1f s", d.BoundS)
		}
		row("drill", "%s during %s, after %d steps: %s after %.2f s (%s), epoch %d -> %d, %d steps repeated",
			d.Drill, d.During, d.AfterSteps, d.Measures, d.Seconds, bound, d.EpochBefore, d.EpochAfter, d.StepsRepeated)
	}
	for _, j := range r.Joined {
		row("joined", "%s served in %.2f s, %d steps", j.Host, j.Seconds, j.Steps)
	}
	for _, g := range r.Growths {
		row("growth", "pool %s: %.1f %% full, grew by %d volumes in %.2f s to %.1f %%", g.Pool, 100*g.UsedBefore, g.Volumes, g.Seconds, 100*g.UsedAfter)
	}
	row("made twice", "%d objects", len(r.CreatedTwice))
	row("leaked volumes", "%d", r.LeakedVolumes)
	row("secrets found", "%d places", len(r.SecretsFound))
	row("ZooKeeper", "%s", r.Zookeeper)
	row("ok", "%t", r.OK)
	_ = t.Flush() // out is a terminal or a buffer
	for _, f := range r.Failures {
		fmt.Fprintln(out, "  FAILED:", f)
	}
}
