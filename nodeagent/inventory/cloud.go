package inventory

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"scaleio-framework/internal/model"
	"scaleio-framework/nodeagent/imds"
)

// askAgainAfter is how long a host without a metadata service is left alone:
// where packets to it vanish, each question costs its whole timeout.
const askAgainAfter = 5 * time.Minute

// identity remembers which instance of a cloud the host is. That does not
// change while the process lives, so one success is enough.
type identity struct {
	metadata *imds.Reader // nil: nobody is asked
	log      hclog.Logger

	mu      sync.Mutex
	known   *model.CloudHost
	absent  time.Time // when nobody answered
	problem string
}

// host is what the metadata service says; nil when there is none, or it makes
// no sense.
func (i *identity) host(ctx context.Context) *model.CloudHost {
	if i.metadata == nil {
		return nil
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.known != nil {
		known := *i.known
		return &known
	}
	if !i.absent.IsZero() && time.Since(i.absent) < askAgainAfter {
		return nil
	}
	found, err := i.metadata.Read(ctx)
	if err != nil {
		if ctx.Err() == nil {
			i.failed(err)
		}
		return nil
	}
	i.known = &model.CloudHost{Provider: "aws", InstanceID: found.InstanceID, InstanceType: found.Type, Zone: found.Zone}
	known := *i.known
	return &known
}

// failed logs a service that answers and makes no sense, once for each reason.
// A host that is on no cloud is nothing to tell.
func (i *identity) failed(err error) {
	if errors.Is(err, imds.ErrNotEC2) {
		i.absent = time.Now()
		return
	}
	if err.Error() == i.problem {
		return
	}
	i.problem = err.Error()
	i.log.Warn("the metadata service does not say which instance this is, so no volume can be attached to it", "error", err)
}
