package scaleio

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Cluster is the answer to SCLI.QueryCluster, in the words of 4.x.
type Cluster struct {
	// Name is the system's, empty until it is renamed.
	Name string
	// Mode is 1_node, 3_node or 5_node.
	Mode string
	// State is Normal when all is well.
	State string
	// Active of ActiveTotal members, and Replicas of ReplicasTotal managers,
	// are there. They are 0 where the answer does not say.
	Active, ActiveTotal     int
	Replicas, ReplicasTotal int
	Primary                 *Member // nil when there is none
	Secondaries             []Member
	TieBreakers             []Member
	Standby                 []Member
}

// Member is an MDM or tie-breaker of a cluster.
type Member struct {
	Name          string // may be empty in 3.6
	ID            string // 16 hex digits without 0x
	TieBreaker    bool
	IPs           []string
	ManagementIPs []string
	Port          int
	// Status is Normal when all is well, empty where the answer does not say:
	// for the primary before 3.6, and for standbys.
	Status  string
	Version string
}

// Members are all that take part, primary first, without the standbys.
func (c Cluster) Members() []Member {
	var all []Member
	if c.Primary != nil {
		all = append(all, *c.Primary)
	}
	return slices.Concat(all, c.Secondaries, c.TieBreakers)
}

// Find returns the member or standby of that name, or with one of those
// addresses, since a name may be missing. standby tells which.
func (c Cluster) Find(name string, ips ...string) (m Member, standby, ok bool) {
	match := func(m Member) bool {
		return name != "" && m.Name == name ||
			slices.ContainsFunc(ips, func(ip string) bool { return slices.Contains(m.IPs, ip) })
	}
	if all := c.Members(); slices.ContainsFunc(all, match) {
		return all[slices.IndexFunc(all, match)], false, true
	}
	if i := slices.IndexFunc(c.Standby, match); i >= 0 {
		return c.Standby[i], true, true
	}
	return Member{}, false, false
}

// ErrNoAnswer means that a text is not the answer it should be.
var ErrNoAnswer = errors.New("it is not the answer of this query")

// The headers of the sections, in the words of all versions.
var sections = []struct {
	pattern *regexp.Regexp
	kind    section
}{
	{regexp.MustCompile(`(?i)^cluster:$`), sectionCluster},
	{regexp.MustCompile(`(?i)^(master|primary) mdms?:$`), sectionPrimary},
	{regexp.MustCompile(`(?i)^(slave|secondary) mdms?:$`), sectionSecondaries},
	{regexp.MustCompile(`(?i)^tie-? ?breakers?:$`), sectionTieBreakers},
	{regexp.MustCompile(`(?i)^standby mdms?:$`), sectionStandby},
}

type section int

const (
	sectionNone section = iota
	sectionCluster
	sectionPrimary
	sectionSecondaries
	sectionTieBreakers
	sectionStandby
	sectionOther
)

// headerPattern is any unindented line that ends in a colon: a section that a
// newer version may add.
var headerPattern = regexp.MustCompile(`^[A-Za-z][A-Za-z -]*:$`)

// ParseCluster reads the answer to SCLI.QueryCluster in the wording of 2.x, of
// 3.6 and of 4.x. What it does not know is skipped; without a mode it is no
// such answer.
func ParseCluster(text string) (Cluster, error) {
	var c Cluster
	var current *Member
	at := sectionNone
	flush := func() {
		if current != nil {
			c.add(at, *current)
			current = nil
		}
	}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n\t ")
		body := strings.TrimSpace(line)
		if next, ok := sectionOf(line, body); ok {
			flush()
			at = next
			continue
		}
		pairs, words := fieldsOfLine(body)
		switch at {
		case sectionNone, sectionOther:
		case sectionCluster:
			c.read(pairs)
		default:
			if _, begins := pairs["id"]; begins {
				flush()
				current = &Member{TieBreaker: at == sectionTieBreakers}
			}
			if current != nil {
				current.read(pairs, words)
			}
		}
	}
	flush()
	if c.Mode == "" {
		return Cluster{}, fmt.Errorf("scli --query_cluster: %w: no mode in %q", ErrNoAnswer, clip(text))
	}
	return c, nil
}

func sectionOf(line, body string) (section, bool) {
	for _, s := range sections {
		if s.pattern.MatchString(body) {
			return s.kind, true
		}
	}
	if line == body && headerPattern.MatchString(body) {
		return sectionOther, true
	}
	return sectionNone, false
}

func (c *Cluster) add(at section, m Member) {
	switch at {
	case sectionPrimary:
		if c.Primary == nil {
			c.Primary = &m
		}
	case sectionSecondaries:
		c.Secondaries = append(c.Secondaries, m)
	case sectionTieBreakers:
		c.TieBreakers = append(c.TieBreakers, m)
	case sectionStandby:
		c.Standby = append(c.Standby, m)
	}
}

func (c *Cluster) read(pairs map[string]string) {
	for key, value := range pairs {
		switch key {
		case "name":
			c.Name = value
		case "mode":
			c.Mode = value
		case "state", "cluster state":
			c.State = value
		case "active":
			c.Active, c.ActiveTotal = fraction(value)
		case "replicas":
			c.Replicas, c.ReplicasTotal = fraction(value)
		}
	}
}

var tieBreakerWord = regexp.MustCompile(`(?i)^(tie-? ?breaker|tb)$`)

func (m *Member) read(pairs map[string]string, words []string) {
	for key, value := range pairs {
		switch key {
		case "name":
			m.Name = value
		case "id":
			m.ID = strings.TrimPrefix(strings.ToLower(value), "0x")
		case "ips", "ip addresses":
			m.IPs = addresses(value)
		case "management ips", "management ip addresses":
			m.ManagementIPs = addresses(value)
		case "port":
			m.Port, _ = strconv.Atoi(value) // 0 where it cannot be read
		case "status":
			m.Status = value
		case "version":
			m.Version = value
		case "role":
			words = append(words, value)
		}
	}
	// The role of a standby stands alone behind its id.
	if slices.ContainsFunc(words, tieBreakerWord.MatchString) {
		m.TieBreaker = true
	}
}

// keyPattern finds the keys of a line: "Management IPs: 10.0.0.1, Port: 9011".
// Values may hold commas, so a key begins only after ", " or at the start.
var keyPattern = regexp.MustCompile(`(?:^|,\s+)([A-Za-z][A-Za-z -]*):(?:\s|$)`)

// fieldsOfLine splits a line into its keys, in lower case, and values, and into
// the words behind a value that have no key.
func fieldsOfLine(line string) (map[string]string, []string) {
	pairs := map[string]string{}
	var words []string
	found := keyPattern.FindAllStringSubmatchIndex(line, -1)
	for i, at := range found {
		end := len(line)
		if i+1 < len(found) {
			end = found[i+1][0]
		}
		key := strings.ToLower(line[at[2]:at[3]])
		value := strings.TrimSpace(line[at[1]:end])
		if key == "id" {
			parts := strings.Split(value, ",")
			value = strings.TrimSpace(parts[0])
			for _, w := range parts[1:] {
				words = append(words, strings.TrimSpace(w))
			}
		}
		if _, twice := pairs[key]; !twice {
			pairs[key] = value
		}
	}
	return pairs, words
}

func addresses(value string) []string {
	var out []string
	for a := range strings.SplitSeq(value, ",") {
		if a = strings.TrimSpace(a); a != "" && !strings.EqualFold(a, "N/A") {
			out = append(out, a)
		}
	}
	return out
}

// fraction reads "2/3"; 0 and 0 where it cannot be read.
func fraction(value string) (int, int) {
	left, right, _ := strings.Cut(value, "/")
	n, err := strconv.Atoi(strings.TrimSpace(left))
	if err != nil {
		return 0, 0
	}
	of, err := strconv.Atoi(strings.TrimSpace(right))
	if err != nil {
		return 0, 0
	}
	return n, of
}
