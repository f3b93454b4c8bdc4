package leader

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Layout is the version of the znodes' layout that this program writes.
const Layout = 1

// epochRecord is the data of /epoch. Fields that it does not know are kept.
type epochRecord struct {
	epoch    uint64
	instance string
	unknown  map[string]json.RawMessage
}

// decodeEpoch reads /epoch; an error tells what is wrong with it.
func decodeEpoch(data []byte) (epochRecord, error) {
	fields := map[string]json.RawMessage{}
	if err := json.Unmarshal(data, &fields); err != nil {
		return epochRecord{}, err
	}
	if fields == nil {
		return epochRecord{}, errors.New("not an object")
	}
	r := epochRecord{unknown: fields}
	if err := json.Unmarshal(fields["epoch"], &r.epoch); err != nil || string(fields["epoch"]) == "null" {
		return epochRecord{}, errors.New(`no whole number "epoch"`)
	}
	if err := json.Unmarshal(fields["instance"], &r.instance); err != nil {
		return epochRecord{}, errors.New(`no text "instance"`)
	}
	return r, nil
}

// succeed encodes the record of a new epoch under the given card.
func (r epochRecord) succeed(epoch uint64, card Card, now time.Time) []byte {
	fields := map[string]any{}
	for name, value := range r.unknown {
		fields[name] = value
	}
	fields["epoch"] = epoch
	fields["instance"] = card.Instance
	fields["url"] = card.URL
	fields["since"] = now.UTC().Truncate(time.Millisecond)
	data, err := json.MarshalIndent(fields, "", "  ") // sorted keys
	if err != nil {
		panic(err) // values that were unmarshaled before, numbers and texts
	}
	return append(data, '\n')
}

// unreadable names a broken znode.
func unreadable(path string, err error) error {
	return fmt.Errorf("%w %s: %w", ErrUnreadable, path, err)
}

type layoutRecord struct {
	Layout int `json:"layout"`
}

func encodeLayout() []byte {
	return fmt.Appendf(nil, "{\n  \"layout\": %d\n}\n", Layout)
}

// checkLayout refuses every layout but this program's.
func checkLayout(data []byte) error {
	var r layoutRecord
	if err := json.Unmarshal(data, &r); err != nil {
		return unreadable(PathVersion, err)
	}
	switch {
	case r.Layout < 1:
		return unreadable(PathVersion, errors.New(`no positive number "layout"`))
	case r.Layout != Layout:
		return fmt.Errorf("%w: %s says %d, this program knows %d", ErrLayout, PathVersion, r.Layout, Layout)
	}
	return nil
}
