package scaleiotest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/term"
)

// RootVariable names the environment variable that tells a tool its host. A
// machine of its own needs none: there the tools find their host at its root.
const RootVariable = "SIO_HOST_ROOT"

// doubleFile is where a host's directory says how to reach the System.
const doubleFile = "/etc/scaleio-double.json"

// double is the content of doubleFile.
type double struct {
	URL  string `json:"url"`
	Host string `json:"host"`
	IP   string `json:"ip"`
}

// ToolNames are the names Tool knows; the sandbox makes a link for each.
func ToolNames() []string {
	return []string{
		"scli", "systemctl", "service", "drv_cfg", "lsmod", "dpkg", "dpkg-query", "apt-get", "rpm", "yum", "dnf",
		"rexray", "dvdcli", "java", "python3",
	}
}

// hostRoot is the directory of the tool's host; empty when there is none.
func hostRoot(env []string) string {
	root := variable(env, RootVariable)
	if root == "" {
		if _, err := os.Stat(doubleFile); err == nil {
			return "/"
		}
	}
	return root
}

// ToolRequest is what a tool's process sends to the System.
type ToolRequest struct {
	Host string   `json:"host"`
	Tool string   `json:"tool"`
	Args []string `json:"args"`
	// Dir is the working directory, for package files.
	Dir string `json:"dir"`
	// Env holds the variables that installers read.
	Env map[string]string `json:"env"`
	// Answers are what was typed at prompts, by their key.
	Answers map[string]string `json:"answers"`
}

// ToolReply is what the tool then does.
type ToolReply struct {
	Exit   int    `json:"exit"`
	Stdout string `json:"stdout"`
	Stderr string `json:"stderr"`
	// Prompt asks for one more answer before anything has been done.
	Prompt *Prompt `json:"prompt,omitempty"`
}

// Prompt is a question on the terminal.
type Prompt struct {
	Key    string `json:"key"`
	Text   string `json:"text"`
	Hidden bool   `json:"hidden"`
}

// passed are the environment variables that the installers see.
var passed = []string{"MDM_ROLE_IS_MANAGER", "MDM_IP", "TOKEN", "GATEWAY_ADMIN_PASSWORD", "I_AM_SURE", "GATEWAY_RUN_USER"}

// Tool runs the stand-in that argv0 names and returns its exit status. It
// reports handled false, and does nothing, when the name is none of ToolNames
// and no service, or there is no host of a System.
func Tool(argv0 string, args []string, stdin io.Reader, stdout, stderr io.Writer, env []string) (exit int, handled bool) {
	name := filepath.Base(argv0)
	root := hostRoot(env)
	if root == "" || !slices.Contains(ToolNames(), name) && !slices.Contains(daemons(), name) {
		return 0, false
	}
	at, err := readDouble(root)
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "%s: %v\n", name, err)
		return 127, true
	}
	t := tool{at: at, root: root, name: name, env: env, stdin: stdin, stdout: stdout, stderr: stderr}
	if slices.Contains(daemons(), name) {
		return t.daemon(), true
	}
	if variable(env, "SIO_REAL_DPKG") == "1" && (name == "dpkg" || name == "dpkg-query") {
		return t.realDpkg(args), true
	}
	return t.run(args), true
}

func readDouble(root string) (double, error) {
	var d double
	data, err := os.ReadFile(filepath.Join(root, doubleFile))
	if err != nil {
		return d, fmt.Errorf("%s is not the directory of an attached host: %w", root, err)
	}
	if err := json.Unmarshal(data, &d); err != nil {
		return d, fmt.Errorf("%s%s: %w", root, doubleFile, err)
	}
	return d, nil
}

func variable(env []string, name string) string {
	for _, e := range slices.Backward(env) {
		if v, ok := strings.CutPrefix(e, name+"="); ok {
			return v
		}
	}
	return ""
}

// tool is one run of a stand-in.
type tool struct {
	at             double
	root, name     string
	env            []string
	stdin          io.Reader
	stdout, stderr io.Writer
	lines          *bufio.Reader
}

// run sends the command to the System and asks what it wants to know.
func (t *tool) run(args []string) int {
	dir, err := os.Getwd()
	if err != nil {
		dir = "/"
	}
	req := ToolRequest{Host: t.at.Host, Tool: t.name, Args: args, Dir: dir, Env: map[string]string{}, Answers: map[string]string{}}
	for _, name := range passed {
		if v := variable(t.env, name); v != "" {
			req.Env[name] = v
		}
	}
	for {
		reply, err := t.send(req)
		if err != nil {
			_, _ = fmt.Fprintf(t.stderr, "%s: the double does not answer: %v\n", t.name, err)
			return 127
		}
		if reply.Prompt == nil {
			_, _ = io.WriteString(t.stdout, reply.Stdout)
			_, _ = io.WriteString(t.stderr, reply.Stderr)
			return reply.Exit
		}
		answer, err := t.ask(*reply.Prompt)
		if err != nil {
			_, _ = fmt.Fprintf(t.stderr, "Error: no answer: %v\n", err)
			return exitUsage
		}
		req.Answers[reply.Prompt.Key] = answer
	}
}

func (t *tool) send(req ToolRequest) (ToolReply, error) {
	var reply ToolReply
	body, err := json.Marshal(req)
	if err != nil {
		return reply, err
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 5 * time.Minute}
	res, err := client.Post(t.at.URL+"/tool", "application/json", bytes.NewReader(body))
	if err != nil {
		return reply, err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(res.Body, 4096))
		return reply, fmt.Errorf("%s: %s", res.Status, strings.TrimSpace(string(text)))
	}
	return reply, json.NewDecoder(res.Body).Decode(&reply)
}

// ask shows a prompt and reads a line; without echo when it is hidden and the
// input is a terminal.
func (t *tool) ask(p Prompt) (string, error) {
	_, _ = io.WriteString(t.stdout, p.Text)
	if f, ok := t.stdin.(*os.File); ok && p.Hidden && term.IsTerminal(int(f.Fd())) {
		text, err := term.ReadPassword(int(f.Fd()))
		_, _ = io.WriteString(t.stdout, "\n")
		return string(text), err
	}
	if t.lines == nil {
		t.lines = bufio.NewReader(t.stdin)
	}
	line, err := t.lines.ReadString('\n')
	if err != nil && line == "" {
		return "", err
	}
	return strings.TrimRight(line, "\r\n"), nil
}
