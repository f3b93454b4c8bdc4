package sandbox

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"scaleio-framework/internal/redact"
	"scaleio-framework/scaleio/scaleiotest"
)

// created are the operations of the double that make an object; each object
// must be made exactly once, whatever happened to the leaders.
func created() []scaleiotest.Op {
	return []scaleiotest.Op{
		scaleiotest.OpCreateCluster, scaleiotest.OpAddStandby, scaleiotest.OpCreatePD, scaleiotest.OpCreateFaultSet,
		scaleiotest.OpCreatePool, scaleiotest.OpCreateSDS, scaleiotest.OpCreateDevice, scaleiotest.OpCreateVolume,
	}
}

// inspect checks what a world is left with: nothing made twice, no volume left
// behind, one framework with one launch of each task, and the password nowhere
// but in its file.
func (w *World) inspect(ctx context.Context, r *Report) error {
	counts := w.system.Counts()
	if r.Created == nil {
		r.Created = make(map[string]int)
	}
	for _, op := range created() {
		for name, n := range counts[op] {
			r.Created[string(op)] += n
			if n > 1 {
				r.CreatedTwice = append(r.CreatedTwice, fmt.Sprintf("%s %s (%d times)", op, name, n))
			}
		}
	}
	slices.Sort(r.CreatedTwice)
	r.LeakedVolumes += len(w.system.Snapshot().Volumes)
	if w.mesos != nil {
		w.inspectMesos(r)
	}
	if w.aws != nil {
		w.inspectAWS(r)
	}
	return w.inspectSecrets(ctx, r)
}

func (w *World) inspectSecrets(ctx context.Context, r *Report) error {
	places, err := w.FindSecret(ctx)
	r.SecretsFound = append(r.SecretsFound, places...)
	return err
}

// inspectMesos asks the master what it has seen of us.
func (w *World) inspectMesos(r *Report) {
	if known := w.mesos.Frameworks(); len(known) != 1 {
		r.fail("the Mesos master knows %d frameworks instead of one: %v", len(known), known)
	}
	launches := w.mesos.Launches()
	for _, task := range slices.Sorted(maps.Keys(launches)) {
		if n := launches[task]; n > 1 {
			r.fail("task %s was launched %d times", task, n)
		}
	}
}

// secrets are what must stand nowhere but where it was put.
func (w *World) secrets() []redact.Secret {
	secrets := []redact.Secret{w.password}
	for _, key := range w.system.PrivateKeys() {
		secrets = append(secrets, redact.New(key))
	}
	if w.platform != nil {
		secrets = append(secrets, w.platform.password)
	}
	if w.aws != nil {
		secrets = append(secrets, w.aws.keyID, w.aws.key)
	}
	return secrets
}

// FindSecret greps for the password, the AWS keys and the MDMs' private keys in znodes, logs, HTTP
// answers, the arguments of every process, and the files of the hosts outside
// the one that is made to hold the password.
func (w *World) FindSecret(ctx context.Context) ([]string, error) {
	var places []string
	for _, secret := range w.secrets() {
		found, err := w.find(ctx, []byte(secret.Reveal()))
		if err != nil {
			return nil, err
		}
		places = append(places, found...)
	}
	slices.Sort(places)
	return slices.Compact(places), nil
}

func (w *World) find(ctx context.Context, needle []byte) ([]string, error) {
	var places []string
	tree, err := w.client.Tree(ctx)
	if err != nil {
		return nil, err
	}
	for path, entry := range tree {
		if bytes.Contains(entry.Data, needle) {
			places = append(places, "znode "+path)
		}
	}
	for _, path := range []string{"/v1/status", "/v1/plan", "/v1/nodes", "/v1/leader", "/v1/pools", "/v1/growth", "/metrics", "/version"} {
		for _, s := range w.schedulers {
			if body, err := fetch(ctx, s.URL+path); err == nil && bytes.Contains(body, needle) {
				places = append(places, "HTTP answer "+path)
			}
		}
	}
	for _, dir := range []string{"logs", "mesos"} {
		found, err := grepDir(filepath.Join(w.dir, dir), needle)
		if err != nil {
			return nil, err
		}
		places = append(places, found...)
	}
	for _, h := range w.hosts {
		found, err := grepDir(filepath.Join(h.Root, "var/lib/scaleio-framework"), needle)
		if err != nil && !os.IsNotExist(err) {
			return nil, err
		}
		places = append(places, found...)
	}
	return append(places, grepProcesses(needle)...), nil
}

func fetch(ctx context.Context, url string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close() // read to the end
	return body, err
}

func grepDir(dir string, needle []byte) ([]string, error) {
	var places []string
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if bytes.Contains(data, needle) {
			places = append(places, "file "+path)
		}
		return nil
	})
	return places, err
}

// grepProcesses looks at the arguments of all processes, as ps shows them.
func grepProcesses(needle []byte) []string {
	var places []string
	names, _ := filepath.Glob("/proc/[0-9]*/cmdline") // the pattern is well formed
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err == nil && bytes.Contains(data, needle) {
			places = append(places, "arguments of process "+strings.Split(name, "/")[2])
		}
	}
	return places
}
