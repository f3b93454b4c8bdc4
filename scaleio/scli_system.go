package scaleio

import (
	"fmt"
	"regexp"
	"strings"
)

// SystemInfo is the head of the answer to SCLI.QueryAll.
type SystemInfo struct {
	ID             string // of the system, 16 hex digits
	Name           string // empty until it is renamed
	InstallationID string // what LIA must be given
	Version        string // for example R2_6.11000.113
}

var (
	productPattern      = regexp.MustCompile(`(?mi)^\s*Product:.*?Version:\s*(\S+)`)
	systemIDPattern     = regexp.MustCompile(`(?mi)^\s+(?:System )?ID:\s+(?:0x)?([0-9a-f]{16})\s*$`)
	systemNamePattern   = regexp.MustCompile(`(?mi)^\s+(?:System )?Name:[ \t]+(\S.*?)\s*$`)
	installationPattern = regexp.MustCompile(`(?mi)^\s*Installation ID:\s+(?:0x)?([0-9a-f]{16})\s*$`)
	loginLinePattern    = regexp.MustCompile(`(?mi)^.*\bLogged in\b[^\r\n]*`)
	loginIDPattern      = regexp.MustCompile(`(?i)System ID is (?:0x)?([0-9a-f]{16})`)
	scliVersionPattern  = regexp.MustCompile(`(?i)Version:\s*(\S+)`)
)

// ParseSystem reads the answer to SCLI.QueryAll. It needs the system's id; the
// other fields stay empty where the answer does not tell them.
func ParseSystem(text string) (SystemInfo, error) {
	head, found := between(text, "System Info:", "Query all returned")
	if !found {
		return SystemInfo{}, fmt.Errorf("scli --query_all: %w: no system in %q", ErrNoAnswer, clip(text))
	}
	info := SystemInfo{InstallationID: group(installationPattern, head)}
	// The licence follows, and has an ID of its own.
	system, _ := between(head, "System Info:", "License info:")
	info.ID = group(systemIDPattern, system)
	info.Name = group(systemNamePattern, system)
	info.Version = group(productPattern, system)
	if info.ID == "" {
		return SystemInfo{}, fmt.Errorf("scli --query_all: %w: no system id in %q", ErrNoAnswer, clip(system))
	}
	return info, nil
}

// ParseLogin reads the answer to SCLI.Login and returns the system's id, which
// is empty in versions that do not tell it.
func ParseLogin(text string) (systemID string, err error) {
	line := loginLinePattern.FindString(text)
	if line == "" {
		return "", fmt.Errorf("scli --login: %w", ErrNoAnswer)
	}
	return group(loginIDPattern, line), nil
}

// ParseSCLIVersion reads the answer to scli --version, which needs no login.
func ParseSCLIVersion(text string) (Version, error) {
	word := group(scliVersionPattern, text)
	if word == "" {
		return Version{}, fmt.Errorf("scli --version: %w: %q", ErrNoAnswer, clip(text))
	}
	return ParseVersion(word)
}

// group is the first group of the first match, empty when there is none.
func group(pattern *regexp.Regexp, text string) string {
	if m := pattern.FindStringSubmatch(text); m != nil {
		return m[1]
	}
	return ""
}

// between cuts the text from the first mark on, up to the second.
func between(text, from, to string) (string, bool) {
	i := strings.Index(text, from)
	if i < 0 {
		return "", false
	}
	text = text[i:]
	if j := strings.Index(text, to); j >= 0 {
		text = text[:j]
	}
	return text, true
}
