package bootstrap

import (
	"scaleio-framework/internal/model"
)

// Unusable says of each host that never described itself in a way that could
// be used what was wrong with the description. Nothing is done on such a host:
// its steps stay pending, with no error of their own.
func Unusable(nodes map[string]*model.Node) []string {
	var problems []string
	for _, host := range sortedKeys(nodes) {
		if n := nodes[host]; n.Inventory == nil && n.Refused != nil {
			problems = append(problems, "host "+host+" cannot be used: "+n.Refused.Reason)
		}
	}
	return problems
}
