package ec2test

import "time"

// How a creation fails after it was accepted. Either way its token is burnt.
const (
	FailWithError = "error"  // the volume stays, in the state error
	FailAndVanish = "vanish" // the volume is gone, as with a key that cannot be used
)

// Fault strikes calls on their way. Of several that match, the oldest strikes.
type Fault struct {
	Action string            // for example AttachVolume; "": any
	Match  map[string]string // request parameters that must have these values
	Skip   int               // matching calls to let pass first
	Times  int               // calls to strike; 0: one, negative: all

	// Before the effect, or after it. Delay, Do, Code and Drop happen then.
	After bool
	Delay time.Duration // the call is held for so long, then goes on
	Do    func()        // runs without any lock held
	Code  string        // answered with this error code; see also Throttle
	// Message and Status belong to Code; defaults: a sentence, 400.
	Message string
	Status  int
	Drop    bool // the connection is cut instead of an answer

	Stick bool   // AttachVolume: stays attaching until detached
	Fail  string // CreateVolume: FailWithError or FailAndVanish
}

// Inject adds a fault.
func (c *Cloud) Inject(f Fault) {
	if f.Times == 0 {
		f.Times = 1
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults = append(c.faults, &f)
}

// ClearFaults forgets the faults that did not strike yet, and returns how many
// those were.
func (c *Cloud) ClearFaults() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	left := 0
	for _, f := range c.faults {
		if f.Times > 0 {
			left++
		}
	}
	c.faults = nil
	return left
}

// Throttle refuses calls with RequestLimitExceeded.
func Throttle(action string, times int) Fault {
	return Fault{Action: action, Times: times, Code: "RequestLimitExceeded", Message: "Request limit exceeded.", Status: 503}
}

// LoseReply cuts the connection after the effect.
func LoseReply(action string) Fault { return Fault{Action: action, After: true, Drop: true} }

// LoseRequest cuts the connection before the effect.
func LoseRequest(action string) Fault { return Fault{Action: action, Drop: true} }

// faultFor takes the fault that strikes this call, or a harmless one.
func (c *Cloud) faultFor(q query) Fault {
	for n, f := range c.faults {
		if !f.matches(q) {
			continue
		}
		if f.Skip > 0 {
			f.Skip--
			continue
		}
		struck := *f
		if f.Times > 0 {
			f.Times--
		}
		if f.Times == 0 {
			c.faults = append(c.faults[:n:n], c.faults[n+1:]...)
		}
		return struck
	}
	return Fault{}
}

func (f *Fault) matches(q query) bool {
	if f.Action != "" && f.Action != q.action {
		return false
	}
	for name, want := range f.Match {
		if q.get(name) != want {
			return false
		}
	}
	return true
}

func (f Fault) refusal() *Refusal {
	if f.Code == "" {
		return nil
	}
	r := &Refusal{Code: f.Code, Message: f.Message, Status: f.Status}
	if r.Message == "" {
		r.Message = "The double was told to refuse this."
	}
	if r.Status == 0 {
		r.Status = 400
	}
	return r
}
