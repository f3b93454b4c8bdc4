package archtest_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// broken returns the reasons why an import is forbidden.
func broken(from, imported string) (because []string) {
	for _, r := range rules {
		if below(from, r.from) && imports(imported, r.to) && !allowed(from, r.except) {
			because = append(because, r.because)
		}
	}
	return because
}

func TestTheRulesForbidWhatTheyNameAndNothingElse(t *testing.T) {
	for _, c := range []struct {
		from, imported string
		forbidden      bool
	}{
		{"leader", "github.com/go-zookeeper/zk", true},
		{"internal/zkconn", "github.com/go-zookeeper/zk", false},
		{"internal/zkconn/zktest", "github.com/go-zookeeper/zk", false},
		{"internal/zkconnector", "github.com/go-zookeeper/zk", true},
		{"scheduler/fleet", "github.com/mesos/mesos-go/api/v1/lib", true},
		{"scheduler/mesosapi", "github.com/mesos/mesos-go/api/v1/lib", false},
		{"nodeagent", "github.com/mesos/mesos-go/api/v1/lib", false},
		{"internal/app", "github.com/aws/aws-sdk-go-v2/service/ec2", true},
		{"internal/httpapi", module + "internal/app", true},
		{"cmd/scaleio-scheduler", module + "internal/app", false},
		{"leader", module + "cmd/sandbox", true},
		{"scheduler/bootstrap", module + "nodeagent", true},
		{"scheduler/bootstrap", module + "internal/nodeproto", false},
		{"nodeagent/steps", module + "scheduler/fleet", true},
		{"nodeagent", module + "leader", true},
		{"leader", module + "internal/engine", true},
		{"internal/model", module + "internal/redact", true},
		{"internal/engine", module + "scheduler/fleet", true},
		{"internal/engine", module + "leader", false},
		{"scheduler/fleet", module + "storagegrowth", true},
	} {
		require.Equal(t, c.forbidden, len(broken(c.from, c.imported)) > 0, "%s imports %s", c.from, c.imported)
	}
}
