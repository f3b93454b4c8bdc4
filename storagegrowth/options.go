package storagegrowth

import (
	"errors"
	"fmt"
	"time"
)

// Options configure a Core.
type Options struct {
	Policy Policy
	// Overrides change the policy for single pools.
	Overrides []Override

	// MaxAttempts is how many counted failures of one state give a volume up.
	// Default 5.
	MaxAttempts int
	// Backoff delays what failed or what was throttled; it doubles up to
	// BackoffMax. Default 2 s to 2 minutes.
	Backoff, BackoffMax time.Duration
	// Poll is the time between two looks at the provider while something is
	// under way; it doubles up to PollMax while nothing changes. Default 1 s to
	// 15 s.
	Poll, PollMax time.Duration
	// Resend is the time after which a question to a node agent is asked again;
	// it doubles up to ResendMax. Default 1 s to 15 s.
	Resend, ResendMax time.Duration
	// CallTimeout is when an effect that nobody answered is asked again. It is
	// longer than any performer's own limit. Default 3 minutes.
	CallTimeout time.Duration
	// AttachTimeout is how long a volume may be attaching. Default 90 s.
	AttachTimeout time.Duration
	// MismatchWait is how long a volume is looked for by its tags before a
	// burnt token is replaced. Default 1 minute.
	MismatchWait time.Duration
	// GoneAfter is how long the provider must not show a volume or an instance
	// before it is believed to be gone. Default 1 minute.
	GoneAfter time.Duration
	// AppearWithin is how long a block device may take to appear on its host, a
	// device to become normal in its pool, and a volume to be detached. Default
	// 10 minutes.
	AppearWithin time.Duration
	// ParkAfter is how long a node may be out of reach before its slots are
	// parked. Default 30 minutes.
	ParkAfter time.Duration
	// AuditEvery is the time between two looks for orphans. Default 1 hour.
	AuditEvery time.Duration
	// StatusEvery is the least time between two changes of the status record
	// that nothing depends on. Default 1 minute.
	StatusEvery time.Duration
	// OrderWait is how long an order waits for readings. Default 2 minutes.
	OrderWait time.Duration
}

// DefaultOptions are the options with the default policy.
func DefaultOptions() Options {
	return Options{
		Policy:      DefaultPolicy(),
		MaxAttempts: 5,
		Backoff:     2 * time.Second, BackoffMax: 2 * time.Minute,
		Poll: time.Second, PollMax: 15 * time.Second,
		Resend: time.Second, ResendMax: 15 * time.Second,
		CallTimeout:   3 * time.Minute,
		AttachTimeout: 90 * time.Second,
		MismatchWait:  time.Minute,
		GoneAfter:     time.Minute,
		AppearWithin:  10 * time.Minute,
		ParkAfter:     30 * time.Minute,
		AuditEvery:    time.Hour,
		StatusEvery:   time.Minute,
		OrderWait:     2 * time.Minute,
	}
}

func (o *Options) validate() error {
	errs := []error{o.Policy.Validate()}
	seen := make(map[string]bool)
	for _, override := range o.Overrides {
		if seen[override.Pool] {
			errs = append(errs, fmt.Errorf("policy file: pool %q is there twice", override.Pool))
		}
		seen[override.Pool] = true
		if err := o.Policy.With(override).Validate(); err != nil {
			errs = append(errs, fmt.Errorf("policy file: pool %q: %w", override.Pool, err))
		}
	}
	if o.MaxAttempts < 1 {
		errs = append(errs, fmt.Errorf("MaxAttempts is %d, want 1 or more", o.MaxAttempts))
	}
	for _, d := range []struct {
		name       string
		value, max time.Duration
	}{
		{"Backoff", o.Backoff, o.BackoffMax},
		{"Poll", o.Poll, o.PollMax},
		{"Resend", o.Resend, o.ResendMax},
		{"CallTimeout", o.CallTimeout, o.CallTimeout},
		{"AttachTimeout", o.AttachTimeout, o.AttachTimeout},
		{"MismatchWait", o.MismatchWait, o.MismatchWait},
		{"GoneAfter", o.GoneAfter, o.GoneAfter},
		{"AppearWithin", o.AppearWithin, o.AppearWithin},
		{"ParkAfter", o.ParkAfter, o.ParkAfter},
		{"AuditEvery", o.AuditEvery, o.AuditEvery},
		{"StatusEvery", o.StatusEvery, o.StatusEvery},
		{"OrderWait", o.OrderWait, o.OrderWait},
	} {
		if d.value <= 0 || d.max < d.value {
			errs = append(errs, fmt.Errorf("%s is %s up to %s, want more than 0 and no more than its maximum", d.name, d.value, d.max))
		}
	}
	return errors.Join(errs...)
}

// policy is what applies to a pool, "protection domain/pool".
func (o *Options) policy(pool string) Policy {
	for _, override := range o.Overrides {
		if override.Pool == pool {
			return o.Policy.With(override)
		}
	}
	return o.Policy
}

// doubled is a delay after n repetitions.
func doubled(first, most time.Duration, n int) time.Duration {
	for d := first; ; d *= 2 {
		if n <= 0 || d >= most {
			return min(d, most)
		}
		n--
	}
}
