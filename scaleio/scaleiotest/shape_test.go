package scaleiotest_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"scaleio-framework/scaleio/scaleiotest"
)

// sample reads a recorded answer; the test is skipped where it is absent.
func sample(t *testing.T, name string) any {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "data", "scaleio", name))
	if err != nil {
		t.Skipf("no recorded answers here: %v", err)
	}
	return decode(t, data)
}

// kind names the JSON type of a value. null goes with anything: which fields
// are null depends on the system's life.
func kind(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case json.Number:
		return "number"
	case string:
		return "string"
	case bool:
		return "boolean"
	case []any:
		return "array"
	}
	return "object"
}

// sameShape compares keys and types of an answer with those of a sample,
// through all levels. Keys that only the double has are reported too unless
// extra allows them; optional keys may be absent.
func sameShape(t *testing.T, at string, want, got any, extra bool, optional ...string) {
	t.Helper()
	if kind(want) == "null" || kind(got) == "null" {
		return
	}
	require.Equal(t, kind(want), kind(got), at)
	switch w := want.(type) {
	case map[string]any:
		g := got.(map[string]any)
		for _, key := range slices.Sorted(maps.Keys(w)) {
			if _, ok := g[key]; !ok {
				require.Contains(t, optional, key, "%s lacks %s", at, key)
				continue
			}
			sameShape(t, at+"."+key, w[key], g[key], extra, optional...)
		}
		for key := range g {
			if _, ok := w[key]; !ok && !extra {
				require.Contains(t, optional, key, "%s has %s beyond the sample", at, key)
			}
		}
	case []any:
		g := got.([]any)
		if len(w) > 0 && len(g) > 0 {
			sameShape(t, at+"[]", w[0], g[0], extra, optional...)
		}
	}
}

// rels lists the relationships in an object's links.
func rels(o any) []string {
	var out []string
	for _, l := range o.(map[string]any)["links"].([]any) {
		out = append(out, l.(map[string]any)["rel"].(string))
	}
	slices.Sort(out)
	return out
}

// full is a world in which every type of object has an instance.
func full(t *testing.T, version string) (*world, *rest) {
	w := bootstrapped(t, scaleiotest.Options{Version: version}, 3)
	c := w.loggedIn("host1")
	pd, sp := c.one("ProtectionDomain", "default")["id"], c.one("StoragePool", "default")["id"]
	c.create("FaultSet", map[string]any{"name": "fs", "protectionDomainId": pd})
	v := c.create("Volume", map[string]any{"name": "v", "storagePoolId": sp, "volumeSizeInKb": "8388608", "volumeType": "ThinProvisioned"})
	sdc := c.get("/api/types/Sdc/instances").([]any)[0].(map[string]any)["id"]
	status, answer := c.post("/api/instances/Volume::"+v+"/action/addMappedSdc", map[string]any{"sdcId": sdc})
	require.Equal(t, 200, status, "%v", answer)
	return w, c
}

// All instances have exactly the keys, types and links of a real 2.6 gateway.
func TestInstancesLookLike26(t *testing.T) {
	want := sample(t, "26-instances.json").(map[string]any)
	_, c := full(t, "")
	got := c.get("/api/instances").(map[string]any)
	sameShape(t, "all", want, got, false, "name", "status")
	for key := range want {
		if list, ok := want[key].([]any); ok && len(list) > 0 {
			require.Equal(t, rels(list[0]), rels(got[key].([]any)[0]), key)
		} else if key == "System" {
			require.Equal(t, rels(want[key]), rels(got[key]), key)
		}
	}
}

// Selected statistics have the keys and types of a real 2.6 gateway, asked for
// in the way its recorder did.
func TestStatisticsLookLike26(t *testing.T) {
	want := sample(t, "26-selected_statistics.json").(map[string]any)
	_, c := full(t, "")
	var ask []any
	for _, typ := range []string{"System", "StoragePool", "Sdc"} {
		of := want[typ].(map[string]any)
		if typ != "System" {
			for _, first := range of {
				of = first.(map[string]any)
				break
			}
		}
		item := map[string]any{"type": typ, "properties": slices.Sorted(maps.Keys(of))}
		if typ != "System" {
			item["allIds"] = []any{}
		}
		ask = append(ask, item)
	}
	status, answer := c.post("/api/instances/querySelectedStatistics", map[string]any{"selectedStatisticsList": ask})
	require.Equal(t, 200, status, "%v", answer)
	got := answer.(map[string]any)
	sameShape(t, "System", want["System"], got["System"], false)
	for _, typ := range []string{"StoragePool", "Sdc"} {
		for _, w := range want[typ].(map[string]any) {
			for _, g := range got[typ].(map[string]any) {
				sameShape(t, typ, w, g, false)
			}
		}
	}
}

// The answers of a 3.x double hold everything that recorded 3.x answers hold.
func TestAnswersLookLike3x(t *testing.T) {
	_, c := full(t, "3.0-200.104")
	// The recorded cluster says worker for slave: its publisher changed it.
	const worker = "worker"
	system := c.get("/api/types/System/instances")
	sameShape(t, "System", sample(t, "3x-get_primary_system_instance.json"), system, true, worker)
	sameShape(t, "StoragePool", sample(t, "3x-get_storage_pool_instances.json"), c.get("/api/types/StoragePool/instances"), true)
	sameShape(t, "Sdc", sample(t, "3x-get_sdc_instances.json"), c.get("/api/types/Sdc/instances"), true)
	id := c.one("StoragePool", "default")["id"].(string)
	sameShape(t, "pool statistics", sample(t, "3x-get_storage_pool_statistics.json"), c.get("/api/instances/StoragePool::"+id+"/relationships/Statistics"), true)
	systemID := system.([]any)[0].(map[string]any)["id"].(string)
	sameShape(t, "system statistics", sample(t, "3x-get_system_statistics.json"), c.get("/api/instances/System::"+systemID+"/relationships/Statistics"), true)
	volume := c.one("Volume", "v")["id"].(string)
	sameShape(t, "volume statistics", sample(t, "3x-get_volume_statistics.json"), c.get("/api/instances/Volume::"+volume+"/relationships/Statistics"), true)
	status, body := c.do("GET", "/api/types/System/instances", "", "", "wrong")
	require.Equal(t, 401, status)
	require.Equal(t, sample(t, "3x-authorization_failure.json"), decode(t, body))
}

// Every link that an object gives leads somewhere.
func TestLinksLead(t *testing.T) {
	_, c := full(t, "")
	for _, typ := range []string{"System", "ProtectionDomain", "FaultSet", "StoragePool", "Sds", "Device", "Sdc", "Volume", "VTree"} {
		objects := c.get("/api/types/" + typ + "/instances").([]any)
		require.NotEmpty(t, objects, typ)
		for _, l := range objects[0].(map[string]any)["links"].([]any) {
			href := l.(map[string]any)["href"].(string)
			require.NotNil(t, c.get(href), href)
		}
	}
}

// The other ways of asking for objects.
func TestLookups(t *testing.T) {
	_, c := full(t, "")
	pd, sp := c.one("ProtectionDomain", "default")["id"].(string), c.one("StoragePool", "default")["id"].(string)
	require.Equal(t, sp, c.get(fmt.Sprintf("/api/types/StoragePool/instances/getByName::%s,default", pd)))
	status, answer := c.post("/api/types/StoragePool/instances/action/queryIdByKey", map[string]any{"name": "default", "protectionDomainId": pd})
	require.Equal(t, 200, status)
	require.Equal(t, sp, answer)
	status, answer = c.post("/api/types/Volume/instances/action/queryIdByKey", map[string]any{"name": "none"})
	require.Equal(t, 500, status)
	require.Equal(t, "Could not find the volume", answer.(map[string]any)["message"])
	status, answer = c.post("/api/types/StoragePool/instances/action/queryBySelectedIds", map[string]any{"ids": []string{sp}})
	require.Equal(t, 200, status)
	require.Len(t, answer, 1)
	require.Len(t, c.get("/api/instances/ProtectionDomain::"+pd+"/relationships/Sds"), 3)
	require.Len(t, c.get("/api/instances/StoragePool::"+sp+"/relationships/Device"), 6)
}
