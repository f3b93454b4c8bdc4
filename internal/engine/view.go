package engine

import (
	"sync/atomic"

	"scaleio-framework/leader"
)

// View is what is committed, for readers beside the engine. It must not be
// changed.
type View struct {
	Epoch   uint64
	Records leader.Snapshot
	// Unreadable are records that are left alone, with the reason.
	Unreadable map[string]string
}

type views struct{ current atomic.Pointer[View] }

func newViews() *views {
	v := &views{}
	v.current.Store(&View{})
	return v
}

func (v *views) publish(view View) { v.current.Store(&view) }
func (v *views) latest() View      { return *v.current.Load() }
