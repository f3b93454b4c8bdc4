package mesostest

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"strings"
)

const base64Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="

// parseJSON is strict about one value and reports a syntax error with the rest of the text, as the parser in Mesos does.
func parseJSON(body []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var tree any
	err := decoder.Decode(&tree)
	if err == nil {
		return tree, nil
	}
	rest := ""
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) && !errors.Is(err, io.ErrUnexpectedEOF) && syntax.Offset > 0 &&
		!strings.Contains(err.Error(), "unexpected end") {
		rest = string(body[min(int(syntax.Offset)-1, len(body)):])
	}
	return nil, rejection("Failed to parse body into JSON: syntax error at line 1 near: " + rest)
}

// conform checks a JSON tree against the Go type of a protobuf message, in the manner of Mesos' converter: unknown fields and
// enum values count as absent (and are removed from the tree), wrong kinds and missing fields are errors.
func conform(tree any, call message) error {
	const prefix = "Failed to convert JSON into Call protobuf: "
	object, ok := tree.(map[string]any)
	if !ok {
		return rejection(prefix + "Expecting a JSON object")
	}
	var missing []string
	if err := conformObject(object, reflect.TypeOf(call).Elem(), "", &missing); err != nil {
		return rejection(prefix + err.Error())
	}
	if len(missing) > 0 {
		return rejection(prefix + "Missing required fields: " + strings.Join(missing, ", "))
	}
	return nil
}

func conformObject(object map[string]any, typ reflect.Type, path string, missing *[]string) error {
	known := map[string]bool{}
	for i := range typ.NumField() {
		field := typ.Field(i)
		tag := field.Tag.Get("protobuf")
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if tag == "" || name == "" || name == "-" {
			continue
		}
		known[name] = true
		value, present := object[name]
		if present && value != nil {
			keep, err := conformValue(value, field.Type, name, path+name, tag, missing)
			if err != nil {
				return err
			}
			if keep {
				continue
			}
			delete(object, name)
		}
		if strings.Contains(tag, ",req,") {
			*missing = append(*missing, path+name)
		}
	}
	// Names count as they are written; the decoder of mesos-go would take another case for the same.
	maps.DeleteFunc(object, func(name string, _ any) bool { return !known[name] })
	return nil
}

func conformValue(value any, typ reflect.Type, name, path, tag string, missing *[]string) (keep bool, err error) {
	if typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	if strings.Contains(tag, ",rep,") && typ.Kind() == reflect.Slice {
		list, ok := value.([]any)
		if !ok {
			return false, unexpected(value, name)
		}
		for _, item := range list {
			if _, err := conformValue(item, typ.Elem(), name, path, "", missing); err != nil {
				return false, err
			}
		}
		return true, nil
	}
	switch {
	case typ.Kind() == reflect.Struct:
		object, ok := value.(map[string]any)
		if !ok {
			return false, unexpected(value, name)
		}
		return true, conformObject(object, typ, path+".", missing)
	case strings.Contains(tag, ",enum="):
		return knownEnum(value, typ), nil
	case typ.Kind() == reflect.Slice:
		return true, conformBytes(value, name)
	case typ.Kind() == reflect.String:
		if _, ok := value.(string); !ok {
			return false, unexpected(value, name)
		}
	case typ.Kind() == reflect.Bool:
		if _, ok := value.(bool); !ok {
			return false, unexpected(value, name)
		}
	case typ.Kind() != reflect.Map:
		if _, ok := value.(json.Number); !ok {
			return false, unexpected(value, name)
		}
	}
	return true, nil
}

// knownEnum asks the type itself: mesos-go's enums unmarshal their names and refuse others.
func knownEnum(value any, typ reflect.Type) bool {
	raw, err := json.Marshal(value)
	return err == nil && json.Unmarshal(raw, reflect.New(typ).Interface()) == nil
}

func conformBytes(value any, name string) error {
	text, ok := value.(string)
	if !ok {
		return unexpected(value, name)
	}
	// The decoder of Mesos skips white space, as Go's skips only line ends.
	text = strings.Join(strings.Fields(text), "")
	for _, r := range text {
		if !strings.ContainsRune(base64Alphabet, r) {
			return rejection(fmt.Sprintf("Failed to base64 decode bytes field '%s': Invalid character '%c'", name, r))
		}
	}
	if _, err := base64.StdEncoding.DecodeString(text); err != nil {
		return rejection(fmt.Sprintf("Failed to base64 decode bytes field '%s': Invalid length", name))
	}
	return nil
}

func unexpected(value any, name string) error {
	kind := "null"
	switch value.(type) {
	case string:
		kind = "string"
	case json.Number:
		kind = "number"
	case bool:
		kind = "boolean"
	case map[string]any:
		kind = "object"
	case []any:
		kind = "array"
	}
	return rejection(fmt.Sprintf("Not expecting a JSON %s for field '%s'", kind, name))
}
