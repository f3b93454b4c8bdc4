package mesostest

import (
	"bytes"
	"encoding/json"

	"github.com/gogo/protobuf/proto"
)

// mediaType is one of the two encodings of the v1 API.
type mediaType string

const (
	mediaJSON     mediaType = "application/json"
	mediaProtobuf mediaType = "application/x-protobuf"
)

// rejection is the text of a 400, in the words of Mesos.
type rejection string

func (r rejection) Error() string { return string(r) }

// message is a mesos-go call or event.
type message interface {
	proto.Message
	proto.Marshaler
	proto.Unmarshaler
}

// encode writes an event as Mesos does: in JSON, fields without a value and empty lists do not appear.
func (m mediaType) encode(event message) ([]byte, error) {
	if m == mediaProtobuf {
		return event.Marshal()
	}
	return encodeJSON(event)
}

func encodeJSON(v any) ([]byte, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	tree, err := decodeTree(raw)
	if err != nil {
		return nil, err
	}
	return json.Marshal(prune(tree))
}

func decodeTree(raw []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var tree any
	err := decoder.Decode(&tree)
	return tree, err
}

// prune removes nulls and empty lists from objects.
func prune(tree any) any {
	switch node := tree.(type) {
	case map[string]any:
		for key, value := range node {
			if list, ok := value.([]any); value == nil || ok && len(list) == 0 {
				delete(node, key)
				continue
			}
			node[key] = prune(value)
		}
	case []any:
		for i := range node {
			node[i] = prune(node[i])
		}
	}
	return tree
}

// decodeCall parses a request body; the error is the text of the 400 that a real master or agent answers.
func (m mediaType) decodeCall(body []byte, call message) error {
	if m == mediaProtobuf {
		if err := call.Unmarshal(body); err != nil {
			return rejection("Failed to parse body into Call protobuf")
		}
		return nil
	}
	tree, err := parseJSON(body)
	if err != nil {
		return err
	}
	if err := conform(tree, call); err != nil {
		return err
	}
	clean, err := json.Marshal(prune(tree))
	if err != nil {
		return rejection("Failed to convert JSON into Call protobuf: " + err.Error())
	}
	if err := json.Unmarshal(clean, call); err != nil {
		return rejection("Failed to convert JSON into Call protobuf: " + err.Error())
	}
	return nil
}
