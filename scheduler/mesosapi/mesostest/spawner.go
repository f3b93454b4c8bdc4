package mesostest

import (
	"runtime"
	"sync"
)

// spawner starts all processes on one operating system thread. The kernel sends a child its parent death signal when the
// *thread* that forked it ends, so that thread must live as long as the cluster.
type spawner struct {
	jobs chan func()
	done sync.WaitGroup
}

func newSpawner() *spawner { return &spawner{jobs: make(chan func())} }

func (s *spawner) start() {
	s.done.Go(func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		for job := range s.jobs {
			job()
		}
	})
}

// do runs job on the thread and waits for it.
func (s *spawner) do(job func()) {
	finished := make(chan struct{})
	s.jobs <- func() {
		defer close(finished)
		job()
	}
	<-finished
}

// stop ends the thread; nobody may call do any more.
func (s *spawner) stop() {
	close(s.jobs)
	s.done.Wait()
}
