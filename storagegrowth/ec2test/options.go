package ec2test

import (
	"errors"
	"fmt"
	"time"
)

// Options describe the account. The zero value is one region us-east-1 with
// three zones, no limits, and steps that take no time.
type Options struct {
	Region string   // default us-east-1
	Zones  []string // default Region+a, +b, +c
	Limits Limits   // zero fields: no limit

	Manual bool   // steps are taken by Advance only; Delays must be zero
	Delays Delays // how long steps take

	PageSize int // describes without ids page by this even when not asked to; 0: one page
	HideNew  int // the first describes after its creation that do not see a volume

	Role string // the role that IMDS serves credentials of; "": none

	Now func() time.Time // default time.Now

	OnAttach func(Attachment) // a disk appears at an instance
	OnDetach func(Attachment) // a disk is gone from an instance
}

// Delays are how long each step takes.
type Delays struct{ Create, Attach, Detach time.Duration }

// Limits of the account. Root volumes count, as they do in EC2.
type Limits struct {
	Volumes    int // how many volumes
	StorageGiB int // their sum
}

func (o Options) withDefaults() Options {
	if o.Region == "" {
		o.Region = "us-east-1"
	}
	if len(o.Zones) == 0 {
		o.Zones = []string{o.Region + "a", o.Region + "b", o.Region + "c"}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

func (o Options) validate() error {
	if o.Delays.Create < 0 || o.Delays.Attach < 0 || o.Delays.Detach < 0 {
		return errors.New("Delays must not be negative")
	}
	if o.Manual && o.Delays != (Delays{}) {
		return errors.New("Delays have no meaning with Manual")
	}
	if o.PageSize < 0 || o.HideNew < 0 || o.Limits.Volumes < 0 || o.Limits.StorageGiB < 0 {
		return errors.New("PageSize, HideNew and Limits must not be negative")
	}
	seen := map[string]bool{}
	for _, z := range o.Zones {
		if z == "" || seen[z] {
			return fmt.Errorf("zone %q is empty or given twice", z)
		}
		seen[z] = true
	}
	return nil
}
