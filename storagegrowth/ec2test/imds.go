package ec2test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// metadata is the metadata service of one instance, version 2 only.
type metadata struct {
	c      *Cloud
	id     string
	mu     sync.Mutex
	issued int
	tokens map[string]time.Time // when each ends
}

// IMDS is the metadata service as that instance sees it.
func (c *Cloud) IMDS(instanceID string) http.Handler {
	return &metadata{c: c, id: instanceID, tokens: map[string]time.Time{}}
}

const metadataToken = "X-Aws-Ec2-Metadata-Token"

// ServeHTTP gives tokens, and metadata to those who have one.
func (m *metadata) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	now := m.c.opts.Now()
	switch {
	case r.Header.Get("X-Forwarded-For") != "":
		http.Error(w, "Forbidden", http.StatusForbidden)
	case r.URL.Path == "/latest/api/token":
		m.issue(w, r, now)
	case r.Method != http.MethodGet:
		http.Error(w, "Method Not Allowed", http.StatusMethodNotAllowed)
	case !m.valid(r.Header.Get(metadataToken), now):
		http.Error(w, "Unauthorized", http.StatusUnauthorized)
	default:
		m.get(w, strings.TrimSuffix(r.URL.Path, "/"), now)
	}
}

func (m *metadata) issue(w http.ResponseWriter, r *http.Request, now time.Time) {
	if r.Method != http.MethodPut {
		http.Error(w, "Method Not Allowed", http.StatusMethodNotAllowed)
		return
	}
	seconds, err := strconv.Atoi(r.Header.Get(metadataToken + "-Ttl-Seconds"))
	if err != nil || seconds < 1 || seconds > 21600 {
		http.Error(w, "Bad Request", http.StatusBadRequest)
		return
	}
	m.mu.Lock()
	m.issued++
	token := fmt.Sprintf("AQAE-%s-%d==", m.id, m.issued)
	m.tokens[token] = now.Add(time.Duration(seconds) * time.Second)
	m.mu.Unlock()
	w.Header().Set(metadataToken+"-Ttl-Seconds", strconv.Itoa(seconds))
	text(w, token)
}

func (m *metadata) valid(token string, now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return now.Before(m.tokens[token])
}

func (m *metadata) get(w http.ResponseWriter, path string, now time.Time) {
	m.c.mu.Lock()
	i := m.c.instances[m.id]
	var spec InstanceSpec
	if i != nil {
		spec = i.InstanceSpec
	}
	m.c.mu.Unlock()
	region, role := m.c.opts.Region, m.c.opts.Role
	pages := map[string]string{}
	if i != nil {
		pages["/latest/meta-data/instance-id"] = spec.ID
		pages["/latest/meta-data/instance-type"] = spec.Type
		pages["/latest/meta-data/placement/availability-zone"] = spec.Zone
		pages["/latest/meta-data/placement/region"] = region
		pages["/latest/dynamic/instance-identity/document"] = document(map[string]string{
			"instanceId": spec.ID, "instanceType": spec.Type, "availabilityZone": spec.Zone, "region": region, "privateIp": spec.IP, "version": "2017-09-30",
		})
	}
	if spec.IP != "" {
		pages["/latest/meta-data/local-ipv4"] = spec.IP
	}
	if i != nil && role != "" {
		pages["/latest/meta-data/iam/security-credentials"] = role
		pages["/latest/meta-data/iam/security-credentials/"+role] = document(map[string]string{
			"Code": "Success", "Type": "AWS-HMAC", "AccessKeyId": "ASIAEC2TESTROLE00000", "SecretAccessKey": "ec2test-not-a-secret", "Token": "ec2test-session",
			"LastUpdated": now.UTC().Format(time.RFC3339), "Expiration": now.Add(6 * time.Hour).UTC().Format(time.RFC3339),
		})
	}
	page, ok := pages[path]
	if !ok {
		http.Error(w, "Not Found", http.StatusNotFound)
		return
	}
	text(w, page)
}

func document(fields map[string]string) string {
	b, err := json.Marshal(fields)
	if err != nil {
		return ""
	}
	return string(b)
}

func text(w http.ResponseWriter, body string) {
	w.Header().Set("Content-Type", "text/plain")
	_, _ = w.Write([]byte(body)) // a client that is gone is no concern of ours
}
