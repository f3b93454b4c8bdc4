package steps

import (
	"context"
	"errors"
	"fmt"

	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/nodeagent/failure"
	"scaleio-framework/scaleio"
)

// renameSystem gives the system its name.
type renameSystem struct {
	name string
	scli *scli
}

func (h *Host) renameSystem(p nodeproto.RenameSystemParams, r Request) (Step, error) {
	if p.Name == "" {
		return nil, errors.New("parameters lack the name")
	}
	cli, err := h.scli(p.Release, p.Username, r.Secrets)
	return &renameSystem{name: p.Name, scli: cli}, err
}

// Detect asks for the name.
func (s *renameSystem) Detect(ctx context.Context) (bool, error) {
	if err := s.scli.login(ctx); err != nil {
		return false, err
	}
	name, err := s.current(ctx)
	if err == nil && name != "" && name != s.name {
		// Its users know the system by that name.
		err = failure.Hopelessf("the system is called %q already, wanted is %q: put that name as system_name into /cluster in ZooKeeper and let another scheduler lead, or rename the system by scli --rename_system; then retry the step", name, s.name)
	}
	return name == s.name, err
}

// current is the name, which versions show in one query or the other.
func (s *renameSystem) current(ctx context.Context) (string, error) {
	c, err := s.scli.members(ctx)
	if err != nil || c.Name != "" {
		return c.Name, err
	}
	out, err := s.scli.must(ctx, s.scli.build.QueryAll())
	if err != nil {
		return "", err
	}
	info, err := scaleio.ParseSystem(out)
	return info.Name, err
}

// Apply renames.
func (s *renameSystem) Apply(ctx context.Context) error {
	return s.scli.change(ctx, s.scli.build.RenameSystem(s.name))
}

// Verify asks again.
func (s *renameSystem) Verify(ctx context.Context) (any, error) {
	name, err := s.current(ctx)
	if err == nil && name != s.name {
		err = fmt.Errorf("the system's name is %q, wanted is %q, although scli reported success", name, s.name)
	}
	return nil, err
}
