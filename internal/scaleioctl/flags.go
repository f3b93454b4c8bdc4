package scaleioctl

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"scaleio-framework/internal/config"
	"scaleio-framework/internal/redact"
)

// options are the flags.
type options struct {
	url, zk, zkUser string
	zkPassword      redact.Secret
	zkTLS           config.ZK // only its TLS settings
	host            string
	json, watch     bool
	size            int // GiB
	force           bool
	within          time.Duration
	output, base    string
	fetch           bool
	dryRun, keep    bool
	removeVolumes   bool
	mean            string
	interval        time.Duration
	timeout         time.Duration
}

// bind ties the flags to the options, with what the environment says as defaults.
func (p *program) bind() *flag.FlagSet {
	flags := flag.NewFlagSet("scaleioctl", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&p.url, "url", p.env("SIO_URL"), "URL or host:port of any scheduler (SIO_URL)")
	flags.StringVar(&p.zk, "zk", p.env("SIO_ZK"), "zk://host:port,.../path of the framework (SIO_ZK); the leader is found there")
	flags.StringVar(&p.zkUser, "zk.user", p.env("SIO_ZK_USER"), "user of ZooKeeper's digest authentication (SIO_ZK_USER); the password is SIO_ZK_PASSWORD or SIO_ZK_PASSWORD_FILE")
	flags.BoolVar(&p.zkTLS.TLS, "zk.tls", p.env("SIO_ZK_TLS") == "true", "speak TLS to ZooKeeper (SIO_ZK_TLS=true)")
	flags.StringVar(&p.zkTLS.CAFile, "zk.tls.ca", p.env("SIO_ZK_TLS_CA"), "PEM file of the authorities that sign ZooKeeper's certificates (SIO_ZK_TLS_CA)")
	flags.StringVar(&p.zkTLS.CertFile, "zk.tls.cert", p.env("SIO_ZK_TLS_CERT"), "PEM file of the client certificate (SIO_ZK_TLS_CERT)")
	flags.StringVar(&p.zkTLS.KeyFile, "zk.tls.key", p.env("SIO_ZK_TLS_KEY"), "PEM file of the client certificate's key (SIO_ZK_TLS_KEY)")
	flags.StringVar(&p.host, "host", "", "host of the step; with plan and nodes, the one to show")
	flags.IntVar(&p.size, "size", 0, "with growth request and growth preview, the least to add, in GiB; 0 for what the policy says")
	flags.BoolVar(&p.force, "force", false, "with drill abdicate, drill although the cluster is not healthy")
	flags.DurationVar(&p.within, "within", 3*time.Second, "with drill abdicate, what the take-over may last")
	flags.StringVar(&p.output, "output", "", "with artifacts scan, the file to write instead of standard output")
	flags.StringVar(&p.base, "base", "", "with artifacts scan, the URL below which the folder is served; without it the manifest must lie in the folder")
	flags.BoolVar(&p.fetch, "fetch", false, "with artifacts verify, read every file and compare its size and checksum")
	flags.BoolVar(&p.dryRun, "dry-run", false, "with uninstall, show what would be removed and what stands in the way, and change nothing")
	flags.StringVar(&p.mean, "yes-i-mean", "", "with uninstall, the name of the system that is to be removed; it gives the order")
	flags.BoolVar(&p.keep, "keep-data", false, "with uninstall, remove software alone: volumes, devices and the records of the last MDM stay as they are")
	flags.BoolVar(&p.removeVolumes, "remove-volumes", false, "with uninstall, remove every volume of the system with its data")
	flags.BoolVar(&p.json, "json", false, "print JSON")
	flags.BoolVar(&p.watch, "watch", false, "show again and again until interrupted")
	flags.DurationVar(&p.interval, "interval", time.Second, "pause between two looks of --watch")
	flags.DurationVar(&p.timeout, "timeout", 10*time.Second, "time limit of a request")
	flags.Usage = func() {}
	return flags
}

// parse takes flags from anywhere in the command line and returns the words.
func (p *program) parse(args []string) ([]string, error) {
	flags := p.bind()
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
	if p.within <= 0 {
		return nil, errUsage{"--within must be more than 0"}
	}
	p.zkPassword = redact.New(p.env("SIO_ZK_PASSWORD"))
	if file := p.env("SIO_ZK_PASSWORD_FILE"); file != "" && p.zkPassword.IsEmpty() {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, errUsage{"SIO_ZK_PASSWORD_FILE: " + err.Error()}
		}
		p.zkPassword = redact.New(strings.TrimRight(string(text), "\r\n"))
	}
	return words, nil
}

// env is a variable of the environment; empty when it is not set.
func (p *program) env(name string) string {
	for _, pair := range p.Environ {
		if value, ok := strings.CutPrefix(pair, name+"="); ok {
			return value
		}
	}
	return ""
}
