// Command sandbox runs a whole cluster on one machine, to try and to measure.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/term"

	"scaleio-framework/internal/sandbox"
)

const usage = `Usage:
  sandbox run --scenario bootstrap|demo|failover-soak|growth|growth-soak [flags]
                                                                       play a scenario, print and write what was measured
  sandbox up [flags]                                                   start a cluster and keep it until interrupted

Flags:
`

func main() { os.Exit(run()) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	opts := sandbox.Options{Out: os.Stdout, Terminal: term.IsTerminal(int(os.Stdout.Fd()))}
	if width, _, err := term.GetSize(int(os.Stdout.Fd())); err == nil {
		opts.Width = width
	}
	flags := flag.NewFlagSet("sandbox", flag.ContinueOnError)
	flags.Usage = func() {
		fmt.Fprint(flags.Output(), usage)
		flags.PrintDefaults()
	}
	scenario := flags.String("scenario", "demo", "what to play: bootstrap, demo, failover-soak, growth or growth-soak")
	report := flags.String("report", "", "file to write the report to, as JSON")
	count := flags.Int("count", 0, "rounds of failover-soak and growth-soak; 20 when 0")
	seed := flags.Uint64("seed", 0, "seed of failover-soak and growth-soak; the clock when 0")
	packages := flags.String("packages", "real", "real: .deb files and this machine's dpkg; stand-in: package tools that cost nothing")
	hosts := flags.String("hosts", "directories", "directories: each host is played by one; nspawn: machines with a real systemd, dpkg and apt, as root")
	flags.IntVar(&opts.Agents, "agents", sandbox.DefaultAgents, "hosts at the start")
	flags.IntVar(&opts.Schedulers, "schedulers", sandbox.DefaultSchedulers, "scheduler processes")
	flags.IntVar(&opts.Disks, "disks", 1, "free disks of each host")
	flags.BoolVar(&opts.Growth, "growth", false, "make the hosts instances of EC2, whose volumes pools grow by; demo, growth and growth-soak do so always")
	flags.DurationVar(&opts.SessionTimeout, "session-timeout", sandbox.DefaultSessionTimeout, "ZooKeeper session of the schedulers, 1s to 1m")
	flags.StringVar(&opts.Dir, "dir", "", "directory to work in; a temporary one when empty")
	flags.StringVar(&opts.Mesos, "mesos", "", "address of a real Mesos master, with up")
	verbose := flags.Bool("verbose", false, "log what the doubles do")
	if len(os.Args) < 2 || (os.Args[1] != "run" && os.Args[1] != "up") {
		flags.SetOutput(os.Stderr)
		flags.Usage()
		return 2
	}
	if err := flags.Parse(os.Args[2:]); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	if *packages != "real" && *packages != "stand-in" || flags.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "sandbox: --packages is %q, want real or stand-in; arguments beside flags: %q\n", *packages, flags.Args())
		return 2
	}
	if *hosts != "directories" && *hosts != "nspawn" {
		fmt.Fprintf(os.Stderr, "sandbox: --hosts is %q, want directories or nspawn\n", *hosts)
		return 2
	}
	opts.Machines = *hosts == "nspawn"
	opts.StandInPackages = *packages == "stand-in"
	if *verbose {
		opts.Logger = hclog.New(&hclog.LoggerOptions{Name: "sandbox", Level: hclog.Debug, Output: os.Stderr})
	}
	if os.Args[1] == "up" {
		if err := sandbox.Up(ctx, opts); err != nil {
			fmt.Fprintln(os.Stderr, "sandbox:", err)
			return 1
		}
		return 0
	}
	return play(ctx, opts, *scenario, *report, *count, *seed)
}

func play(ctx context.Context, opts sandbox.Options, scenario, file string, count int, seed uint64) int {
	report, err := sandbox.Run(ctx, scenario, opts, count, seed)
	report.Print(os.Stdout)
	if file != "" {
		if writeErr := report.Write(file); writeErr != nil {
			fmt.Fprintln(os.Stderr, "sandbox: write the report:", writeErr)
			return 1
		}
		fmt.Println("  report     ", file)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "sandbox:", err)
		return 1
	}
	return 0
}
