package coretest

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode"

	"scaleio-framework/internal/core"
)

// vocabulary are the events and effects that a story can name.
func vocabulary() map[string]reflect.Type {
	types := make(map[string]reflect.Type)
	for _, v := range []any{
		core.TermStarted{},
		core.TimerFired{},
		core.MesosSubscribed{},
		core.MesosDisconnected{},
		core.OffersReceived{},
		core.OfferRescinded{},
		core.TaskUpdated{},
		core.MessageReceived{},
		core.AgentFailed{},
		core.CallRefused{},
		core.HostSeen{},
		core.HostWanted{},
		core.HostReleased{},
		core.ClusterKnown{},
		core.GrowthsOpen{},
		core.NodeUp{},
		core.NodeDown{},
		core.NodeUnusable{},
		core.NodeReported{},
		core.NodeRefused{},
		core.GatewayAnswered{},
		core.PoolsRead{},
		core.OrderReceived{},
		core.Poisoned{},
		core.Timer{},
		core.Subscribe{},
		core.Accept{},
		core.Decline{},
		core.Revive{},
		core.Suppress{},
		core.Reconcile{},
		core.Acknowledge{},
		core.Kill{},
		core.SendCommand{},
		core.GatewayCall{},
		core.ReadPools{},
		core.HandOver{},
		core.RaiseEpoch{},
	} {
		t := reflect.TypeOf(v)
		types[t.Name()] = t
	}
	return types
}

// ParseEvent reads "Name Field=Value ..." into the core event of that name.
func ParseEvent(line string) (core.Event, error) {
	value, err := parseNamed(line)
	if err != nil {
		return nil, err
	}
	if _, isEffect := value.(core.Effect); isEffect {
		return nil, fmt.Errorf("%T is not an event", value)
	}
	return value, nil
}

func parseNamed(text string) (core.Event, error) {
	name, rest, _ := strings.Cut(strings.TrimSpace(text), " ")
	t, ok := vocabulary()[name]
	if !ok {
		return nil, fmt.Errorf("no event or effect is named %q", name)
	}
	v := reflect.New(t).Elem()
	if err := setFields(v, rest); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	event, ok := v.Interface().(core.Event)
	if !ok {
		return nil, fmt.Errorf("%s has no String", name)
	}
	return event, nil
}

func setFields(v reflect.Value, text string) error {
	for rest := strings.TrimSpace(text); rest != ""; rest = strings.TrimSpace(rest) {
		name, after, ok := strings.Cut(rest, "=")
		if !ok {
			return fmt.Errorf("%q is not FIELD=VALUE", rest)
		}
		raw, tail, err := cutValue(after)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		rest = tail
		target, err := field(v, name)
		if err != nil {
			return err
		}
		if v.Kind() == reflect.Map {
			target = reflect.New(v.Type().Elem()).Elem()
		}
		if err := setValue(target, raw); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if v.Kind() == reflect.Map {
			v.SetMapIndex(reflect.ValueOf(name).Convert(v.Type().Key()), target)
		}
	}
	return nil
}

func field(v reflect.Value, name string) (reflect.Value, error) {
	if v.Kind() == reflect.Map {
		return reflect.Value{}, nil
	}
	var names []string
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if strings.EqualFold(f.Name, name) {
			return v.Field(i), nil
		}
		names = append(names, f.Name)
	}
	return reflect.Value{}, fmt.Errorf("no field %q, want one of %s", name, strings.Join(names, ", "))
}

// cutValue takes one value off the front of a text.
func cutValue(text string) (value, rest string, err error) {
	depth, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			depth--
		case depth == 0 && unicode.IsSpace(rune(c)):
			return text[:i], text[i:], nil
		}
	}
	if depth != 0 || quoted {
		return "", "", fmt.Errorf("brackets or quotes are not closed in %q", text)
	}
	return text, "", nil
}

func setValue(v reflect.Value, raw string) error {
	if strings.HasPrefix(raw, `"`) && v.Kind() != reflect.Interface {
		text, err := strconv.Unquote(raw)
		if err != nil {
			return fmt.Errorf("%s is not a quoted text", raw)
		}
		raw = text
	}
	switch v.Interface().(type) {
	case time.Duration:
		d, err := time.ParseDuration(raw)
		v.SetInt(int64(d))
		return err
	case time.Time:
		at, err := time.Parse(time.RFC3339, raw)
		v.Set(reflect.ValueOf(at))
		return err
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(raw)
	case reflect.Bool:
		b, err := strconv.ParseBool(raw)
		v.SetBool(b)
		return err
	case reflect.Slice, reflect.Struct, reflect.Map, reflect.Pointer, reflect.Interface:
		return setComposite(v, raw)
	default:
		return json.Unmarshal([]byte(raw), v.Addr().Interface())
	}
	return nil
}

func setComposite(v reflect.Value, raw string) error {
	if v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8 {
		v.SetBytes([]byte(raw))
		return nil
	}
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		return setValue(v.Elem(), raw)
	}
	if v.Kind() != reflect.Interface && json.Valid([]byte(raw)) {
		return json.Unmarshal([]byte(raw), v.Addr().Interface())
	}
	open, shut := "{", "}"
	if v.Kind() == reflect.Slice {
		open, shut = "[", "]"
	}
	if !strings.HasPrefix(raw, open) || !strings.HasSuffix(raw, shut) {
		return fmt.Errorf("%q is not between %s and %s", raw, open, shut)
	}
	inner := raw[1 : len(raw)-1]
	switch v.Kind() {
	case reflect.Slice:
		return setElements(v, inner)
	case reflect.Interface:
		named, err := parseNamed(inner)
		if err != nil {
			return err
		}
		_, isEffect := named.(core.Effect) // every effect looks like an event, too
		if isEffect != v.Type().Implements(reflect.TypeFor[core.Effect]()) {
			return fmt.Errorf("%T does not fit here", named)
		}
		v.Set(reflect.ValueOf(named))
		return nil
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
	}
	return setFields(v, inner)
}

func setElements(v reflect.Value, inner string) error {
	for rest := strings.TrimSpace(inner); rest != ""; rest = strings.TrimSpace(rest) {
		raw, tail, err := cutValue(rest)
		if err != nil {
			return err
		}
		element := reflect.New(v.Type().Elem()).Elem()
		if err := setValue(element, raw); err != nil {
			return err
		}
		v.Set(reflect.Append(v, element))
		rest = tail
	}
	return nil
}
