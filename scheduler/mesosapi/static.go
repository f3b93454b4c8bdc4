package mesosapi

import (
	"context"
	"sync"
)

// Static is a Detector for masters that are known beforehand. Each call names
// the next of them: one that does not lead redirects to the one that does.
type Static struct {
	mu        sync.Mutex
	addresses []string
	next      int
}

// NewStatic takes a list of host[:port].
func NewStatic(addresses ...string) (*Static, error) {
	s := &Static{}
	for _, text := range addresses {
		address, err := parseAddress(text)
		if err != nil {
			return nil, err
		}
		s.addresses = append(s.addresses, address)
	}
	if len(s.addresses) == 0 {
		_, err := parseAddress("")
		return nil, err
	}
	return s, nil
}

// Run implements Detector: there is nothing to keep up to date.
func (*Static) Run(ctx context.Context) { <-ctx.Done() }

// Leader implements Detector.
func (s *Static) Leader(context.Context) (Leader, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	address := s.addresses[s.next]
	s.next = (s.next + 1) % len(s.addresses)
	return Leader{Address: address}, nil
}
