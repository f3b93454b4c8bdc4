package metrics

import "github.com/prometheus/client_golang/prometheus"

// namespace is what all names begin with.
const namespace = "scaleio_framework_"

// The names of the figures, without the namespace.
const (
	leading       = "leading"
	epoch         = "epoch"
	subscribed    = "subscribed"
	paused        = "paused"
	complete      = "install_complete"
	nodes         = "nodes"
	refusing      = "nodes_refusing"
	steps         = "steps"
	unreadable    = "unreadable_records"
	poolFullness  = "pool_fullness_ratio"
	poolDevice    = "pool_fullest_device_ratio"
	poolLimit     = "pool_limit_bytes"
	poolSpare     = "pool_spare_bytes"
	poolUsed      = "pool_used_bytes"
	poolUnused    = "pool_unused_bytes"
	poolThreshold = "pool_threshold_ratio"
	poolCritical  = "pool_critical_ratio"
	poolTarget    = "pool_target_ratio"
	poolFullIn    = "pool_full_in_seconds"
	poolVerdict   = "pool_growth_verdict"
	poolEnded     = "pool_last_growth_finished_timestamp_seconds"
	poolDuration  = "pool_last_growth_duration_seconds"
	growths       = "growths"
	slots         = "growth_slots"
	added         = "growth_added_bytes"
	clipped       = "growths_clipped"
	growthAt      = "growth_status_timestamp_seconds"
	growthProblem = "growth_problem"
	provider      = "growth_provider_failing"
	orphans       = "growth_orphans"
	orphansAt     = "growth_orphans_timestamp_seconds"
	decisions     = "pool_growth_decisions_total"
	limits        = "pool_growth_limits_total"
	begun         = "pool_growths_begun_total"
	finished      = "pool_growths_finished_total"
	volumesEnded  = "growth_volumes_total"
	failures      = "growth_failures_total"
	durations     = "growth_duration_seconds"
)

// figures describes every figure.
func figures() map[string]*prometheus.Desc {
	m := make(map[string]*prometheus.Desc)
	add := func(name, help string, labels ...string) {
		m[name] = prometheus.NewDesc(namespace+name, help, labels, nil)
	}
	add(leading, "1 on the leader, 0 on a standby.")
	add(epoch, "Number of the present leadership; grows by one with each leader. Leader only, as all that follow.")
	add(subscribed, "1 while Mesos has the leader's subscription.")
	add(paused, "1 while no steps are started, by order.")
	add(complete, "1 when volumes can be used.")
	add(nodes, "Agent hosts by the state of their node agent.", "state")
	add(refusing, "Agent hosts of which the last refused update is kept.")
	add(steps, "Steps of the install plan by state.", "state")
	add(unreadable, "Records that cannot be read and are left alone.")
	add(poolFullness, "Used share of what may be used, the spare excluded.", "pool")
	add(poolDevice, "Used share of the pool's fullest device.", "pool")
	add(poolLimit, "Raw capacity, the spare included.", "pool")
	add(poolSpare, "Spare capacity.", "pool")
	add(poolUsed, "Capacity in use.", "pool")
	add(poolUnused, "Capacity neither in use nor spare.", "pool")
	add(poolThreshold, "Fullness from which the pool grows.", "pool")
	add(poolCritical, "The pool's own critical threshold.", "pool")
	add(poolTarget, "Fullness that a growth aims at.", "pool")
	add(poolFullIn, "Time to full by the recent trend; absent without such a trend.", "pool")
	add(poolVerdict, "1 for the last decision on the pool.", "pool", "verdict")
	add(poolEnded, "When the pool's last growth ended; absent while it is not over.", "pool")
	add(poolDuration, "From the decision to the end of the pool's last growth; absent while it is not over.", "pool")
	add(growths, "Growths that are kept, by state.", "state")
	add(slots, "Volumes of the growths that are kept, by state.", "state")
	add(added, "Capacity of all volumes that the growths that are kept have added.")
	add(clipped, "Growths that are kept which a limit kept from their target.")
	add(growthAt, "When growth last wrote down what it thinks, which it does when that changes.")
	add(growthProblem, "1 while nothing can be decided at all.")
	add(provider, "1 while the provider of volumes answers with an error.")
	add(orphans, "Volumes with our tag that nobody accounts for.")
	add(orphansAt, "When the provider was last asked for orphans.")
	add(decisions, "Decisions on the pool that differed from the one before.", "pool", "verdict")
	add(limits, "Times that a limit kept the pool from growing, or a growth from its target.", "pool", "limit")
	add(begun, "Growths of the pool that were decided.", "pool")
	add(finished, "Growths of the pool that ended.", "pool", "outcome")
	add(volumesEnded, "Volumes of growths that came to an end.", "outcome")
	add(failures, "What went wrong with volumes of growths on the way, repeated or not.", "reason")
	add(durations, "From the decision to the end of growths that were not declined.")
	return m
}
