// Package scaleioctl is the operator's command line. It asks any scheduler by
// HTTP, which it finds through ZooKeeper or is told; only state dump reads
// ZooKeeper itself, so that it works when no scheduler does.
package scaleioctl

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"scaleio-framework/internal/config"
	"scaleio-framework/internal/redact"
	"scaleio-framework/internal/version"
)

// Exit codes of scaleioctl.
const (
	ExitOK      = 0
	ExitFailed  = 1 // what was asked for did not happen
	ExitMisused = 2 // wrong command line
)

// World is what the program is given.
type World struct {
	Out, Err io.Writer
	Environ  []string
	// Terminal says that Out can be redrawn.
	Terminal bool
}

const usage = `Usage: scaleioctl [flags] COMMAND

Commands:
  status                       the system at a glance
  plan                         every step of the install plan
  plan pause | resume          stop or continue starting steps
  plan retry STEP              run a step again                          (--host for a step of a node)
  plan force-complete STEP     mark a step done without running it       (--host for a step of a node)
  nodes                        the agent hosts
  pools                        the storage pools, and what growth thinks of them
  growth                       the growths of the pools, newest first
  growth show ID               one growth with its volumes
  growth preview [POOL]        a dry run: what a growth would be now     (--size for the least GiB)
  growth request POOL          let a pool grow now, POOL being DOMAIN/POOL (--size for the least GiB)
  growth approve | decline ID  answer a growth that awaits approval
  growth retry ID              try the failed and parked volumes of a growth again
  growth orphans               volumes with our tag that nobody accounts for
  growth delete-orphan VOLUME  delete one of them
  leader                       who leads, and who stands by
  leader abdicate              let another scheduler lead
  artifacts scan DIR           write a manifest of the packages in a folder  (--output, --base)
  artifacts verify MANIFEST    check a manifest, a file or a URL             (--fetch: and the files behind it)
  framework reset              draw a new framework id, after Mesos removed the old one
  state dump                   everything that stands in ZooKeeper, as JSON
  version                      the version of this program

Flags, before or behind the command:
`

// options are the flags.
type options struct {
	url, zk, zkUser string
	zkPassword      redact.Secret
	zkTLS           config.ZK // only its TLS settings
	host            string
	json, watch     bool
	size            int // GiB
	output, base    string
	fetch           bool
	interval        time.Duration
	timeout         time.Duration
}

// program is one run.
type program struct {
	World
	options
}

// errUsage says that the command line was wrong.
type errUsage struct{ text string }

func (e errUsage) Error() string { return e.text + "; scaleioctl --help shows the commands" }

// Run runs a command line and returns the exit code.
func Run(ctx context.Context, args []string, world World) int {
	p := &program{World: world}
	words, err := p.parse(args)
	if errors.Is(err, flag.ErrHelp) {
		return ExitOK
	}
	if err == nil {
		err = p.dispatch(ctx, words)
	}
	var misused errUsage
	switch {
	case err == nil:
		return ExitOK
	case errors.As(err, &misused):
		fmt.Fprintln(p.Err, "scaleioctl:", err)
		return ExitMisused
	}
	if ctx.Err() != nil {
		err = fmt.Errorf("interrupted: %w", err)
	}
	fmt.Fprintln(p.Err, "scaleioctl:", err)
	return ExitFailed
}

// parse takes flags from anywhere in the command line and returns the words.
func (p *program) parse(args []string) ([]string, error) {
	env := func(name string) string {
		for _, pair := range p.Environ {
			if value, ok := strings.CutPrefix(pair, name+"="); ok {
				return value
			}
		}
		return ""
	}
	flags := flag.NewFlagSet("scaleioctl", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&p.url, "url", env("SIO_URL"), "URL or host:port of any scheduler (SIO_URL)")
	flags.StringVar(&p.zk, "zk", env("SIO_ZK"), "zk://host:port,.../path of the framework (SIO_ZK); the leader is found there")
	flags.StringVar(&p.zkUser, "zk.user", env("SIO_ZK_USER"), "user of ZooKeeper's digest authentication (SIO_ZK_USER); the password is SIO_ZK_PASSWORD or SIO_ZK_PASSWORD_FILE")
	flags.BoolVar(&p.zkTLS.TLS, "zk.tls", env("SIO_ZK_TLS") == "true", "speak TLS to ZooKeeper (SIO_ZK_TLS=true)")
	flags.StringVar(&p.zkTLS.CAFile, "zk.tls.ca", env("SIO_ZK_TLS_CA"), "PEM file of the authorities that sign ZooKeeper's certificates (SIO_ZK_TLS_CA)")
	flags.StringVar(&p.zkTLS.CertFile, "zk.tls.cert", env("SIO_ZK_TLS_CERT"), "PEM file of the client certificate (SIO_ZK_TLS_CERT)")
	flags.StringVar(&p.zkTLS.KeyFile, "zk.tls.key", env("SIO_ZK_TLS_KEY"), "PEM file of the client certificate's key (SIO_ZK_TLS_KEY)")
	flags.StringVar(&p.host, "host", "", "host of the step; with plan and nodes, the one to show")
	flags.IntVar(&p.size, "size", 0, "with growth request and growth preview, the least to add, in GiB; 0 for what the policy says")
	flags.StringVar(&p.output, "output", "", "with artifacts scan, the file to write instead of standard output")
	flags.StringVar(&p.base, "base", "", "with artifacts scan, the URL below which the folder is served; without it the manifest must lie in the folder")
	flags.BoolVar(&p.fetch, "fetch", false, "with artifacts verify, read every file and compare its size and checksum")
	flags.BoolVar(&p.json, "json", false, "print JSON")
	flags.BoolVar(&p.watch, "watch", false, "show again and again until interrupted")
	flags.DurationVar(&p.interval, "interval", time.Second, "pause between two looks of --watch")
	flags.DurationVar(&p.timeout, "timeout", 10*time.Second, "time limit of a request")
	flags.Usage = func() {}
	var words []string
	for {
		if err := flags.Parse(args); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				fmt.Fprint(p.Out, usage)
				flags.SetOutput(p.Out)
				flags.PrintDefaults()
				return nil, err
			}
			return nil, errUsage{err.Error()}
		}
		if flags.NArg() == 0 {
			break
		}
		words = append(words, flags.Arg(0))
		args = flags.Args()[1:]
	}
	if p.size < 0 {
		return nil, errUsage{"--size must be 0 or more GiB"}
	}
	if p.interval <= 0 || p.timeout <= 0 {
		return nil, errUsage{"--interval and --timeout must be more than 0"}
	}
	p.zkPassword = redact.New(env("SIO_ZK_PASSWORD"))
	if file := env("SIO_ZK_PASSWORD_FILE"); file != "" && p.zkPassword.IsEmpty() {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, errUsage{"SIO_ZK_PASSWORD_FILE: " + err.Error()}
		}
		p.zkPassword = redact.New(strings.TrimRight(string(text), "\r\n"))
	}
	return words, nil
}

// command is what stands behind a name. words are those behind the name.
type command struct {
	run func(p *program, ctx context.Context, words []string) error
	// word is what the word behind the name is; empty when none follows.
	word string
	// optional says that the word may be missing.
	optional bool
	// watched commands take --watch.
	watched bool
	// hosted commands take --host.
	hosted bool
	// sized commands take --size.
	sized bool
	// writing commands take --output and --base.
	writing bool
	// fetching commands take --fetch.
	fetching bool
}

func commands() map[string]command {
	return map[string]command{
		"status":               {run: (*program).statusCommand, watched: true},
		"plan":                 {run: (*program).planCommand, watched: true, hosted: true},
		"plan pause":           {run: verb("pause")},
		"plan resume":          {run: verb("resume")},
		"plan retry":           {run: verb("retry"), word: "the name of one step", hosted: true},
		"plan force-complete":  {run: verb("force-complete"), word: "the name of one step", hosted: true},
		"nodes":                {run: (*program).nodesCommand, watched: true, hosted: true},
		"pools":                {run: (*program).poolsCommand, watched: true},
		"growth":               {run: (*program).growthsCommand, watched: true},
		"growth show":          {run: (*program).growthCommand, word: "the id of one growth", watched: true},
		"growth preview":       {run: (*program).previewCommand, word: "one pool as DOMAIN/POOL", optional: true, watched: true, sized: true},
		"growth request":       {run: growthVerb("request"), word: "one pool as DOMAIN/POOL", sized: true},
		"growth approve":       {run: growthVerb("approve"), word: "the id of one growth"},
		"growth decline":       {run: growthVerb("decline"), word: "the id of one growth"},
		"growth retry":         {run: growthVerb("retry"), word: "the id of one growth"},
		"growth orphans":       {run: (*program).orphansCommand, watched: true},
		"growth delete-orphan": {run: growthVerb("delete-orphan"), word: "the id of one volume"},
		"leader":               {run: (*program).leaderCommand, watched: true},
		"leader abdicate":      {run: (*program).abdicateCommand},
		"artifacts scan":       {run: (*program).scanCommand, word: "one folder", writing: true},
		"artifacts verify":     {run: (*program).verifyCommand, word: "one manifest, a file or a URL", fetching: true},
		"framework reset":      {run: (*program).resetCommand},
		"state dump":           {run: (*program).dumpCommand},
		"version":              {run: (*program).versionCommand},
	}
}

func (p *program) dispatch(ctx context.Context, words []string) error {
	if len(words) == 0 {
		return errUsage{"no command given"}
	}
	for _, n := range []int{2, 1} {
		if len(words) < n {
			continue
		}
		name := strings.Join(words[:n], " ")
		c, ok := commands()[name]
		if !ok {
			continue
		}
		if err := p.fits(c, name, words[n:]); err != nil {
			return err
		}
		return p.once(ctx, c, words[n:])
	}
	return errUsage{fmt.Sprintf("unknown command %q", strings.Join(words, " "))}
}

// fits compares a command with the words behind its name and with the flags.
func (p *program) fits(c command, name string, rest []string) error {
	switch {
	case c.word == "" && len(rest) > 0:
		return errUsage{fmt.Sprintf("%s takes no %q", name, strings.Join(rest, " "))}
	case c.word != "" && len(rest) != 1 && (len(rest) > 0 || !c.optional):
		return errUsage{name + " takes " + c.word}
	case c.word != "" && len(rest) == 1 && rest[0] == "":
		return errUsage{name + " takes " + c.word + ", not an empty word"}
	case p.watch && !c.watched:
		return errUsage{"--watch does not go with " + name}
	case p.host != "" && !c.hosted:
		return errUsage{"--host does not go with " + name}
	case p.size != 0 && !c.sized:
		return errUsage{"--size does not go with " + name}
	case (p.output != "" || p.base != "") && !c.writing:
		return errUsage{"--output and --base do not go with " + name}
	case p.fetch && !c.fetching:
		return errUsage{"--fetch does not go with " + name}
	}
	return nil
}

// once runs a command, or with --watch again and again.
func (p *program) once(ctx context.Context, c command, words []string) error {
	if !p.watch {
		return c.run(p, ctx, words)
	}
	for {
		var misused errUsage
		if err := p.redraw(ctx, c, words); errors.As(err, &misused) {
			return err // it will not pass
		}
		timer := time.NewTimer(p.interval)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
	}
}

// redraw shows a command's output in the place of the one before. An error is
// shown as well and does not end the watch: during a failover it passes.
func (p *program) redraw(ctx context.Context, c command, words []string) error {
	var text strings.Builder
	screen := *p
	screen.Out = &text
	err := c.run(&screen, ctx, words)
	var misused errUsage
	if ctx.Err() != nil || errors.As(err, &misused) {
		return err // interrupted in the middle, or not worth a screen
	}
	if p.json {
		if err != nil {
			fmt.Fprintln(p.Err, "scaleioctl:", err)
		}
		fmt.Fprint(p.Out, text.String())
		return err
	}
	if err != nil {
		fmt.Fprintln(&text, "scaleioctl:", err)
	}
	clear := "\n"
	if p.Terminal {
		clear = "\x1b[H\x1b[2J"
	}
	fmt.Fprintf(p.Out, "%s%s\n%s", clear, time.Now().Format(time.TimeOnly), text.String())
	return err
}

func (p *program) versionCommand(context.Context, []string) error {
	fmt.Fprintln(p.Out, version.String())
	return nil
}
