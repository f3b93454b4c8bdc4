// Command sandbox runs a whole cluster on one machine, to try and to measure.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/term"

	"scaleio-framework/internal/sandbox"
	"scaleio-framework/nodeagent/hosttest"
)

const usage = `Usage:
  sandbox run --scenario bootstrap|demo|failover-soak|growth|growth-soak|uninstall [flags]
                                                                       play a scenario, print and write what was measured
  sandbox up [flags]                                                   start a cluster and keep it until interrupted
  sandbox drill NAME [flags]                                           provoke a fault on a fresh cluster, measure what comes of it
  sandbox drill --list                                                 all drills, with what is expected

`

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// options are what the flags of a command say.
type options struct {
	sandbox.Options
	errOut           io.Writer
	scenario, report string
	count            int
	seed             uint64
	packages, hosts  string
	verbose          bool
	drill            sandbox.DrillOptions
	list             bool
}

// run runs a command line and returns the exit code: 0 for done, 1 when
// something promised did not happen, 2 for a wrong command line.
func run(args []string, out, errOut io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	o := &options{Options: sandbox.Options{Out: out, Terminal: term.IsTerminal(int(os.Stdout.Fd()))}, errOut: errOut}
	if width, _, err := term.GetSize(int(os.Stdout.Fd())); err == nil {
		o.Width = width
	}
	command := ""
	if len(args) > 0 {
		command, args = args[0], args[1:]
	}
	flags := o.flags(command)
	switch command {
	case "run", "up", "drill":
	case "help", "-h", "-help", "--help":
		flags.SetOutput(out)
		flags.Usage()
		return 0
	case "":
		return o.refuse("no command given: want run, up or drill")
	default:
		return o.refuse(fmt.Sprintf("unknown command %q: want run, up or drill", command))
	}
	if command == "drill" && len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		o.drill.Name, args = args[0], args[1:]
	}
	flags.SetOutput(io.Discard)
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		flags.SetOutput(out)
		flags.Usage()
		return 0
	} else if err != nil {
		return o.refuse(err.Error())
	}
	if flags.NArg() > 0 {
		return o.refuse(fmt.Sprintf("%s takes no %q", command, strings.Join(flags.Args(), " ")))
	}
	if command == "drill" && o.drill.Name == "" && !o.list {
		return o.refuse("which drill? sandbox drill --list shows them")
	}
	if o.packages != "real" && o.packages != "stand-in" {
		return o.refuse(fmt.Sprintf("--packages is %q, want real or stand-in", o.packages))
	}
	switch o.hosts {
	case "directories":
	case "nspawn":
		o.Machines = true
	case "nspawn-rpm":
		o.Machines, o.System = true, hosttest.Rocky
	default:
		return o.refuse(fmt.Sprintf("--hosts is %q, want directories, nspawn or nspawn-rpm", o.hosts))
	}
	o.StandInPackages = o.packages == "stand-in"
	if o.verbose {
		o.Logger = hclog.New(&hclog.LoggerOptions{Name: "sandbox", Level: hclog.Debug, Output: errOut})
	}
	switch command {
	case "up":
		if err := sandbox.Up(ctx, o.Options); err != nil {
			o.complain(err)
			return 1
		}
		return 0
	case "drill":
		if o.list {
			list(out)
			return 0
		}
		return o.conclude(sandbox.RunDrill(ctx, o.drill, o.Options))
	default:
		return o.conclude(sandbox.Run(ctx, o.scenario, o.Options, o.count, o.seed))
	}
}

func (o *options) flags(command string) *flag.FlagSet {
	flags := flag.NewFlagSet("sandbox", flag.ContinueOnError)
	heading := "Flags of run and up (sandbox drill --help shows those of drill):"
	flags.Usage = func() {
		fmt.Fprint(flags.Output(), usage, heading, "\n")
		flags.PrintDefaults()
	}
	packages := "real"
	o.hosts = "directories"
	switch command {
	case "drill":
		heading = "Flags of drill:"
		packages = "stand-in"
		during := string(sandbox.DuringBootstrap)
		flags.StringVar((*string)(&o.drill.During), "during", during, "what the cluster does when the drill strikes: bootstrap, growth or idle")
		flags.IntVar(&o.drill.AfterSteps, "after", 0, "after how many steps of the bootstrap to strike; about the middle when 0")
		flags.BoolVar(&o.drill.Refuse, "refuse", false, "let a link that is cut refuse connections, instead of dropping what is sent")
		flags.BoolVar(&o.list, "list", false, "list the drills")
	default:
		flags.StringVar(&o.scenario, "scenario", "demo", "what to play: bootstrap, demo, failover-soak, growth, growth-soak or uninstall")
		flags.IntVar(&o.count, "count", 0, "rounds of failover-soak and growth-soak; 20 when 0")
		flags.Uint64Var(&o.seed, "seed", 0, "seed of failover-soak and growth-soak; the clock when 0")
		flags.BoolVar(&o.Growth, "growth", false, "make the hosts instances of EC2, whose volumes pools grow by; demo, growth and growth-soak do so always")
		flags.StringVar(&o.hosts, "hosts", o.hosts, "directories: each host is played by one; nspawn: machines with a real systemd, dpkg and apt, as root; nspawn-rpm: the same with rpm and dnf")
		flags.StringVar(&o.Mesos, "mesos", "", "address of a real Mesos master, with up")
	}
	flags.StringVar(&o.report, "report", "", "file to write the report to, as JSON")
	flags.StringVar(&o.packages, "packages", packages, "real: .deb files and this machine's dpkg; stand-in: package tools that cost nothing")
	flags.StringVar(&o.Release, "product", sandbox.DefaultRelease, "release that is played, "+strings.Join(sandbox.Releases(), " or ")+"; 4.x has no gateway")
	flags.BoolVar(&o.Platform, "platform", false, "give a 4.x system a management platform; growth and uninstall do so always")
	flags.IntVar(&o.Agents, "agents", sandbox.DefaultAgents, "hosts at the start")
	flags.IntVar(&o.Schedulers, "schedulers", 0, "scheduler processes; 2, in some drills 3, when 0")
	flags.IntVar(&o.Disks, "disks", 1, "free disks of each host")
	flags.DurationVar(&o.SessionTimeout, "session-timeout", sandbox.DefaultSessionTimeout, "ZooKeeper session of the schedulers, 1s to 1m")
	flags.StringVar(&o.Dir, "dir", "", "directory to work in; a temporary one when empty")
	flags.BoolVar(&o.verbose, "verbose", false, "log what the doubles do")
	return flags
}

// list shows the drills to a person.
func list(out io.Writer) {
	for _, d := range sandbox.Drills() {
		fmt.Fprintf(out, "%s\n    %s.\n    Expected: %s\n", d.Name, d.Fault, d.Expect)
	}
}

// refuse says what is wrong with the command line, and returns the exit code.
func (o *options) refuse(text string) int {
	fmt.Fprintln(o.errOut, "sandbox: "+text+"; sandbox --help shows the commands and flags")
	return 2
}

// complain shows an error, under the program's name once.
func (o *options) complain(err error) {
	fmt.Fprintln(o.errOut, "sandbox:", strings.TrimPrefix(err.Error(), "sandbox: "))
}

// conclude shows and writes what was measured; the exit code says whether all
// went well. Without a report nothing was begun: the command line is wrong.
func (o *options) conclude(report *sandbox.Report, err error) int {
	if report == nil {
		o.complain(err)
		return 2
	}
	report.Print(o.Out)
	if o.report != "" {
		if writeErr := report.Write(o.report); writeErr != nil {
			fmt.Fprintln(o.errOut, "sandbox: write the report:", writeErr)
			return 1
		}
		fmt.Fprintln(o.Out, "  report     ", o.report)
	}
	if err != nil {
		o.complain(err)
		return 1
	}
	return 0
}
