package ebs

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/smithy-go/middleware"
)

// mutating are the actions that change something. Each has a retryer and so a
// rate of its own.
var mutating = []string{"CreateVolume", "AttachVolume", "DetachVolume", "DeleteVolume"}

// retryer repeats with exponential back-off and full jitter, and slows down
// while EC2 throttles.
func (o Options) retryer() aws.Retryer {
	return retry.NewAdaptiveMode(func(a *retry.AdaptiveModeOptions) {
		a.StandardOptions = append(a.StandardOptions, func(s *retry.StandardOptions) {
			s.MaxAttempts = o.Retries + 1
			s.MaxBackoff = o.MaxBackoff
		})
	})
}

// call is one call of an action with all its attempts.
type call struct {
	client *Client
	action string
	lost   bool // an attempt may have had its effect and we do not know
}

// begin bounds a call in time. The function that it returns ends it.
func (c *Client) begin(ctx context.Context, action string) (context.Context, *call, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(ctx, c.opts.CallTimeout)
	return ctx, &call{client: c, action: action}, cancel
}

// options give the call the retryer of its action and watch its attempts.
func (c *call) options(o *ec2.Options) {
	if r := c.client.retryers[c.action]; r != nil {
		o.Retryer = r
	}
	o.APIOptions = append(slices.Clone(o.APIOptions), func(stack *middleware.Stack) error {
		return stack.Finalize.Insert(middleware.FinalizeMiddlewareFunc("WatchAttempts", c.watch), "Retry", middleware.After)
	})
}

// watch sees each attempt. Attempts of one call follow each other.
func (c *call) watch(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
	out, metadata, err := next.HandleFinalize(ctx, in)
	if err != nil && slices.Contains(mutating, c.action) && mayHaveHappened(err) {
		c.lost = true
	}
	return out, metadata, err
}
