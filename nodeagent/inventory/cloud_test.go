package inventory_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/model"
	"scaleio-framework/nodeagent/hostfs"
	"scaleio-framework/nodeagent/imds"
	"scaleio-framework/nodeagent/inventory"
	"scaleio-framework/nodeagent/runner"
	"scaleio-framework/scaleio/scaleiotest"
	"scaleio-framework/storagegrowth/ec2test"
)

// atEndpoint looks at a host whose metadata service is there.
func atEndpoint(t *testing.T, endpoint string) (look func() model.Inventory, log *bytes.Buffer) {
	t.Helper()
	root := t.TempDir()
	require.NoError(t, scaleiotest.PrepareHost(root, scaleiotest.HostSpec{Hostname: "node1", IP: "10.0.0.1"}))
	metadata, err := imds.New(imds.Options{Endpoint: endpoint, Timeout: time.Minute})
	require.NoError(t, err)
	log = &bytes.Buffer{}
	c := inventory.New(inventory.Options{
		Root: hostfs.New(root), Runner: runner.New(runner.Options{}), Address: "10.0.0.1", PublicKey: "key", Version: "v1",
		Metadata: metadata, Logger: hclog.New(&hclog.LoggerOptions{Output: log}),
	})
	return func() model.Inventory {
		inv, err := c.Collect(t.Context())
		require.NoError(t, err)
		return inv
	}, log
}

// The instance is known once it was told, whatever becomes of the service.
func TestTheInstanceIsPartOfTheInventory(t *testing.T) {
	double, err := ec2test.New(ec2test.Options{})
	require.NoError(t, err)
	_, err = double.AddInstance(ec2test.InstanceSpec{ID: "i-0123456789abcdef0", Zone: "us-east-1b", Type: "m5.large"})
	require.NoError(t, err)
	url, err := double.ServeIMDS("i-0123456789abcdef0", "")
	require.NoError(t, err)
	look, _ := atEndpoint(t, url)
	want := &model.CloudHost{Provider: "aws", InstanceID: "i-0123456789abcdef0", InstanceType: "m5.large", Zone: "us-east-1b"}
	first := look()
	require.Equal(t, want, first.Cloud)
	first.Cloud.Zone = "elsewhere"
	require.NoError(t, double.Close())
	require.Equal(t, want, look().Cloud, "the inventories do not share it")
}

// A service that fails for a moment is asked again with the next inventory,
// and its nonsense is told once.
func TestAServiceThatFailsIsAskedAgain(t *testing.T) {
	var asked atomic.Int64
	answers := map[string]string{"instance-id": "i-0abc", "placement/availability-zone": "us-east-1a", "instance-type": "m5.large"}
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, isData := strings.CutPrefix(r.URL.Path, "/latest/meta-data/")
		switch {
		case !isData:
			fmt.Fprint(w, "token")
		case name == "instance-id" && asked.Add(1) <= 2:
			fmt.Fprint(w, "welcome to the hotel")
		default:
			fmt.Fprint(w, answers[name])
		}
	}))
	t.Cleanup(service.Close)
	look, log := atEndpoint(t, service.URL)
	require.Nil(t, look().Cloud)
	require.Nil(t, look().Cloud)
	require.Equal(t, 1, strings.Count(log.String(), "does not say which instance"))
	require.Equal(t, "i-0abc", look().Cloud.InstanceID)
	look()
	require.Equal(t, int64(3), asked.Load(), "what is known is not asked again")
}

// A host that is on no cloud is left alone after the first question, and
// nothing is logged.
func TestAHostOnNoCloudIsNotAskedAllTheTime(t *testing.T) {
	var asked atomic.Int64
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		http.NotFound(w, r)
	}))
	t.Cleanup(service.Close)
	look, log := atEndpoint(t, service.URL)
	require.Nil(t, look().Cloud)
	require.Nil(t, look().Cloud)
	require.Equal(t, int64(1), asked.Load())
	require.Empty(t, log.String())
}
