package app

import (
	"context"
	"strconv"

	"scaleio-framework/leader"
	"scaleio-framework/scheduler/mesosapi"
)

// warm is a detector that somebody else runs: a standby, too, knows the
// leading master, so that a take-over does not wait for a ZooKeeper session.
type warm struct{ mesosapi.Detector }

// Run implements mesosapi.Detector.
func (warm) Run(ctx context.Context) { <-ctx.Done() }

// mesosClient makes the client of one term; changed is told of subscriptions
// and of their ends.
func (a *App) mesosClient(won *leader.Term, changed func()) (*mesosapi.Client, error) {
	return mesosapi.New(mesosapi.Options{
		Detector:        warm{a.detector},
		Fence:           won.Affirm,
		Name:            "scaleio-framework/" + a.cfg.Name,
		User:            a.cfg.Mesos.User,
		Role:            a.cfg.Mesos.Role,
		Principal:       a.cfg.Mesos.Principal,
		Secret:          a.cfg.Mesos.Secret,
		FailoverTimeout: a.cfg.Mesos.FailoverTimeout,
		Hostname:        a.card.Hostname,
		WebUIURL:        a.card.URL + "/ui/",
		ExecutorEnvironment: map[string]string{
			"SIO_NAME":                  a.cfg.Name,
			"SIO_SCLI_PASSWORD_IN_ARGS": strconv.FormatBool(a.cfg.Executor.SCLIPasswordInArgs),
		},
		SubscriptionChanged: changed,
		Logger:              a.logger,
	})
}
