// Package agentunit is the program that a machine's service runs in the place
// of a Mesos agent. The agent itself is mesostest's, in another process: it
// runs as long as this program keeps its connection, so that a start, a stop, a
// kill of the service and a loss of the machine's power are the agent's.
//
// It is a package of its own, without Mesos' messages, since it is part of a
// program that starts in a few milliseconds.
package agentunit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// File is where a machine says which agent it has.
const File = "/etc/mesos-double.json"

// Place is the content of File.
type Place struct {
	// URL is what Cluster.ServeUnits returned.
	URL      string `json:"url"`
	Hostname string `json:"hostname"`
}

// Run says that the agent's process has started.
type Run struct {
	Hostname string `json:"hostname"`
	// Boot is the id of the machine's boot.
	Boot  string            `json:"boot"`
	Flags map[string]string `json:"flags"`
}

// names are those under which an agent's program is started.
var names = []string{"mesos-slave", "mesos-agent"}

// Main is the program: it reads its flags, refuses what an agent refuses, and
// runs until it is ended. handled is false, and nothing is done, under another
// name than an agent's, or where there is no File.
func Main(argv0 string, args, env []string, stderr io.Writer) (exit int, handled bool) {
	if !slices.Contains(names, filepath.Base(argv0)) {
		return 0, false
	}
	data, err := os.ReadFile(File)
	if err != nil {
		return 0, false
	}
	var at Place
	if err := json.Unmarshal(data, &at); err != nil {
		_, _ = fmt.Fprintf(stderr, "%s: %v\n", File, err)
		return 1, true
	}
	flags := Flags(args, env)
	logLine(stderr, 'I', "Flags at startup: "+strings.Join(args, " "))
	if text := Refusal("/", flags, env); text != "" {
		_, _ = fmt.Fprintf(stderr, "EXIT with status 1: %s\n", text)
		return 1, true
	}
	if err := run(at, flags, stderr); err != nil {
		_, _ = fmt.Fprintf(stderr, "EXIT with status 1: %v\n", err)
	}
	return 1, true
}

// logLine writes as glog does: the level, the date, the rest.
func logLine(out io.Writer, level byte, text string) {
	_, _ = fmt.Fprintf(out, "%c1126 12:00:00.000000 %5d main.cpp:1] %s\n", level, os.Getpid(), text)
}

func run(at Place, flags map[string]string, stderr io.Writer) error {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return err
	}
	body, err := json.Marshal(Run{Hostname: at.Hostname, Boot: strings.TrimSpace(string(boot)), Flags: flags})
	if err != nil {
		return err
	}
	res, err := http.Post(at.URL, "application/json", bytes.NewReader(body))
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }() // read only
	if res.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(res.Body, 4096))
		return fmt.Errorf("%s: %s", res.Status, bytes.TrimSpace(text))
	}
	logLine(stderr, 'I', "Agent is up")
	_, err = io.Copy(io.Discard, res.Body)
	return err
}

// Flags are those of the command line and of the environment, which yields, and
// the default of the one that matters here.
func Flags(args, env []string) map[string]string {
	flags := map[string]string{"isolation": "posix/cpu,posix/mem"}
	for _, variable := range env {
		name, value, _ := strings.Cut(variable, "=")
		if name, ok := strings.CutPrefix(name, "MESOS_"); ok {
			flags[strings.ToLower(name)] = value
		}
	}
	for _, arg := range args {
		name, value, has := strings.Cut(strings.TrimPrefix(arg, "--"), "=")
		if !has {
			value = "true"
		}
		flags[name] = value
	}
	return flags
}
