package fleet

import (
	"fmt"
	"strconv"
	"strings"

	"scaleio-framework/internal/model"
)

const (
	frameworkPath  = "/framework"
	nodesPath      = "/nodes/"
	executorPrefix = "scaleio-"
	// maxHostname is the longest name that DNS allows.
	maxHostname = 253
)

// validHostname reports whether a host can have a record and a task: the name
// becomes part of a znode's path and of Mesos ids.
func validHostname(name string) bool {
	if name == "" || len(name) > maxHostname || name == "." || name == ".." {
		return false
	}
	for _, c := range name {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		case c == '-', c == '.', c == '_', c == ':':
		default:
			return false
		}
	}
	return true
}

func nodePath(host string) string { return nodesPath + host }

func taskID(host string, number int) string { return host + "-" + strconv.Itoa(number) }

// parseTaskID takes apart what taskID made; ok is false for ids of another form.
func parseTaskID(id string) (host string, number int, ok bool) {
	cut := strings.LastIndexByte(id, '-')
	if cut < 0 {
		return "", 0, false
	}
	number, err := strconv.Atoi(id[cut+1:])
	if err != nil || number < 1 || taskID(id[:cut], number) != id || !validHostname(id[:cut]) {
		return "", 0, false
	}
	return id[:cut], number, true
}

func executorID(host string) string { return executorPrefix + host }

// checkNames holds the names in a record against its path: tasks are found by
// them.
func checkNames(host string, node *model.Node) error {
	if node.Hostname != host || !validHostname(host) {
		return fmt.Errorf("hostname is %q", node.Hostname)
	}
	if l := node.Launch; l != nil && (l.Number < 1 || l.TaskID != taskID(host, l.Number)) {
		return fmt.Errorf("launch %d has task id %q, want %q", l.Number, l.TaskID, taskID(host, l.Number))
	}
	return nil
}
