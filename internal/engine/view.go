package engine

import (
	"sync/atomic"

	"scaleio-framework/leader"
)

// View is what is committed, for readers beside the engine. It must not be
// changed.
type View struct {
	Epoch uint64
	// Number counts the views of a term.
	Number  uint64
	Records leader.Snapshot
	// Unreadable are records that are left alone, with the reason.
	Unreadable map[string]string
	// Taken are the last orders that this term applied or refused, oldest
	// first: they leave the records in the commit that deals with them.
	Taken []TakenOrder
}

// TakenOrder is an order that was applied or refused.
type TakenOrder struct {
	Path string
	Data []byte
}

// maxTaken is how many orders are remembered.
const maxTaken = 20

type views struct{ current atomic.Pointer[View] }

func newViews() *views {
	v := &views{}
	v.current.Store(&View{})
	return v
}

// publish numbers a view and shows it.
func (v *views) publish(view View) {
	view.Number = v.latest().Number + 1
	v.current.Store(&view)
}

func (v *views) latest() View { return *v.current.Load() }
