package app

import (
	"context"

	"scaleio-framework/scheduler/mesosapi"
)

// mesosClient makes the client of one term. run keeps the knowledge of the
// leading master up to date and blocks until its context ends.
func (a *App) mesosClient(s *store) (client *mesosapi.Client, run func(context.Context), err error) {
	detector, err := mesosapi.NewDetector(a.cfg.Mesos.Master, a.logger)
	if err != nil {
		return nil, nil, err
	}
	client, err = mesosapi.New(mesosapi.Options{
		Detector:        detector,
		Fence:           s.fence,
		Name:            "scaleio-framework/" + a.cfg.Name,
		User:            a.cfg.Mesos.User,
		Role:            a.cfg.Mesos.Role,
		Principal:       a.cfg.Mesos.Principal,
		Secret:          a.cfg.Mesos.Secret,
		FailoverTimeout: a.cfg.Mesos.FailoverTimeout,
		Hostname:        a.card.Hostname,
		WebUIURL:        a.card.URL,
		ExecutorEnvironment: map[string]string{
			"SIO_NAME": a.cfg.Name,
		},
		Logger: a.logger,
	})
	if err != nil {
		return nil, nil, err
	}
	return client, detector.Run, nil
}
