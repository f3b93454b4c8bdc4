package ec2test

import (
	"encoding/base64"
	"regexp"
	"strconv"
	"strings"
)

var idShape = regexp.MustCompile(`^(vol|i)-[0-9a-f]{1,32}$`)

// wellFormed refuses what cannot be an id of the kind.
func wellFormed(kind, id string) *Refusal {
	if strings.HasPrefix(id, kind+"-") && idShape.MatchString(id) {
		return nil
	}
	if kind == "i" {
		return invalid("InvalidInstanceID.Malformed", "Invalid id: \"%s\" (expecting \"i-...\")", id)
	}
	return invalid("InvalidParameterValue", "Value (%s) for parameter volumes is invalid. Expected: 'vol-...'.", id)
}

// missing names the ids that do not exist, as EC2 does: one or many.
func missing(code, kind string, ids []string) *Refusal {
	if len(ids) == 1 {
		return invalid(code, "The %s '%s' does not exist.", kind, ids[0])
	}
	return invalid(code, "The %ss '%s' do not exist", kind, strings.Join(ids, ", "))
}

// asked returns the ids a describe asks for, nil when for none in particular.
// One that does not exist fails it all.
func (c *Cloud) asked(q query, parameter, kind, code, noun string, exists func(string) bool) ([]string, *Refusal) {
	ids := q.list(parameter)
	if len(ids) > 1000 {
		return nil, invalid("InvalidParameterValue", "More than 1000 ids in %s", parameter)
	}
	var gone, found []string
	seen := map[string]bool{}
	for _, id := range ids {
		if refused := wellFormed(kind, id); refused != nil {
			return nil, refused
		}
		switch {
		case seen[id]:
		case exists(id):
			found = append(found, id)
		default:
			gone = append(gone, id)
		}
		seen[id] = true
	}
	if len(gone) > 0 {
		return nil, missing(code, noun, gone)
	}
	return found, nil
}

// page cuts a describe's items. A page is asked for with MaxResults, or forced
// by size where no ids were asked for.
func page[T any](q query, ids string, size int, items []T) ([]T, string, *Refusal) {
	limit, refused := q.number("MaxResults")
	if refused != nil {
		return nil, "", refused
	}
	given := len(q.indices(ids)) > 0
	switch {
	case q.get("MaxResults") != "" && given:
		return nil, "", invalid("InvalidParameterCombination", "The parameter %s cannot be used with the parameter maxResults", ids)
	case q.get("MaxResults") != "" && (limit < 5 || limit > 1000):
		return nil, "", invalid("InvalidParameterValue", "Value ( %d ) for parameter maxResults is invalid. Expecting a value between 5 and 1000.", limit)
	case given:
		size = 0
	case limit > 0 && (size == 0 || limit < size):
		size = limit
	}
	start, refused := pageStart(q.get("NextToken"), len(items))
	if refused != nil {
		return nil, "", refused
	}
	items = items[start:]
	if size == 0 || len(items) <= size {
		return items, "", nil
	}
	return items[:size], pageToken(start + size), nil
}

func pageToken(start int) string {
	return base64.RawURLEncoding.EncodeToString([]byte("from " + strconv.Itoa(start)))
}

func pageStart(token string, items int) (int, *Refusal) {
	if token == "" {
		return 0, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(token)
	digits, ok := strings.CutPrefix(string(raw), "from ")
	start, notNumber := strconv.Atoi(digits)
	if err != nil || !ok || notNumber != nil || start < 0 {
		return 0, invalid("InvalidNextToken", "Invalid value for nextToken")
	}
	return min(start, items), nil
}
