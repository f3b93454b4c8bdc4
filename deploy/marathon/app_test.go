package marathon_test

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"
)

const schemaFile = "../../../shared/data/marathon-app-schema.json"

// app is what the pair may say to Marathon; a field outside of it is a typo.
type app struct {
	ID          string     `json:"id"`
	Cmd         string     `json:"cmd"`
	User        string     `json:"user"`
	Instances   int        `json:"instances"`
	CPUs        float64    `json:"cpus"`
	Mem         float64    `json:"mem"`
	Disk        float64    `json:"disk"`
	Constraints [][]string `json:"constraints"`
	Fetch       []struct {
		URI     string `json:"uri"`
		Extract bool   `json:"extract"`
	} `json:"fetch"`
	Env             map[string]string `json:"env"`
	PortDefinitions []struct {
		Port     int    `json:"port"`
		Protocol string `json:"protocol"`
		Name     string `json:"name"`
	} `json:"portDefinitions"`
	RequirePorts bool `json:"requirePorts"`
	HealthChecks []struct {
		Protocol               string `json:"protocol"`
		Path                   string `json:"path"`
		PortIndex              int    `json:"portIndex"`
		GracePeriodSeconds     int    `json:"gracePeriodSeconds"`
		IntervalSeconds        int    `json:"intervalSeconds"`
		TimeoutSeconds         int    `json:"timeoutSeconds"`
		MaxConsecutiveFailures int    `json:"maxConsecutiveFailures"`
	} `json:"healthChecks"`
	ReadinessChecks []struct {
		Name                    string `json:"name"`
		Protocol                string `json:"protocol"`
		Path                    string `json:"path"`
		PortName                string `json:"portName"`
		IntervalSeconds         int    `json:"intervalSeconds"`
		TimeoutSeconds          int    `json:"timeoutSeconds"`
		HTTPStatusCodesForReady []int  `json:"httpStatusCodesForReady"`
	} `json:"readinessChecks"`
	UpgradeStrategy struct {
		MinimumHealthCapacity float64 `json:"minimumHealthCapacity"`
		MaximumOverCapacity   float64 `json:"maximumOverCapacity"`
	} `json:"upgradeStrategy"`
	BackoffSeconds             float64           `json:"backoffSeconds"`
	BackoffFactor              float64           `json:"backoffFactor"`
	MaxLaunchDelaySeconds      float64           `json:"maxLaunchDelaySeconds"`
	TaskKillGracePeriodSeconds int               `json:"taskKillGracePeriodSeconds"`
	Labels                     map[string]string `json:"labels"`
}

func readApp(t *testing.T) (app, []byte) {
	t.Helper()
	data, err := os.ReadFile("scaleio-framework.json")
	require.NoError(t, err)
	var a app
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	require.NoError(t, dec.Decode(&a))
	return a, data
}

func TestThePairIsHighlyAvailable(t *testing.T) {
	a, _ := readApp(t)
	require.Equal(t, 2, a.Instances)
	require.Contains(t, a.Constraints, []string{"hostname", "UNIQUE"}, "one host's loss must leave one instance")

	mayStop := float64(a.Instances) - a.UpgradeStrategy.MinimumHealthCapacity*float64(a.Instances)
	require.InDelta(t, 1, mayStop, 0, "an upgrade stops one instance at a time")
	require.Zero(t, a.UpgradeStrategy.MaximumOverCapacity, "a third instance may find no third host")

	require.InDelta(t, 1, a.BackoffFactor, 0, "an instance that exits on purpose (lost leadership) comes back at once")
	require.LessOrEqual(t, a.MaxLaunchDelaySeconds, 5.0)
	require.Equal(t, "MESOS_HTTP", a.HealthChecks[0].Protocol)
	require.Equal(t, "/healthz", a.HealthChecks[0].Path, "readiness must not kill an instance that waits for ZooKeeper")
	require.Equal(t, "/readyz", a.ReadinessChecks[0].Path)
	require.Equal(t, a.PortDefinitions[0].Name, a.ReadinessChecks[0].PortName)
	require.True(t, strings.HasPrefix(a.Cmd, "exec "), "the shell must not stand between Marathon's SIGTERM and the scheduler")
}

func TestNoSecretStandsInTheApp(t *testing.T) {
	a, _ := readApp(t)
	for name, value := range a.Env {
		if strings.Contains(name, "PASSWORD") || strings.Contains(name, "SECRET") || strings.Contains(name, "TOKEN") {
			require.True(t, strings.HasSuffix(name, "_FILE"), "%s: secrets come by file", name)
			require.True(t, strings.HasPrefix(value, "/"), "%s: %q is no path", name, value)
		}
	}
	require.NotContains(t, a.Env["SIO_ZK"], "@")
	require.NotContains(t, a.Labels, "MARATHON_SINGLE_INSTANCE_APP", "it forbids the second instance")
}

func TestTheAppFitsMarathonsSchema(t *testing.T) {
	raw, err := os.ReadFile(schemaFile)
	if os.IsNotExist(err) {
		t.Skip("Marathon's schema is not beside the project; the strict struct above is checked all the same")
	}
	require.NoError(t, err)
	schema, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	require.NoError(t, err)
	schema.(map[string]any)["$schema"] = "http://json-schema.org/draft-04/schema#"
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft4)
	require.NoError(t, compiler.AddResource("app.json", schema))
	compiled, err := compiler.Compile("app.json")
	require.NoError(t, err)

	_, data := readApp(t)
	instance, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	require.NoError(t, err)
	require.NoError(t, compiled.Validate(instance))
	instance.(map[string]any)["instnaces"] = 2
	require.Error(t, compiled.Validate(instance), "the check must be able to fail")
}
