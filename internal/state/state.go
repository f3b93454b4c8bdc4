// Package state decodes what is committed of the framework, its hosts and the
// plan, for those who show it; storagegrowth.Describe does so for growths. It
// decides nothing and changes nothing.
package state

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"scaleio-framework/internal/model"
	"scaleio-framework/leader"
)

// State is what stands in ZooKeeper, decoded. A record that is missing or
// unreadable is nil, or not in its map.
type State struct {
	Epoch     Epoch
	Framework *model.Framework
	Cluster   *model.Cluster
	Nodes     map[string]*model.Node     // by host
	Plans     map[string]*model.NodePlan // by host
	// Unreadable are the records that cannot be decoded, with the reason.
	Unreadable map[string]error // by path
}

// Epoch is /epoch: the last leader.
type Epoch struct {
	Epoch    uint64    `json:"epoch"`
	Instance string    `json:"instance"`
	URL      string    `json:"url"`
	Since    time.Time `json:"since"`
}

// Decode reads a snapshot. Paths it does not know are left out.
func Decode(stored leader.Snapshot) State {
	s := State{
		Nodes:      make(map[string]*model.Node),
		Plans:      make(map[string]*model.NodePlan),
		Unreadable: make(map[string]error),
	}
	for path, entry := range stored {
		if err := s.add(path, entry.Data); err != nil {
			s.Unreadable[path] = err
		}
	}
	return s
}

func (s *State) add(path string, data []byte) (err error) {
	switch path {
	case leader.PathEpoch:
		return json.Unmarshal(data, &s.Epoch)
	case leader.PathFramework:
		s.Framework, err = model.Decode[model.Framework](data)
		return err
	case leader.PathCluster:
		s.Cluster, err = model.Decode[model.Cluster](data)
		return err
	}
	if name, ok := strings.CutPrefix(path, leader.PathNodes+"/"); ok {
		host, rest, below := strings.Cut(name, "/")
		switch {
		case !below:
			return keep(s.Nodes, host, data, model.Decode[model.Node])
		case rest == "plan":
			return keep(s.Plans, host, data, model.Decode[model.NodePlan])
		}
	}
	return nil
}

func keep[T any](into map[string]*T, name string, data []byte, decode func([]byte) (*T, error)) error {
	record, err := decode(data)
	if err == nil {
		into[name] = record
	}
	return err
}

// Err names every record that cannot be decoded; nil when there is none.
func (s State) Err() error {
	var errs []error
	for _, path := range slices.Sorted(maps.Keys(s.Unreadable)) {
		errs = append(errs, fmt.Errorf("znode %s: %w", path, s.Unreadable[path]))
	}
	return errors.Join(errs...)
}
