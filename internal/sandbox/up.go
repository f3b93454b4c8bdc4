package sandbox

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Up starts a sandbox, prints how to reach it, and keeps it until ctx ends.
func Up(ctx context.Context, opts Options) (err error) {
	if err := opts.complete(); err != nil {
		return err
	}
	if opts.Dir == "" {
		if opts.Dir, err = os.MkdirTemp("", "scaleio-sandbox-"); err != nil {
			return err
		}
	}
	if opts.Dir, err = filepath.Abs(opts.Dir); err != nil {
		return err
	}
	s := &stage{opts: opts, dir: opts.Dir, servers: 1, report: newReport(), progress: newProgress(opts.Out, opts.Terminal, opts.Width, time.Now)}
	return s.play(ctx, func(ctx context.Context, s *stage) error {
		w, err := NewWorld(ctx, s.opts, s.zk, s.dir, "demo")
		if err != nil {
			return err
		}
		defer func() {
			if closeErr := w.Close(); err == nil {
				err = closeErr
			}
		}()
		if err := w.StartSchedulers(); err != nil {
			return err
		}
		if err := w.describe(); err != nil {
			return err
		}
		if w.mesos != nil {
			s.watch(ctx, w)
		}
		<-ctx.Done()
		s.progress.say("stopping")
		return nil
	})
}

// watchInterval is how often the sandbox looks what is new, for people.
const watchInterval = 100 * time.Millisecond

// watch shows the bootstrap until it is complete or ctx ends. A step that is
// stuck is shown; to find out why, and to mend it, is what the sandbox is there
// for.
func (s *stage) watch(ctx context.Context, w *World) {
	ticker := time.NewTicker(watchInterval)
	defer ticker.Stop()
	stuck := 0
	for {
		// An error is that of a ZooKeeper that is frozen on purpose, or of ctx.
		if state, err := w.State(ctx); err == nil {
			s.progress.show(state)
			if state.Complete(s.opts.Agents) {
				s.bootstrapped(w, state)
				return
			}
			before := stuck
			if stuck = len(state.Stuck()); stuck > 0 && before == 0 {
				s.progress.say("what is stuck waits for you: mend the cause, then scaleioctl plan retry STEP [--host HOST]; the sandbox stays up")
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// describe prints the addresses, the command lines and the hosts' environment.
func (w *World) describe() error {
	out := w.opts.Out
	fmt.Fprintf(out, "\ndirectory    %s\n", w.dir)
	for _, s := range w.schedulers {
		fmt.Fprintf(out, "%-12s %s  (pid %d, log %s)\n", s.Name, s.URL, s.PID(), s.Log)
	}
	if w.mesos != nil {
		fmt.Fprintf(out, "Mesos        %s\n", w.mesos.MasterURL())
	} else {
		fmt.Fprintf(out, "Mesos        %s (external)\n", w.opts.Mesos)
	}
	zk := w.zk.cluster.ConnectString()
	fmt.Fprintf(out, "zkCli        /usr/share/zookeeper/bin/zkCli.sh -server %s ls -R /scaleio-framework/%s\n", zk, w.name)
	fmt.Fprintf(out, "scaleioctl   %s --zk zk://%s/scaleio-framework/%s status --watch\n", filepath.Join(w.opts.Bin, "scaleioctl"), zk, w.name)
	fmt.Fprintf(out, "password     in %s\n", w.passwordFile())
	if w.platform != nil {
		fmt.Fprintf(out, "platform     %s  (user %s, password in %s)\n", w.platform.url, platformUser, w.platform.file)
	}
	fmt.Fprintln(out, "\nenvironment of the executors on each host (for a real agent: --executor_environment_variables):")
	for _, h := range w.hosts {
		env, err := json.Marshal(h.Environment)
		if err != nil {
			return fmt.Errorf("encode the environment of %s: %w", h.Name, err)
		}
		fmt.Fprintf(out, "%-12s %s\n", h.Name, env)
	}
	if w.machines != nil {
		fmt.Fprintln(out, "\na shell on each host:")
		for _, h := range w.hosts {
			fmt.Fprintf(out, "%-12s %s bash\n", h.Name, h.Machine.Enter())
		}
	}
	fmt.Fprintln(out)
	return nil
}
