package mesostest

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// fetchTimeout bounds the fetch of all files of one executor.
const fetchTimeout = 2 * time.Minute

// prepare makes the sandbox and fetches the files of the command; it returns what went wrong, or "".
func (e *executor) prepare() string {
	c := e.agent.cluster
	if err := os.MkdirAll(e.dir, 0o755); err != nil {
		return err.Error()
	}
	latest := filepath.Join(filepath.Dir(e.dir), "latest")
	// An old link is in the way after an earlier run; a missing one is not an error.
	_ = os.Remove(latest)
	if err := os.Symlink(e.dir, latest); err != nil {
		return err.Error()
	}
	for _, name := range []string{"stdout", "stderr"} {
		if err := os.WriteFile(filepath.Join(e.dir, name), nil, 0o644); err != nil {
			return err.Error()
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), fetchTimeout)
	defer cancel()
	c.mu.Lock()
	e.cancelFetch = cancel
	dead := e.gone || e.terminating || c.state != clusterRunning
	c.mu.Unlock()
	if dead {
		cancel()
	}
	err := fetch(ctx, e.info.Command.URIs, e.dir)
	c.mu.Lock()
	e.cancelFetch = nil
	c.mu.Unlock()
	if err != nil {
		appendLine(filepath.Join(e.dir, "stderr"), err.Error())
		return fmt.Sprintf("Failed to fetch all URIs for container '%s': exited with status 1", e.container)
	}
	return ""
}

// environmentLocked is the environment of an executor: only what the agent gives it, nothing of the agent's own.
func (e *executor) environmentLocked() []string {
	a := e.agent
	environment := map[string]string{"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
	maps.Copy(environment, a.opts.ExecutorEnvironment)
	checkpoint := "0"
	if f := a.frameworks[e.key.framework]; f != nil && f.GetCheckpoint() {
		checkpoint = "1"
		environment["MESOS_RECOVERY_TIMEOUT"] = mesosDuration(a.opts.RecoveryTimeout)
		environment["MESOS_SUBSCRIPTION_BACKOFF_MAX"] = "2secs"
	}
	maps.Copy(environment, map[string]string{
		"LIBPROCESS_IP": a.opts.IP, "LIBPROCESS_PORT": "0", "PWD": e.dir,
		"MESOS_AGENT_ENDPOINT": a.addr, "MESOS_CHECKPOINT": checkpoint, "MESOS_DIRECTORY": e.dir, "MESOS_SANDBOX": e.dir,
		"MESOS_EXECUTOR_ID": e.id, "MESOS_FRAMEWORK_ID": e.key.framework, "MESOS_SLAVE_ID": a.id,
		"MESOS_SLAVE_PID": "slave(1)@" + a.addr, "MESOS_HTTP_COMMAND_EXECUTOR": "0",
		"MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD": mesosDuration(e.grace()),
	})
	if e.command {
		environment["MESOS_ALLOCATION_ROLE"] = e.role
	}
	if variables := e.info.Command.Environment; variables != nil {
		for _, v := range variables.Variables {
			environment[v.Name] = v.GetValue()
		}
	}
	var list []string
	for _, name := range slices.Sorted(maps.Keys(environment)) {
		list = append(list, name+"="+environment[name])
	}
	return list
}

// mesosDuration writes a duration in the largest unit of Mesos that divides it.
func mesosDuration(d time.Duration) string {
	for _, unit := range []struct {
		size time.Duration
		name string
	}{
		{7 * 24 * time.Hour, "weeks"},
		{24 * time.Hour, "days"},
		{time.Hour, "hrs"},
		{time.Minute, "mins"},
		{time.Second, "secs"},
		{time.Millisecond, "ms"},
		{time.Microsecond, "us"},
	} {
		if d != 0 && d%unit.size == 0 {
			return fmt.Sprintf("%d%s", d/unit.size, unit.name)
		}
	}
	return fmt.Sprintf("%dns", d)
}
