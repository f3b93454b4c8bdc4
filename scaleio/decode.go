package scaleio

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"strconv"
	"strings"
)

// decode reads an answer of the gateway into a struct, a slice of structs or a
// string. Versions differ in how they write a value: numbers and booleans come
// as such or as strings, lists may be null. Every such form is taken, and
// unknown fields are skipped. A field tagged need:"yes" must be there and be
// readable: a size that could not be read is not zero. Other unreadable fields
// keep their zero value.
func decode(data []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var tree any
	if err := dec.Decode(&tree); err != nil {
		return fmt.Errorf("not JSON: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("not JSON: something follows the value")
	}
	return fill(tree, reflect.ValueOf(into).Elem())
}

// errAbsent is a null or missing value.
var errAbsent = errors.New("it is absent")

func fill(from any, to reflect.Value) error {
	if from == nil && to.Kind() != reflect.Slice {
		return errAbsent
	}
	switch to.Kind() {
	case reflect.Interface:
		to.Set(reflect.ValueOf(from))
		return nil
	case reflect.Struct:
		return fillStruct(from, to)
	case reflect.Slice:
		return fillSlice(from, to)
	case reflect.Map:
		return fillMap(from, to)
	case reflect.Pointer:
		value := reflect.New(to.Type().Elem())
		if err := fill(from, value.Elem()); err != nil {
			return err
		}
		to.Set(value)
		return nil
	case reflect.String:
		text, err := textOf(from)
		to.SetString(text)
		return err
	case reflect.Int, reflect.Int64:
		n, err := numberOf(from)
		to.SetInt(n)
		return err
	case reflect.Bool:
		b, err := truthOf(from)
		to.SetBool(b)
		return err
	}
	return fmt.Errorf("cannot decode into %s", to.Type())
}

func fillStruct(from any, to reflect.Value) error {
	object, ok := from.(map[string]any)
	if !ok {
		return fmt.Errorf("want an object, have %s", kindOf(from))
	}
	t := to.Type()
	for i := range t.NumField() {
		field := t.Field(i)
		if field.Anonymous {
			if err := fillStruct(from, to.Field(i)); err != nil {
				return err
			}
			continue
		}
		names := field.Tag.Get("json")
		if names == "" {
			continue
		}
		needed := field.Tag.Get("need") == "yes"
		if err := fillField(object, strings.Split(names, "|"), to.Field(i)); err != nil && needed {
			return fmt.Errorf("field %s: %w", names, err)
		}
	}
	return nil
}

// fillField takes the first of several names that has a value: some fields
// were renamed over the versions.
func fillField(object map[string]any, names []string, to reflect.Value) error {
	for _, name := range names {
		value, ok := object[name]
		if !ok || value == nil {
			continue
		}
		if err := fill(value, to); err != nil {
			to.SetZero()
			return err
		}
		return nil
	}
	return errAbsent
}

func fillSlice(from any, to reflect.Value) error {
	items, ok := from.([]any)
	if !ok && from != nil {
		return fmt.Errorf("want a list, have %s", kindOf(from))
	}
	list := reflect.MakeSlice(to.Type(), len(items), len(items))
	for i, item := range items {
		if err := fill(item, list.Index(i)); err != nil {
			return fmt.Errorf("element %d: %w", i, err)
		}
	}
	to.Set(list)
	return nil
}

func fillMap(from any, to reflect.Value) error {
	object, ok := from.(map[string]any)
	if !ok {
		return fmt.Errorf("want an object, have %s", kindOf(from))
	}
	out := reflect.MakeMapWithSize(to.Type(), len(object))
	for key, value := range object {
		element := reflect.New(to.Type().Elem()).Elem()
		if value == nil && element.Kind() == reflect.Interface {
			continue
		}
		if err := fill(value, element); err != nil {
			return fmt.Errorf("%s: %w", clip(key), err)
		}
		out.SetMapIndex(reflect.ValueOf(key), element)
	}
	to.Set(out)
	return nil
}

func textOf(from any) (string, error) {
	switch x := from.(type) {
	case string:
		return x, nil
	case json.Number:
		return x.String(), nil
	case bool:
		return strconv.FormatBool(x), nil
	}
	return "", fmt.Errorf("want a text, have %s", kindOf(from))
}

func numberOf(from any) (int64, error) {
	var text string
	switch x := from.(type) {
	case json.Number:
		text = x.String()
	case string:
		text = strings.TrimSpace(x)
	default:
		return 0, fmt.Errorf("want a number, have %s", kindOf(from))
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n, nil
	}
	// 1e9 and 5.0 are whole numbers too; beyond 2^53 a float cannot say so.
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || f != math.Trunc(f) || math.Abs(f) > 1<<53 {
		return 0, fmt.Errorf("want a whole number, have %q", clip(text))
	}
	return int64(f), nil
}

func truthOf(from any) (bool, error) {
	switch x := from.(type) {
	case bool:
		return x, nil
	case string:
		return strconv.ParseBool(strings.ToLower(strings.TrimSpace(x)))
	case json.Number:
		return strconv.ParseBool(x.String())
	}
	return false, fmt.Errorf("want true or false, have %s", kindOf(from))
}

func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case map[string]any:
		return "an object"
	case []any:
		return "a list"
	case string:
		return "a text"
	case bool:
		return "a boolean"
	}
	return "a number"
}
