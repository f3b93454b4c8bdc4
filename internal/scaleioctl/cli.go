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
	"slices"
	"strings"
	"time"

	"scaleio-framework/internal/version"
	"scaleio-framework/leader"
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
  events                       what changes, as it happens, until interrupted
  plan                         every step of the install plan
  plan pause | resume          stop or continue starting steps
  plan retry STEP              run a step again                          (--host for a step of a node)
  plan force-complete STEP     mark a step done without running it       (--host for a step of a node)
  plan forget-host             while the system is removed, give up a host that is gone for good (--host)
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
  uninstall                    remove everything the framework installed: --dry-run shows what that is,
                               --yes-i-mean SYSTEM gives the order       (--keep-data, --remove-volumes)
  uninstall cancel             take the order back, while nothing was changed
  leader                       who leads, and who stands by
  leader abdicate              let another scheduler lead
  drill report                 the present state, in the terms of a drill
  drill abdicate               let another scheduler lead, measure it, check what must hold (--within, --force)
  artifacts scan DIR           write a manifest of the packages in a folder  (--output, --base)
  artifacts verify MANIFEST    check a manifest, a file or a URL             (--fetch: and the files behind it)
  framework reset              draw a new framework id, after Mesos removed the old one
  state dump                   everything that stands in ZooKeeper, as JSON
  version                      the version of this program

Flags, before or behind the command:
`

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
	if errors.Is(err, leader.ErrRefused) {
		err = fmt.Errorf("%w: give --zk.user and SIO_ZK_PASSWORD_FILE or SIO_ZK_PASSWORD as the schedulers have them, or look at the ACLs below the path of --zk", err)
	}
	if ctx.Err() != nil {
		err = fmt.Errorf("interrupted: %w", err)
	}
	fmt.Fprintln(p.Err, "scaleioctl:", err)
	return ExitFailed
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
	// hosted commands take --host, placed ones do not go without.
	hosted, placed bool
	// sized commands take --size.
	sized bool
	// forced commands take --force.
	forced bool
	// writing commands take --output and --base.
	writing bool
	// fetching commands take --fetch.
	fetching bool
	// removing commands take --dry-run, --yes-i-mean, --keep-data and
	// --remove-volumes.
	removing bool
}

func commands() map[string]command {
	return map[string]command{
		"status":               {run: (*program).statusCommand, watched: true},
		"plan":                 {run: (*program).planCommand, watched: true, hosted: true},
		"plan pause":           {run: verb("pause")},
		"plan resume":          {run: verb("resume")},
		"plan retry":           {run: verb("retry"), word: "the name of one step", hosted: true},
		"plan force-complete":  {run: verb("force-complete"), word: "the name of one step", hosted: true},
		"plan forget-host":     {run: verb("forget-host"), hosted: true, placed: true},
		"uninstall":            {run: (*program).uninstallCommand, removing: true},
		"uninstall cancel":     {run: (*program).cancelUninstallCommand},
		"events":               {run: (*program).eventsCommand},
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
		"drill report":         {run: (*program).drillReportCommand, watched: true},
		"drill abdicate":       {run: (*program).drillAbdicateCommand, forced: true},
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
	if behind := secondWords(words[0]); len(behind) > 0 {
		text := words[0] + " takes " + strings.Join(behind, " or ")
		if len(words) > 1 {
			text += fmt.Sprintf(", not %q", strings.Join(words[1:], " "))
		}
		return errUsage{text}
	}
	return errUsage{fmt.Sprintf("unknown command %q", strings.Join(words, " "))}
}

// secondWords are the words that make commands behind a first one.
func secondWords(first string) (behind []string) {
	for name := range commands() {
		if second, ok := strings.CutPrefix(name, first+" "); ok {
			behind = append(behind, second)
		}
	}
	slices.Sort(behind)
	return behind
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
	case p.host == "" && c.placed:
		return errUsage{name + " takes --host with the name of one host"}
	case p.size != 0 && !c.sized:
		return errUsage{"--size does not go with " + name}
	case p.force && !c.forced:
		return errUsage{"--force does not go with " + name}
	case (p.output != "" || p.base != "") && !c.writing:
		return errUsage{"--output and --base do not go with " + name}
	case (p.dryRun || p.keep || p.removeVolumes || p.mean != "") && !c.removing:
		return errUsage{"--dry-run, --yes-i-mean, --keep-data and --remove-volumes do not go with " + name}
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
	if p.json {
		return p.printJSON(map[string]string{"version": version.String()})
	}
	fmt.Fprintln(p.Out, version.String())
	return nil
}
