package scaleiotest_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"scaleio-framework/scaleio/scaleiotest"
)

// Whatever command line scli gets, it answers with one of its exit codes, and
// with nothing on stdout when it was refused.
func FuzzScli(f *testing.F) {
	for _, line := range []string{
		"--query_cluster", "--query_all", "--login --username admin --password " + password, "--add_sds --sds_ip , --protection_domain_name default",
		"--add_volume --protection_domain_name default --storage_pool_name default --size_gb -1 --volume_name v", "-y --mdm_ip=127.0.1.12 --query_cluster",
		"--switch_cluster_mode --cluster_mode 1_node --remove_slave_mdm_name mdm2,mdm2 --remove_tb_name tb1",
	} {
		f.Add(line)
	}
	s, err := scaleiotest.New(scaleiotest.Options{})
	require.NoError(f, err)
	f.Cleanup(func() { require.NoError(f, s.Close()) })
	require.NoError(f, s.Bootstrap(scaleiotest.BootstrapSpec{Hosts: scaleiotest.Hosts(3, 1, disk100), Storage: true}))
	run := func(t *testing.T, args ...string) scaleiotest.ToolReply {
		r, err := s.RunTool(context.Background(), scaleiotest.ToolRequest{Host: "host1", Tool: "scli", Args: args})
		require.NoError(t, err)
		return r
	}
	f.Fuzz(func(t *testing.T, line string) {
		run(t, "--login", "--username", "admin", "--password", password)
		r := run(t, strings.Fields(line)...)
		require.Contains(t, []int{0, 1, 7}, r.Exit)
		if r.Exit == 7 {
			require.Empty(t, r.Stdout)
			require.NotEmpty(t, r.Stderr)
		}
	})
}

// Whatever a gateway is asked, it answers in JSON.
func FuzzGateway(f *testing.F) {
	for _, seed := range [][3]string{
		{"GET", "types/StoragePool/instances", ""},
		{"POST", "types/Sds/instances", `{"name":1,"sdsIpList":[{"SdsIp":{"ip":null}}]}`},
		{"POST", "types/Device/instances/action/querySelectedStatistics", `{"allIds":"","properties":["maxCapacityInKb"]}`},
		{"POST", "instances/querySelectedStatistics", `{"selectedStatisticsList":[{"type":"Volume","allIds":[]}]}`},
		{"POST", "instances/System/action/switchClusterMode", `{"mode":"OneNode"}`},
		{"GET", "instances/Sds::x/relationships/Device", ""},
		{"POST", "instances/StoragePool::x/action/setSparePercentage", `[]`},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	s, err := scaleiotest.New(scaleiotest.Options{})
	require.NoError(f, err)
	f.Cleanup(func() { require.NoError(f, s.Close()) })
	require.NoError(f, s.Bootstrap(scaleiotest.BootstrapSpec{Hosts: scaleiotest.Hosts(3, 1, disk100), Storage: true}))
	gateway := s.Gateway("127.0.1.11")
	ask := func(method, path, body, user, pass string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("GET", "/api/", strings.NewReader(body))
		r.Method, r.URL.Path = method, "/api/"+path
		r.SetBasicAuth(user, pass)
		rec := httptest.NewRecorder()
		gateway.ServeHTTP(rec, r)
		return rec
	}
	f.Fuzz(func(t *testing.T, method, path, body string) {
		var token string
		require.NoError(t, json.Unmarshal(ask("GET", "login", "", "admin", password).Body.Bytes(), &token))
		rec := ask(method, path, body, "", token)
		require.True(t, json.Valid(rec.Body.Bytes()), "%q", rec.Body)
		if rec.Code != http.StatusOK {
			require.Contains(t, rec.Body.String(), "httpStatusCode")
		}
	})
}
