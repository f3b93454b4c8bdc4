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
	secrets map[string]*redact.Secret // by flag name; nil for one that is not to be read
	aliases map[string]alias          // by old flag name
	exposed []redact.Secret           // given on the command line all the same
	errs    []error
}

func newBinder(program string, environ []string, usage io.Writer) *binder {
	b := &binder{
		set:     flag.NewFlagSet(program, flag.ContinueOnError),
		env:     make(map[string]string),
		secrets: make(map[string]*redact.Secret),
		aliases: make(map[string]alias),
	}
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
// that using it gets an explanation instead of "no setting".
func (b *binder) secret(p *redact.Secret, name, help string) {
	b.secrets[name] = p
	b.set.Func(name, help+" (environment only)", func(string) error { return nil })
}

// alias is the present name of an old flag, and the unit that old values were
// in and did not name.
type alias struct{ name, unit string }

// alias takes a flag of the predecessor, with a warning.
func (b *binder) alias(old, name string) { b.aliases[old] = alias{name: name} }

// aliasUnit takes a flag of the predecessor whose value was a bare number.
func (b *binder) aliasUnit(old, name, unit string) { b.aliases[old] = alias{name, unit} }

// parse reads flags, environment and secret files. What is wrong is collected
// in b.errs, so that an operator learns of all of it at once; an error returned
// is ErrHelp.
func (b *binder) parse(args []string) (warnings []string, err error) {
	given, warnings, err := b.readFlags(args)
	if err != nil {
		return nil, err
	}
	b.set.VisitAll(func(f *flag.Flag) {
		if _, isSecret := b.secrets[f.Name]; isSecret || given[f.Name] {
			return
		}
		// An empty variable is one that a template left empty.
		if value := b.env[envName(f.Name)]; value != "" {
			if err := f.Value.Set(value); err != nil {
				b.errs = append(b.errs, fmt.Errorf("%s is %q, want %s", envName(f.Name), value, wanted(f, err)))
			}
		}
	})
	for name, p := range b.secrets {
		if p == nil {
			continue
		}
		if err := b.readSecret(p, name); err != nil {
			b.errs = append(b.errs, err)
		}
	}
	sort.Slice(b.errs, func(i, j int) bool { return b.errs[i].Error() < b.errs[j].Error() })
	return append(warnings, b.unknownVariables()...), nil
}

// readFlags reads the command line and goes on behind a mistake. It does not
// use FlagSet.Parse, which stops at the first one and quotes the argument: that
// may be a secret in the wrong place.
func (b *binder) readFlags(args []string) (given map[string]bool, warnings []string, err error) {
	given = make(map[string]bool)
	mistake := func(format string, args ...any) { b.errs = append(b.errs, fmt.Errorf(format, args...)) }
	excused := false // a word behind a mistake belongs to it
	for i := 0; i < len(args); i++ {
		name, value, hasValue := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(args[i], "-"), "-"), "=")
		if !strings.HasPrefix(args[i], "-") || name == "" || name[0] == '-' {
			if !excused {
				mistake("argument %d is not a flag: every setting is --name=value, --help lists them", i+1)
			}
			continue
		}
		excused = false
		if name == "help" || name == "h" {
			b.set.Usage()
			return nil, nil, ErrHelp
		}
		unit := ""
		if current, old := b.aliases[name]; old {
			warnings = append(warnings, fmt.Sprintf("--%s is an old name, use --%s", name, current.name))
			name, unit = current.name, current.unit
		}
		f := b.set.Lookup(name)
		if f == nil {
			mistake("--%s is no setting: --help lists them", name)
			excused = true
			continue
		}
		_, isSecret := b.secrets[name]
		if !hasValue && !isBool(f) && i+1 < len(args) && !(isSecret && strings.HasPrefix(args[i+1], "--")) {
			i++
			value, hasValue = args[i], true
		}
		if unit != "" && strings.Trim(value, "0123456789") == "" {
			value += unit
		}
		switch {
		case isSecret:
			b.exposed = append(b.exposed, redact.New(value))
			mistake("--%s: a secret is not taken from the command line, where everyone on the host can read it: set %s_FILE to the path of a file, or %s", name, envName(name), envName(name))
		case !hasValue && isBool(f):
			value = "true"
			fallthrough
		case hasValue:
			given[name] = true
			if err := f.Value.Set(value); err != nil {
				mistake("--%s is %q, want %s", name, value, wanted(f, err))
				excused = true
			}
		default:
			mistake("--%s has no value: want %s", name, kindOf(f))
		}
	}
	return given, warnings, nil
}

func isBool(f *flag.Flag) bool {
	v, ok := f.Value.(interface{ IsBoolFlag() bool })
	return ok && v.IsBoolFlag()
}

// wanted says why a value was refused: the flag package's own reasons say less
// than what is wanted, those of our own settings say more.
func wanted(f *flag.Flag, err error) string {
	if _, own := f.Value.(flag.Getter); own {
		return kindOf(f)
	}
	return "another: " + err.Error()
}

// kindOf says what a flag's value looks like.
func kindOf(f *flag.Flag) string {
	if getter, ok := f.Value.(flag.Getter); ok {
		switch getter.Get().(type) {
		case bool:
			return "true or false"
		case int:
			return "a whole number"
		case float64:
			return "a number"
		case time.Duration:
			return "a duration such as 10s or 2m"
		}
	}
	return "a text"
}

// unknownVariables warns of variables that look like settings and are none:
// most are misspelt.
func (b *binder) unknownVariables() []string {
	known := map[string]bool{
		// The node agent's and scaleioctl's own, which a host may share.
		"SIO_HOST_ROOT": true, "SIO_TOOLS": true, "SIO_URL": true, "SIO_ADDRESS": true,
		"SIO_LOG_LEVEL": true, "SIO_SCLI_PASSWORD_IN_ARGS": true, "SIO_IMDS_ENDPOINT": true,
	}
	b.set.VisitAll(func(f *flag.Flag) {
		known[envName(f.Name)] = true
		if _, isSecret := b.secrets[f.Name]; isSecret {
			known[envName(f.Name)+"_FILE"] = true
		}
	})
	var warnings []string
	for name := range b.env {
		if strings.HasPrefix(name, "SIO_") && !known[name] {
			warnings = append(warnings, name+" is no setting, --help lists them")
		}
	}
	sort.Strings(warnings)
	return warnings
}

// mask hides every secret that was given, wherever it was given, in an error.
func (b *binder) mask(err error) error {
	if err == nil {
		return nil
	}
	secrets := b.exposed
	for name, p := range b.secrets {
		secrets = append(secrets, redact.New(b.env[envName(name)]))
		if p != nil {
			secrets = append(secrets, *p)
		}
	}
	if text := redact.Text(secrets...)(err.Error()); text != err.Error() {
		return errors.New(text)
	}
	return err
}

func (b *binder) readSecret(p *redact.Secret, name string) error {
	variable := envName(name)
	text, file := b.env[variable], b.env[variable+"_FILE"]
	direct, fromFile := text != "", file != ""
	switch {
	case direct && fromFile:
		return fmt.Errorf("%s and %s_FILE are both set: set one", variable, variable)
	case direct:
		*p = redact.New(text)
	case fromFile:
		data, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("%s_FILE: %w: give the path of a file that this user can read", variable, err)
		}
		if len(strings.TrimSpace(string(data))) == 0 {
			return fmt.Errorf("%s_FILE: %s is empty: write the secret into it", variable, file)
		}
		*p = redact.New(strings.TrimRight(string(data), "\r\n"))
	}
	return nil
}

// print lists all settings with flag, variable, default and meaning.
func (b *binder) print(w io.Writer) {
	fmt.Fprintf(w, "Usage: %s [flags]\n\nEvery flag is also an environment variable; a flag wins. Secrets are variables only.\n\n", b.set.Name())
	b.set.VisitAll(func(f *flag.Flag) {
		flagName := "--" + f.Name
		variable := envName(f.Name)
		if _, isSecret := b.secrets[f.Name]; isSecret {
			flagName, variable = variable, variable+"_FILE"
		} else if old := b.oldNames(f.Name); len(old) > 0 {
			variable += " (old: --" + strings.Join(old, ", --") + ")"
		}
		def := ""
		if f.DefValue != "" && f.DefValue != "false" {
			def = " (default " + f.DefValue + ")"
		}
		fmt.Fprintf(w, "  %s, %s\n        %s%s\n", flagName, variable, f.Usage, def)
	})
}

func (b *binder) oldNames(name string) []string {
	var old []string
	for alias, current := range b.aliases {
		if current.name == name {
			old = append(old, alias)
		}
	}
	sort.Strings(old)
	return old
}

// fromMarathon fills settings that were not given with what Marathon says.
func (b *binder) fromMarathon(c *Config) {
	if c.REST.Port == 0 && b.env["PORT0"] != "" {
		port, err := strconv.Atoi(b.env["PORT0"])
		if err != nil {
			b.errs = append(b.errs, fmt.Errorf("PORT0 is %q, which is not a number: give --rest.port", b.env["PORT0"]))
		}
		c.REST.Port = port
	}
	if c.REST.Host == "" {
		c.REST.Host = b.env["HOST"]
	}
	if c.REST.Instance == "" {
		c.REST.Instance = b.env["MESOS_TASK_ID"]
	}
}
