package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"scaleio-framework/internal/httpapi"
	"scaleio-framework/internal/model"
	"scaleio-framework/leader"
	"scaleio-framework/scheduler/bootstrap"
)

// uninstallSteps is after how many steps of the removal its leader is killed:
// in the middle of the hosts' packages.
const uninstallSteps = 12

// uninstallScenario makes a system, removes it with the leader killed in the
// middle, and makes another one on the same hosts.
func uninstallScenario(ctx context.Context, s *stage) error {
	s.opts.Platform = s.opts.gatewayless() // without one nothing is removed
	return s.inWorld(ctx, "world", func(w *World) error {
		state, err := w.await(ctx, "the bootstrap", bootstrapLimit, s.progress.show, func(st State) bool { return st.Complete(s.opts.Agents) })
		if err != nil {
			return err
		}
		s.bootstrapped(w, state)
		if err := s.uninstall(ctx, w, state); err != nil {
			return err
		}
		s.remade = true
		return s.installAgain(ctx, w)
	})
}

func (s *stage) uninstall(ctx context.Context, w *World, before State) error {
	s.progress.say("order to remove everything")
	if err := w.orderUninstall(ctx, before.Cluster.SystemName); err != nil {
		return err
	}
	if _, err := w.await(ctx, "the first steps of the removal", bootstrapLimit, nil, func(st State) bool { return removed(st) >= uninstallSteps }); err != nil {
		return err
	}
	s.progress.say("kill -9 of the leader and its parent, in the middle of the removal")
	if err := s.drill(ctx, w, Kill); err != nil {
		return err
	}
	after, err := w.await(ctx, "the removal", bootstrapLimit, nil, func(st State) bool {
		return st.Cluster.Uninstall.Over() && ended(st)
	})
	if err != nil {
		return err
	}
	u := after.Cluster.Uninstall
	s.report.Uninstall = &UninstallReport{Hosts: len(after.Plans), Steps: removed(after), Seconds: u.Finished.Sub(*u.Begun).Seconds()}
	s.progress.say("removal complete: %d steps on %d hosts in %.2f s", removed(after), len(after.Plans), s.report.Uninstall.Seconds)
	return w.inspectRemoval(s.report)
}

// removed counts the steps of the removal that were done.
func removed(st State) (n int) {
	steps := st.Steps()
	names := make(map[string]bool)
	for _, s := range bootstrap.RemovalGraph() {
		names[s.Name] = true
	}
	for key, step := range steps {
		_, name, _ := cutKey(key)
		if names[name] && step.State == model.Done {
			n++
		}
	}
	return n
}

// cutKey takes "host/step/object" apart.
func cutKey(key string) (host, name, object string) {
	parts := append(bytes.SplitN([]byte(key), []byte("/"), 3), nil, nil)
	return string(parts[0]), string(parts[1]), string(parts[2])
}

// ended reports whether no node agent is left.
func ended(st State) bool {
	for _, node := range st.Nodes {
		if node.State != model.TaskEnded && node.State != model.TaskNone {
			return false
		}
	}
	return true
}

// orderUninstall gives the order as scaleioctl does.
func (w *World) orderUninstall(ctx context.Context, system string) error {
	card, led, err := w.client.Leader(ctx)
	if err != nil || !led {
		return errors.Join(errors.New("nobody leads"), err)
	}
	body, err := json.Marshal(httpapi.OrderRequest{System: system, By: "sandbox"})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, card.URL+"/v1/uninstall", bytes.NewReader(body))
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("the order was answered with %s: %s", resp.Status, text)
	}
	return err
}

// inspectRemoval checks that hosts and ScaleIO are as they were before.
func (w *World) inspectRemoval(r *Report) error {
	now := w.system.Snapshot()
	if now.Cluster.Mode != 0 || len(now.Domains)+len(now.Pools)+len(now.SDSs)+len(now.Volumes) > 0 {
		r.fail("the removal left of ScaleIO: %+v", now)
	}
	for _, h := range w.hosts {
		for _, component := range []string{"mdm", "sds", "sdc", "lia", "gateway", "activemq"} {
			if version := w.system.Installed(h.Name, "emc-scaleio-"+component); version != "" {
				r.fail("the removal left %s %s on %s", component, version, h.Name)
			}
		}
		if h.Root == "" {
			continue
		}
		for _, left := range []string{"opt/emc", "var/lib/scaleio-framework", "bin/emc/scaleio/drv_cfg.txt"} {
			if _, err := os.Lstat(filepath.Join(h.Root, left)); !errors.Is(err, os.ErrNotExist) {
				r.fail("the removal left /%s on %s (%v)", left, h.Name, err)
			}
		}
	}
	return nil
}

// installAgain lets a framework of the same name, that knows nothing of the
// first, make a system on the hosts.
func (s *stage) installAgain(ctx context.Context, w *World) error {
	for _, scheduler := range w.schedulers {
		if err := scheduler.Close(); err != nil {
			return err
		}
	}
	w.schedulers = nil
	s.progress.say("another framework makes a system on the same hosts")
	root := "/scaleio-framework/" + w.name + "-again"
	if err := w.StartScheduler("SIO_ZK=zk://" + w.zk.cluster.ConnectString() + root); err != nil {
		return err
	}
	client, err := leader.Open(ctx, w.zkOptions(root))
	if err != nil {
		return err
	}
	w.client.Close()
	w.client = client
	start := time.Now()
	state, err := w.await(ctx, "the second bootstrap", bootstrapLimit, s.progress.show, func(st State) bool { return st.Complete(s.opts.Agents) })
	if err != nil {
		return err
	}
	s.report.Again = &BootstrapReport{
		Agents: len(state.Plans), Seconds: time.Since(start).Seconds(), Steps: state.Over(), FrameworkID: state.Framework.ID,
	}
	s.progress.say("second bootstrap of %d hosts complete: %d steps", len(state.Plans), state.Over())
	return nil
}
