package archtest_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "scaleio-framework/"

// rule forbids packages below from, except those below allowed, to import
// packages below to.
type rule struct {
	from    string
	to      string
	except  []string // importers that may
	because string
}

var rules = []rule{
	{"", "github.com/go-zookeeper/zk", []string{"internal/zkconn"}, "the traps of the ZooKeeper client are handled in one place"},
	{"", "github.com/mesos/mesos-go", []string{"scheduler/mesosapi", "nodeagent"}, "the corrections for mesos-go are made in one place on each side"},
	{"", "github.com/aws/aws-sdk-go-v2", []string{"storagegrowth/ebs"}, "EC2 is behind one interface"},
	{"", module + "cmd", nil, "programs are leaves"},
	{"", module + "internal/app", []string{"cmd"}, "the composition root is used by programs only"},
	{"scheduler", module + "storagegrowth", nil, "cores speak to each other by events"},
	{"storagegrowth", module + "scheduler", nil, "cores speak to each other by events"},
	{"scheduler", module + "nodeagent", nil, "they meet in internal/nodeproto"},
	{"nodeagent", module + "scheduler", nil, "they meet in internal/nodeproto"},
	{"nodeagent", module + "leader", nil, "a node agent knows nothing of elections"},
	{"leader", module + "scheduler", nil, "elections know nothing of Mesos"},
	{"leader", module + "scaleio", nil, "elections know nothing of ScaleIO"},
	{"leader", module + "internal/engine", nil, "the engine stands on the leader"},
	{"internal/model", module, nil, "records are a leaf"},
	{"internal/engine", module + "scheduler", nil, "the engine knows no particular core"},
	{"", module + "internal/netfault", []string{"internal/zkconn/zktest", "internal/sandbox"}, "production code breaks no networks"},
	{"", module + "internal/freeport", []string{"internal/zkconn/zktest", "internal/sandbox"}, "production code listens where it is told to"},
	{"", module + "internal/procfault", []string{"internal/zkconn/zktest", "internal/sandbox"}, "production code freezes no processes"},
}

type pkg struct {
	ImportPath string
	Imports    []string
}

// listed returns every package of the module with what its production code
// imports.
func listed(t *testing.T) []pkg {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports", module+"...").Output()
	require.NoError(t, err)
	var pkgs []pkg
	dec := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p pkg
		err := dec.Decode(&p)
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		pkgs = append(pkgs, p)
	}
	require.NotEmpty(t, pkgs)
	return pkgs
}

func below(path, prefix string) bool {
	return prefix == "" || prefix == module || path == prefix || strings.HasPrefix(path, strings.TrimSuffix(prefix, "/")+"/")
}

func TestImportsRunOneWay(t *testing.T) {
	for _, p := range listed(t) {
		from := strings.TrimPrefix(p.ImportPath, module)
		for _, imported := range p.Imports {
			for _, because := range broken(from, imported) {
				t.Errorf("%s imports %s: %s", p.ImportPath, imported, because)
			}
		}
	}
}

func imports(imported, to string) bool {
	if to == module {
		return strings.HasPrefix(imported, module)
	}
	return below(imported, to)
}

func allowed(from string, except []string) bool {
	for _, e := range except {
		if below(from, e) {
			return true
		}
	}
	return false
}

// A double may be imported by other doubles and by the sandbox, and by tests,
// which are not listed here.
func TestProductionNeverReachesADouble(t *testing.T) {
	isDouble := func(path string) bool {
		for part := range strings.SplitSeq(path, "/") {
			if strings.HasSuffix(part, "test") && part != "archtest" || part == "zkmodel" {
				return true
			}
		}
		return false
	}
	for _, p := range listed(t) {
		from := strings.TrimPrefix(p.ImportPath, module)
		if isDouble(from) || below(from, "cmd/sandbox") || below(from, "internal/sandbox") {
			continue
		}
		for _, imported := range p.Imports {
			if strings.HasPrefix(imported, module) && isDouble(imported) {
				t.Errorf("%s imports the double %s", p.ImportPath, imported)
			}
		}
	}
}
