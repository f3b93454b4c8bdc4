package inventory

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"scaleio-framework/nodeagent/runner"
)

// probeTimeout bounds a look at a disk: a broken one may hang.
const probeTimeout = 30 * time.Second

// usage is what the kernel says is mounted or swapped to.
type usage struct {
	devices map[string]string // device -> what it is used for
	numbers map[string]string // major:minor -> what it is used for
	problem string
}

// inUse reads mounts and swaps. The first process's mounts are asked too,
// since an executor may live in a mount namespace of its own.
func (c *Collector) inUse() usage {
	u := usage{devices: map[string]string{}, numbers: map[string]string{}}
	read := 0
	for _, name := range []string{"/proc/1/mounts", "/proc/mounts"} {
		data, err := c.opt.Root.ReadFile(name)
		if err != nil {
			continue
		}
		read++
		for line := range strings.Lines(string(data)) {
			fields := strings.Fields(line)
			if len(fields) >= 2 && strings.HasPrefix(fields[0], "/dev/") {
				u.devices[c.opt.Root.Resolve(unescape(fields[0]))] = "it is mounted at " + unescape(fields[1])
			}
		}
	}
	if read == 0 {
		u.problem = "the host's mounts cannot be read"
	}
	c.numbersInUse(u)
	data, there, err := c.opt.Root.ReadIfThere("/proc/swaps")
	if err != nil {
		u.problem = "the host's swaps cannot be read"
	}
	if there {
		for line := range strings.Lines(string(data)) {
			if name, _, ok := strings.Cut(line, " "); ok && strings.HasPrefix(name, "/dev/") {
				u.devices[c.opt.Root.Resolve(unescape(name))] = "it is swapped to"
			}
		}
	}
	return u
}

// numbersInUse finds mounts by device number, which no odd name hides.
func (c *Collector) numbersInUse(u usage) {
	for _, name := range []string{"/proc/1/mountinfo", "/proc/self/mountinfo"} {
		data, err := c.opt.Root.ReadFile(name)
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(data)) {
			if fields := strings.Fields(line); len(fields) >= 5 {
				u.numbers[fields[2]] = "it is mounted at " + unescape(fields[4])
			}
		}
	}
}

func (u usage) of(device, number string) finding {
	if why, ok := u.devices[device]; ok {
		return seen(why)
	}
	if why, ok := u.numbers[number]; ok {
		return seen(why)
	}
	if u.problem != "" {
		return unknown(u.problem)
	}
	return finding{}
}

// unescape undoes the octal escapes of /proc/mounts.
func unescape(name string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(name)
}

// signature asks blkid and wipefs what is written on a disk. They know
// different things, so both must find nothing; and since neither knows every
// owner, ScaleIO itself among them, what they find empty must also be blank.
func (c *Collector) signature(ctx context.Context, device string) finding {
	at := c.opt.Root.Path(c.opt.Root.Resolve(device))
	if found := c.probe(ctx, "blkid", []string{"-p", at}, 2); found.why != "" {
		return found
	}
	if found := c.probe(ctx, "wipefs", []string{"-n", at}, 0); found.why != "" {
		return found
	}
	return blank(at)
}

// probe runs a tool that ends with status nothing and without output when a
// disk is empty.
func (c *Collector) probe(ctx context.Context, tool string, args []string, nothing int) finding {
	res, err := c.opt.Runner.Run(ctx, runner.Command{Argv: append([]string{tool}, args...), Timeout: probeTimeout})
	found := strings.TrimSpace(res.Stdout)
	switch {
	case errors.Is(err, runner.ErrNotFound):
		return unknown("it was not examined: the host has no " + tool)
	case err != nil:
		return unknown(fmt.Sprintf("it was not examined: %v", err))
	case found != "":
		return seen(fmt.Sprintf("%s finds a signature: %s", tool, brief(found)))
	case res.Code != nothing:
		return unknown(fmt.Sprintf("it was not examined: %v", res.Err()))
	}
	return finding{}
}

// brief is the telling part of a probe's output.
func brief(output string) string {
	if _, after, ok := strings.Cut(output, " TYPE="); ok {
		if kind, _, ok := strings.Cut(strings.TrimPrefix(after, `"`), `"`); ok {
			return kind
		}
	}
	lines := strings.Split(output, "\n")
	last := strings.Join(strings.Fields(lines[len(lines)-1]), " ")
	return last[:min(len(last), 120)]
}
