package ebs

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/hashicorp/go-hclog"
)

// Options say how EC2 is reached.
type Options struct {
	// Region, for example eu-west-1. Default: that of the environment, the
	// files, or the instance the process runs on.
	Region string
	// Endpoint is the URL of the EC2 API. Default: AWS's for the region.
	Endpoint string
	// HTTPClient sends the requests to EC2; the credential chain has its own.
	// Default: a client with AttemptTimeout that trusts AWS_CA_BUNDLE, if set.
	HTTPClient *http.Client
	// Retries are the attempts after the first. Default 4; negative: none.
	Retries int
	// MaxBackoff is the longest wait between two attempts. Default 10 s.
	MaxBackoff time.Duration
	// AttemptTimeout ends one attempt of the default HTTPClient. Default 15 s.
	AttemptTimeout time.Duration
	// CallTimeout ends a call with all its attempts, unless the context of the
	// caller ends it before. At least AttemptTimeout. Default 1 min.
	CallTimeout time.Duration
	// Logger is required.
	Logger hclog.Logger
}

func (o Options) withDefaults() Options {
	switch {
	case o.Retries == 0:
		o.Retries = 4
	case o.Retries < 0:
		o.Retries = 0
	}
	if o.MaxBackoff == 0 {
		o.MaxBackoff = 10 * time.Second
	}
	if o.AttemptTimeout == 0 {
		o.AttemptTimeout = 15 * time.Second
	}
	if o.CallTimeout == 0 {
		o.CallTimeout = time.Minute
	}
	return o
}

func (o Options) validate() error {
	if o.Logger == nil {
		return errors.New("ebs: Logger is missing")
	}
	if o.MaxBackoff < 0 || o.AttemptTimeout < 0 || o.CallTimeout < o.AttemptTimeout {
		return errors.New("ebs: MaxBackoff and AttemptTimeout must be positive and CallTimeout at least AttemptTimeout")
	}
	if o.Endpoint == "" {
		return nil
	}
	u, err := url.Parse(o.Endpoint)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("ebs: Endpoint %q is not an http or https URL", o.Endpoint)
	}
	return nil
}
