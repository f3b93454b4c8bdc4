package sandbox

import (
	"scaleio-framework/internal/redact"
	"scaleio-framework/internal/zkconn"
	"scaleio-framework/internal/zkconn/zktest"
	"scaleio-framework/scaleio/scaleiotest"
	"scaleio-framework/scheduler/mesosapi/mesostest"
)

// Share makes a ZooKeeper of a cluster that somebody else starts and ends.
func Share(cluster *zktest.Cluster) *ZooKeeper { return &ZooKeeper{cluster} }

// Dir is where the world keeps hosts and logs.
func (w *World) Dir() string { return w.dir }

// Mesos is the double of Mesos, nil when an external master is used.
func (w *World) Mesos() *mesostest.Cluster { return w.mesos }

// System is the double of ScaleIO.
func (w *World) System() *scaleiotest.System { return w.system }

// Store says where the framework's znodes are.
func (w *World) Store() zkconn.Options { return w.zkOptions("/scaleio-framework/" + w.name) }

// Schedulers are the supervised instances.
func (w *World) Schedulers() []*Scheduler { return w.schedulers }

// Password is what the schedulers were given for ScaleIO.
func (w *World) Password() redact.Secret { return w.password }

// Hosts are in the order in which they were added.
func (w *World) Hosts() []*Host { return w.hosts }
