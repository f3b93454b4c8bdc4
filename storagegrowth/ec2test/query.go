package ec2test

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// apiVersion is the only one spoken here.
const apiVersion = "2016-11-15"

// most is the greatest index of a list and the most parameters of a request.
const most = 10000

// query is one request of the EC2 Query protocol.
type query struct {
	action string
	form   url.Values
}

// parseQuery checks what holds for every request.
func parseQuery(form url.Values) (query, *Refusal) {
	if len(form) > most {
		return query{}, invalid("InvalidParameterValue", "More than %d parameters", most)
	}
	for name, values := range form {
		if len(values) != 1 {
			return query{}, invalid("InvalidParameterValue", "The parameter %s is given %d times", name, len(values))
		}
	}
	q := query{action: form.Get("Action"), form: form}
	if q.action == "" {
		return query{}, invalid("MissingAction", "The request is missing an action")
	}
	if v := form.Get("Version"); v != apiVersion {
		return query{}, invalid("NoSuchVersion", "The version %s is not served here, %s is", v, apiVersion)
	}
	return q, nil
}

// known refuses parameters outside of a list, where a name stands for itself
// and all that begins with it and a dot.
func (q query) known(names []string) *Refusal {
	for _, have := range sorted(q.form) {
		head, _, _ := strings.Cut(have, ".")
		if !slices.Contains(names, head) && head != "Action" && head != "Version" && head != "DryRun" {
			return invalid("UnknownParameter", "The parameter %s is not recognized", have)
		}
	}
	return nil
}

func (q query) get(name string) string { return q.form.Get(name) }

// required returns a parameter that must be there.
func (q query) required(name string) (string, *Refusal) {
	v := q.get(name)
	if v == "" {
		return "", invalid("MissingParameter", "The request must contain the parameter %s", name)
	}
	return v, nil
}

// number returns a whole number from 0 on, and 0 for an absent parameter.
func (q query) number(name string) (int, *Refusal) {
	text := q.get(name)
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil || n < 0 {
		return 0, invalid("InvalidParameterValue", "Invalid value '%s' for %s", text, name)
	}
	return int(n), nil
}

// yes returns a truth value, and false for an absent parameter.
func (q query) yes(name string) (bool, *Refusal) {
	switch v := q.get(name); v {
	case "true":
		return true, nil
	case "", "false":
		return false, nil
	default:
		return false, invalid("InvalidParameterValue", "Invalid value '%s' for %s", v, name)
	}
}

// indices returns the N of all parameters prefix.N and prefix.N.more, ordered.
func (q query) indices(prefix string) []int {
	var found []int
	for name := range q.form {
		rest, ok := strings.CutPrefix(name, prefix+".")
		if !ok {
			continue
		}
		digits, _, _ := strings.Cut(rest, ".")
		n, err := strconv.Atoi(digits)
		if err == nil && n > 0 && n <= most && strconv.Itoa(n) == digits {
			found = append(found, n)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// list returns prefix.1, prefix.2 and so on.
func (q query) list(prefix string) []string {
	var values []string
	for _, n := range q.indices(prefix) {
		if v := q.get(fmt.Sprintf("%s.%d", prefix, n)); v != "" {
			values = append(values, v)
		}
	}
	return values
}

// tags returns the tags below a prefix, refusing what EC2 refuses.
func (q query) tags(prefix string) (map[string]string, *Refusal) {
	tags := map[string]string{}
	for _, n := range q.indices(prefix) {
		key := q.get(fmt.Sprintf("%s.%d.Key", prefix, n))
		value := q.get(fmt.Sprintf("%s.%d.Value", prefix, n))
		switch {
		case key == "" || len(key) > 128 || len(value) > 256 || strings.HasPrefix(strings.ToLower(key), "aws:"):
			return nil, invalid("InvalidParameterValue", "Tag '%s' is not valid", key)
		case len(tags) == 50:
			return nil, invalid("TagLimitExceeded", "The maximum number of Tags for a resource has been reached.")
		}
		if _, twice := tags[key]; twice {
			return nil, invalid("InvalidParameterValue", "Duplicate tag key '%s' specified.", key)
		}
		tags[key] = value
	}
	return tags, nil
}

// volumeTags returns the tags of a TagSpecification for volumes.
func (q query) volumeTags() (map[string]string, *Refusal) {
	all := map[string]string{}
	for _, n := range q.indices("TagSpecification") {
		prefix := fmt.Sprintf("TagSpecification.%d", n)
		if kind := q.get(prefix + ".ResourceType"); kind != "volume" {
			return nil, invalid("InvalidParameterValue", "'%s' is not a valid taggable resource type for this operation.", kind)
		}
		if n > 1 {
			return nil, invalid("InvalidParameterValue", "The same resource type may not be specified more than once in tag specifications")
		}
		tags, refused := q.tags(prefix + ".Tag")
		if refused != nil {
			return nil, refused
		}
		all = tags
	}
	return all, nil
}
