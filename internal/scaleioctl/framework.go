package scaleioctl

import (
	"context"
	"fmt"
	"net/http"

	"scaleio-framework/internal/httpapi"
	"scaleio-framework/internal/model"
)

// resetCommand lets the next leader draw a new framework id: Mesos never takes
// one again that it has removed. The nodes and all that is installed stay; each
// host gets a new node agent under the new id.
func (p *program) resetCommand(ctx context.Context, _ []string) error {
	client, err := p.open(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	card, led, err := client.Leader(ctx)
	if err != nil {
		return err
	}
	if led {
		asked := *p
		asked.url = card.URL
		var s httpapi.Status
		if _, err := asked.ask(ctx, http.MethodGet, "/v1/status", nil, &s); err == nil && s.Subscribed {
			return fmt.Errorf("framework %s is subscribed to Mesos, so it needs no reset; with a new id its node agents would stay behind, and run beside the new ones", s.FrameworkID)
		}
	}
	id := ""
	err = client.RewriteFramework(ctx, func(old []byte) ([]byte, error) {
		id = "unknown"
		if f, err := model.Decode[model.Framework](old); err == nil {
			if f.ID == "" {
				return nil, fmt.Errorf("framework id %s is forgotten already: the next leader draws a new one", f.Forgotten)
			}
			id = f.ID
		}
		return model.Encode(model.Framework{Forgotten: id}, nil)
	})
	if err != nil {
		return fmt.Errorf("forget the framework id: %w", err)
	}
	fmt.Fprintf(p.Out, "framework id %s is forgotten; the next leader draws a new one and keeps the nodes\n", id)
	return nil
}
