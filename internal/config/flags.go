package config

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"sort"
	"strconv"
	"strings"
	"time"

	"scaleio-framework/internal/redact"
)

// ErrHelp says that the flags were asked for, and printed.
var ErrHelp = flag.ErrHelp

// binder ties settings to flags and environment variables.
type binder struct {
	set     *flag.FlagSet
	env     map[string]string
	secrets map[string]*redact.Secret
	aliases map[string]string // old flag name -> new one
	errs    []error
}

func newBinder(program string, environ []string, usage io.Writer) *binder {
	b := &binder{
		set:     flag.NewFlagSet(program, flag.ContinueOnError),
		env:     make(map[string]string),
		secrets: make(map[string]*redact.Secret),
		aliases: make(map[string]string),
	}
	b.set.SetOutput(io.Discard)
	b.set.Usage = func() { b.print(usage) }
	for _, pair := range environ {
		if name, value, ok := strings.Cut(pair, "="); ok {
			b.env[name] = value
		}
	}
	return b
}

// envName is the variable of a flag: --zk.session is SIO_ZK_SESSION.
func envName(flagName string) string {
	return "SIO_" + strings.ToUpper(strings.NewReplacer(".", "_", "-", "_").Replace(flagName))
}

func (b *binder) text(p *string, name, value, help string) { b.set.StringVar(p, name, value, help) }
func (b *binder) number(p *int, name string, value int, help string) {
	b.set.IntVar(p, name, value, help)
}
func (b *binder) float(p *float64, name string, value float64, help string) {
	b.set.Float64Var(p, name, value, help)
}
func (b *binder) yes(p *bool, name string, value bool, help string) {
	b.set.BoolVar(p, name, value, help)
}
func (b *binder) duration(p *time.Duration, name string, value time.Duration, help string) {
	b.set.DurationVar(p, name, value, help)
}

// secret binds a setting that has variables only. A flag of its name exists so
// that using it gets an explanation instead of "not defined".
func (b *binder) secret(p *redact.Secret, name, help string) {
	b.secrets[name] = p
	b.set.Func(name, help+" (environment only)", func(string) error {
		return fmt.Errorf("a secret is not taken from the command line, where everyone on the host can read it: set %s, or %s_FILE to the path of a file", envName(name), envName(name))
	})
}

// alias takes a flag of the predecessor, with a warning.
func (b *binder) alias(old, name string) { b.aliases[old] = name }

// parse reads environment, flags and secret files.
func (b *binder) parse(args []string) (warnings []string, err error) {
	args, warnings = b.renamed(args)
	given := make(map[string]bool)
	if err := b.set.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil, ErrHelp
		}
		// The flag package repeats the value in its message; a secret's own
		// message stands at its end and is all that is shown of it.
		for name := range b.secrets {
			if strings.Contains(err.Error(), "for flag -"+name+":") {
				_, reason, _ := strings.Cut(err.Error(), "for flag -"+name+": ")
				return nil, fmt.Errorf("--%s: %s", name, reason)
			}
		}
		return nil, fmt.Errorf("%w; --help lists the flags", err)
	}
	if b.set.NArg() > 0 {
		return nil, fmt.Errorf("unexpected argument %q: every setting is a flag, --help lists them", b.set.Arg(0))
	}
	b.set.Visit(func(f *flag.Flag) { given[f.Name] = true })
	b.set.VisitAll(func(f *flag.Flag) {
		if _, isSecret := b.secrets[f.Name]; isSecret || given[f.Name] {
			return
		}
		if value, ok := b.env[envName(f.Name)]; ok {
			if err := f.Value.Set(value); err != nil {
				b.errs = append(b.errs, fmt.Errorf("%s=%q: %w", envName(f.Name), value, err))
			}
		}
	})
	for name, p := range b.secrets {
		if err := b.readSecret(p, name); err != nil {
			b.errs = append(b.errs, err)
		}
	}
	sort.Slice(b.errs, func(i, j int) bool { return b.errs[i].Error() < b.errs[j].Error() })
	return warnings, errors.Join(b.errs...)
}

// renamed replaces old flag names.
func (b *binder) renamed(args []string) (out, warnings []string) {
	for _, arg := range args {
		name, value, hasValue := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		if current, old := b.aliases[name]; old && strings.HasPrefix(arg, "-") {
			warnings = append(warnings, fmt.Sprintf("--%s is an old name, use --%s", name, current))
			arg = "--" + current
			if hasValue {
				arg += "=" + value
			}
		}
		out = append(out, arg)
	}
	return out, warnings
}

func (b *binder) readSecret(p *redact.Secret, name string) error {
	variable := envName(name)
	text, direct := b.env[variable]
	file, fromFile := b.env[variable+"_FILE"]
	switch {
	case direct && fromFile:
		return fmt.Errorf("%s and %s_FILE are both set: set one", variable, variable)
	case direct:
		*p = redact.New(text)
	case fromFile:
		data, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("%s_FILE: %w", variable, err)
		}
		*p = redact.New(strings.TrimRight(string(data), "\r\n"))
	}
	return nil
}

// print lists all settings with flag, variable, default and meaning.
func (b *binder) print(w io.Writer) {
	fmt.Fprintf(w, "Usage: %s [flags]\n\nEvery flag is also an environment variable; a flag wins.\n\n", b.set.Name())
	b.set.VisitAll(func(f *flag.Flag) {
		flagName := "--" + f.Name
		variable := envName(f.Name)
		if _, isSecret := b.secrets[f.Name]; isSecret {
			flagName, variable = variable, variable+"_FILE"
		}
		def := ""
		if f.DefValue != "" && f.DefValue != "false" {
			def = " (default " + f.DefValue + ")"
		}
		fmt.Fprintf(w, "  %s, %s\n        %s%s\n", flagName, variable, f.Usage, def)
	})
}

// fromMarathon fills settings that were not given with what Marathon says.
func (b *binder) fromMarathon(c *Config) error {
	if c.REST.Port == 0 && b.env["PORT0"] != "" {
		port, err := strconv.Atoi(b.env["PORT0"])
		if err != nil {
			return fmt.Errorf("PORT0=%q is not a number: give --rest.port", b.env["PORT0"])
		}
		c.REST.Port = port
	}
	if c.REST.Host == "" {
		c.REST.Host = b.env["HOST"]
	}
	if c.REST.Instance == "" {
		c.REST.Instance = b.env["MESOS_TASK_ID"]
	}
	return nil
}
