package model

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
)

// MaxRecord is the largest record, in bytes (architecture section 5).
const MaxRecord = 64 << 10

// ErrTooLarge says that a record is larger than MaxRecord.
type ErrTooLarge struct{ Size int }

// Error names the size and the limit.
func (e ErrTooLarge) Error() string {
	return fmt.Sprintf("record of %d bytes is larger than %d", e.Size, MaxRecord)
}

// Record is what Decode checks.
type Record interface{ Validate() error }

// Decode reads a record and checks it.
func Decode[T any, P interface {
	*T
	Record
}](data []byte) (*T, error) {
	record := new(T)
	if err := json.Unmarshal(data, record); err != nil {
		return nil, fmt.Errorf("not valid JSON: %w", err)
	}
	if err := P(record).Validate(); err != nil {
		return nil, err
	}
	return record, nil
}

// Encode writes a record as indented JSON. Fields that prior holds and that
// the record's type does not know are kept, behind the known ones, so that a
// record written by a newer release of the same layout loses nothing.
func Encode(record any, prior []byte) ([]byte, error) {
	plain, err := json.Marshal(record)
	if err != nil {
		return nil, fmt.Errorf("encode %T: %w", record, err)
	}
	if len(prior) > 0 && !KnowsAll(record, prior) {
		plain = keepUnknown(reflect.TypeOf(record), plain, prior)
	}
	var out bytes.Buffer
	if err := json.Indent(&out, plain, "", "  "); err != nil {
		return nil, fmt.Errorf("encode %T: %w", record, err)
	}
	out.WriteByte('\n')
	if out.Len() > MaxRecord {
		return nil, ErrTooLarge{Size: out.Len()}
	}
	return out.Bytes(), nil
}

// KnowsAll reports whether a record's type has a name for every field of data,
// which is so for nearly every record; to look costs a tenth of merging. What
// Encode makes of such a record without a prior text needs no look.
func KnowsAll(record any, data []byte) bool {
	t := reflect.TypeOf(record)
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	return dec.Decode(reflect.New(t).Interface()) == nil
}

// keepUnknown adds to the JSON object fresh the fields of prior that t has no
// name for, whatever its case: so does encoding/json read it. What cannot be
// understood as an object is left as it is.
func keepUnknown(t reflect.Type, fresh, prior json.RawMessage) json.RawMessage {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t.Implements(marshaler) || reflect.PointerTo(t).Implements(marshaler):
		return fresh // times and the like: one value, not an object of ours
	case t.Kind() == reflect.Struct:
		return keepUnknownFields(t, fresh, prior)
	case t.Kind() == reflect.Map:
		return keepUnknownEntries(t, fresh, prior)
	}
	return fresh
}

var marshaler = reflect.TypeFor[json.Marshaler]()

func keepUnknownFields(t reflect.Type, fresh, prior json.RawMessage) json.RawMessage {
	freshFields, ok1 := readObject(fresh)
	priorFields, ok2 := readObject(prior)
	if !ok1 || !ok2 {
		return fresh
	}
	known := make(map[string]reflect.Type)
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if name == "" {
			name = t.Field(i).Name
		}
		known[strings.ToLower(name)] = t.Field(i).Type
	}
	for i, f := range freshFields {
		if old, ok := find(priorFields, f.name); ok {
			freshFields[i].value = keepUnknown(known[strings.ToLower(f.name)], f.value, old)
		}
	}
	for _, f := range priorFields {
		if _, isKnown := known[strings.ToLower(f.name)]; !isKnown {
			freshFields = append(freshFields, f)
		}
	}
	return writeObject(freshFields)
}

func keepUnknownEntries(t reflect.Type, fresh, prior json.RawMessage) json.RawMessage {
	freshFields, ok1 := readObject(fresh)
	priorFields, ok2 := readObject(prior)
	if !ok1 || !ok2 {
		return fresh
	}
	for i, f := range freshFields {
		if old, ok := find(priorFields, f.name); ok {
			freshFields[i].value = keepUnknown(t.Elem(), f.value, old)
		}
	}
	return writeObject(freshFields)
}

// field is one member of a JSON object, in the order of the text.
type field struct {
	name  string
	value json.RawMessage
}

func find(fields []field, name string) (json.RawMessage, bool) {
	for _, f := range fields {
		if f.name == name {
			return f.value, true
		}
	}
	return nil, false
}

func readObject(data json.RawMessage) ([]field, bool) {
	dec := json.NewDecoder(bytes.NewReader(data))
	if token, err := dec.Token(); err != nil || token != json.Delim('{') {
		return nil, false
	}
	var fields []field
	for dec.More() {
		token, err := dec.Token()
		name, isText := token.(string)
		if err != nil || !isText {
			return nil, false
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return nil, false
		}
		fields = append(fields, field{name, value})
	}
	return fields, true
}

func writeObject(fields []field) json.RawMessage {
	var out bytes.Buffer
	out.WriteByte('{')
	for i, f := range fields {
		if i > 0 {
			out.WriteByte(',')
		}
		name, err := json.Marshal(f.name)
		if err != nil {
			name = []byte(`""`) // a string cannot fail to encode
		}
		out.Write(name)
		out.WriteByte(':')
		out.Write(f.value)
	}
	out.WriteByte('}')
	return out.Bytes()
}
