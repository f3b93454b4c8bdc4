package packages

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"scaleio-framework/nodeagent/runner"
)

// transactionMark is the mark of a transaction of a resolver.
const transactionMark = "rpm-transaction"

// transaction is what a resolver was to do.
type transaction struct {
	Names []string `json:"names"`
	// Before are the transactions, as rpm numbers them, that the host's packages
	// came with until then: a number that is new after a crash is ours.
	Before []string `json:"before"`
	// Newest are the packages that came with the last of these: rpm numbers
	// transactions by the second, so ours may have the same number.
	Newest []string `json:"newest"`
}

// last is the newest transaction of before; empty where there was none.
func (t transaction) last() string {
	if len(t.Before) == 0 {
		return ""
	}
	return t.Before[len(t.Before)-1]
}

// had reports whether a package that came with a transaction was there before.
func (t transaction) had(number, name string) bool {
	if number == t.last() {
		return slices.Contains(t.Newest, name)
	}
	return slices.Contains(t.Before, number)
}

func (t transaction) wants(name string) bool { return slices.Contains(t.Names, name) }

// transaction is the one that was begun and is not known to have ended.
func (r rpm) transaction() (t transaction, begun bool, err error) {
	note, begun, err := r.marks.Note(transactionMark)
	if err != nil || !begun {
		return t, begun, err
	}
	if err := json.Unmarshal([]byte(note), &t); err != nil {
		return t, true, fmt.Errorf("the note of an unfinished transaction of rpm: %w", err)
	}
	return t, true, nil
}

// InstallNamed uses the first tool that the host has.
func (r rpm) InstallNamed(ctx context.Context, names ...string) error {
	tool, err := r.resolver(names)
	if err != nil {
		return err
	}
	if err := r.idle(ctx); err != nil {
		return err
	}
	interrupted, err := r.finish(ctx, tool)
	if err != nil {
		return err
	}
	t, err := r.intended(ctx, names)
	if err != nil {
		return err
	}
	note, err := json.Marshal(t)
	if err != nil {
		return fmt.Errorf("note a transaction of rpm: %w", err)
	}
	if err := r.marks.Mark(transactionMark, string(note)); err != nil {
		return err
	}
	if err := r.transact(ctx, tool, slices.Concat(tool.install, names)); err != nil {
		return fmt.Errorf("install %s: %w", strings.Join(names, ", "), err)
	}
	if len(interrupted) == 0 {
		return nil
	}
	return r.removeLeftovers(ctx, interrupted...)
}

// transact lets a resolver do what the mark says, and takes the mark away when
// it has ended by itself, unless a script failed. One that was killed may have
// been in the midst of its work.
func (r rpm) transact(ctx context.Context, tool resolver, argv []string) error {
	res, err := r.resolve(ctx, tool, argv...)
	if err != nil {
		return err
	}
	if scriptFailed.MatchString(res.Stderr + res.Stdout) {
		return fmt.Errorf("a script of a package failed: %w", said(res))
	}
	if killed := res.Code < 0 || res.Code > 128; killed {
		return res.Err()
	}
	if err := r.marks.Clear(transactionMark); err != nil {
		return err
	}
	return res.Err()
}

// finish completes a transaction that was interrupted. What had come with it is
// installed again, since its scripts may not have run; what it was to replace
// is removed, which is the end of an upgrade. It returns what it was.
func (r rpm) finish(ctx context.Context, tool resolver) (came []string, err error) {
	t, begun, err := r.transaction()
	if err != nil || !begun {
		return nil, err
	}
	came, err = r.cameWith(ctx, t)
	if err != nil {
		return nil, err
	}
	if len(came) == 0 {
		return t.Names, r.marks.Clear(transactionMark)
	}
	if err := r.removeReplaced(ctx, t, came); err != nil {
		return nil, fmt.Errorf("finish an interrupted upgrade: %w", err)
	}
	if err := r.transact(ctx, tool, slices.Concat(tool.reinstall, came)); err != nil {
		return nil, fmt.Errorf("finish an interrupted transaction: install %s again, or remove them by hand (rpm -e): %w", strings.Join(came, ", "), err)
	}
	return came, nil
}

// intended is a transaction that is about to begin.
func (r rpm) intended(ctx context.Context, names []string) (t transaction, err error) {
	t.Names = names
	if t.Before, err = r.numbers(ctx); err != nil || t.last() == "" {
		return t, err
	}
	t.Newest, err = r.packagesOf(ctx, t.last())
	return t, err
}

// numbers lists the transactions that the host's packages came with.
func (r rpm) numbers(ctx context.Context) ([]string, error) {
	lines, err := r.lines(ctx, "-qa", "--qf", `%{INSTALLTID}\n`)
	if err != nil {
		return nil, fmt.Errorf("list the transactions of rpm: %w", err)
	}
	slices.Sort(lines)
	return slices.Compact(lines), nil
}

// cameWith are the names of the packages that came with a transaction.
func (r rpm) cameWith(ctx context.Context, t transaction) ([]string, error) {
	numbers, err := r.numbers(ctx)
	if err != nil {
		return nil, err
	}
	var came []string
	for _, number := range numbers {
		if number != t.last() && slices.Contains(t.Before, number) {
			continue
		}
		names, err := r.packagesOf(ctx, number)
		if err != nil {
			return nil, err
		}
		came = append(came, slices.DeleteFunc(names, func(name string) bool { return t.had(number, name) })...)
	}
	slices.Sort(came)
	// A public key is a package to rpm, but not to others.
	return slices.DeleteFunc(slices.Compact(came), func(name string) bool { return name == "gpg-pubkey" }), nil
}

// packagesOf are the names of the packages that came with a transaction.
func (r rpm) packagesOf(ctx context.Context, number string) ([]string, error) {
	names, err := r.lines(ctx, "-q", "--qf", `%{NAME}\n`, "--tid", number)
	if err != nil {
		return nil, fmt.Errorf("list the packages of transaction %s of rpm: %w", number, err)
	}
	return names, nil
}

// removeReplaced removes the versions that stand beside a newer one of the
// transaction. Kernels stand beside each other for good.
func (r rpm) removeReplaced(ctx context.Context, t transaction, came []string) error {
	var replaced []string
	for _, name := range came {
		if strings.HasPrefix(name, "kernel") {
			continue
		}
		lines, err := r.lines(ctx, "-q", "--qf", `%{INSTALLTID} %{NAME}-%{VERSION}-%{RELEASE}.%{ARCH}\n`, name)
		if err != nil {
			return err
		}
		for _, line := range lines {
			if number, build, _ := strings.Cut(line, " "); t.had(number, name) {
				replaced = append(replaced, build)
			}
		}
	}
	if len(replaced) == 0 {
		return nil
	}
	command := runner.Command{Argv: append([]string{"rpm", "-e", "--nodeps"}, replaced...), Timeout: installTimeout}
	return must(ctx, r.run, command)
}

// lines are what rpm answers.
func (r rpm) lines(ctx context.Context, args ...string) ([]string, error) {
	res, err := r.rpm(ctx, runner.Command{Argv: append([]string{"rpm"}, args...), Timeout: queryTimeout})
	if err == nil {
		err = res.Err()
	}
	if err != nil {
		return nil, err
	}
	var list []string
	for line := range strings.Lines(res.Stdout) {
		if line = strings.TrimSpace(line); line != "" {
			list = append(list, line)
		}
	}
	return list, nil
}
