package scaleioctl

import (
	"context"
	"fmt"
	"net/http"
	"os/user"

	"scaleio-framework/internal/httpapi"
)

// verb makes the command that gives an order about the plan.
func verb(name string) func(*program, context.Context, []string) error {
	return func(p *program, ctx context.Context, words []string) error {
		request := httpapi.OrderRequest{Host: p.host}
		if len(words) > 0 {
			request.Step = words[0]
		}
		return p.order(ctx, name, "/v1/plan/"+name, request)
	}
}

// growthVerb makes the command that gives an order about the growth, pool or
// volume that its word names.
func growthVerb(name string) func(*program, context.Context, []string) error {
	return func(p *program, ctx context.Context, words []string) error {
		var request httpapi.OrderRequest
		switch name {
		case "request":
			request.Pool, request.SizeGiB = words[0], p.size
		case "delete-orphan":
			request.Volume = words[0]
		default:
			request.Growth = words[0]
		}
		return p.order(ctx, "growth "+name, "/v1/growth/"+name, request)
	}
}

// order gives an order to the leader and says what became of it.
func (p *program) order(ctx context.Context, name, path string, request httpapi.OrderRequest) error {
	return p.orderBy(ctx, http.MethodPost, name, path, request)
}

func (p *program) orderBy(ctx context.Context, method, name, path string, request httpapi.OrderRequest) error {
	request.By = "scaleioctl"
	if me, err := user.Current(); err == nil {
		request.By = me.Username
	}
	var answer httpapi.OrderAnswer
	if _, err := p.ask(ctx, method, path, request, &answer); err != nil {
		return err
	}
	if p.json {
		if err := p.printJSON(answer); err != nil {
			return err
		}
	}
	switch {
	case answer.State == "refused":
		return fmt.Errorf("%s refused: %s", name, answer.Reason)
	case p.json:
	case answer.State == "waiting":
		fmt.Fprintf(p.Out, "%s waits: %s (%s)\n", name, answer.Reason, answer.Order)
	default:
		fmt.Fprintf(p.Out, "%s %s\n", name, answer.State)
	}
	return nil
}
