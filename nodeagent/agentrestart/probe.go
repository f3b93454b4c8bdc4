package agentrestart

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

// Endpoint is where the host's Mesos agent answers. The zero value is nowhere.
type Endpoint struct {
	Address string `json:"address"` // host:port
	Secure  bool   `json:"secure,omitempty"`
}

// answer is what an agent's answer proves.
type answer int

const (
	// silent: nothing listens there, or it does not speak yet.
	silent answer = iota
	// recovering: the agent has taken its flags and looks for its executors.
	recovering
	// hidden: something answers that does not tell us more: it wants to know who
	// asks, or is of an age without /state.
	hidden
	// runs: the agent has recovered and serves.
	runs
)

// seen is one look at the agent.
type seen struct {
	answer    answer
	started   float64
	isolation string
}

const (
	probeTimeout = 5 * time.Second
	// maxState bounds what is read of /state, which holds every task of the agent.
	maxState = 64 << 20
)

// ask looks at the agent. It sends nothing that is secret and believes nothing
// that matters to anybody else, so a certificate is not verified: who answers
// at the address of this host's agent is root's choice.
func (r *Restart) ask(ctx context.Context) seen {
	if r.opt.Agent.Address == "" {
		return seen{answer: hidden}
	}
	target := url.URL{Scheme: "http", Host: r.opt.Agent.Address, Path: "/state"}
	if r.opt.Agent.Secure {
		target.Scheme = "https"
	}
	transport := &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	client := http.Client{Transport: transport, Timeout: probeTimeout}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), http.NoBody)
	if err != nil {
		return seen{answer: hidden}
	}
	res, err := client.Do(req)
	if err != nil {
		return seen{answer: ofError(err)}
	}
	defer func() { _ = res.Body.Close() }() // read only
	switch res.StatusCode {
	case http.StatusOK:
	case http.StatusServiceUnavailable:
		return seen{answer: recovering}
	default:
		return seen{answer: hidden}
	}
	var state struct {
		StartTime float64 `json:"start_time"`
		Flags     struct {
			Isolation string `json:"isolation"`
		} `json:"flags"`
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, maxState)).Decode(&state); err != nil {
		return seen{answer: hidden}
	}
	return seen{answer: runs, started: state.StartTime, isolation: state.Flags.Isolation}
}

// ofError tells an agent that is not there from one that does not like us.
func ofError(err error) answer {
	var op *net.OpError
	var timeout net.Error
	if errors.As(err, &op) && op.Op == "dial" || errors.As(err, &timeout) && timeout.Timeout() || errors.Is(err, context.Canceled) {
		return silent
	}
	return hidden
}
