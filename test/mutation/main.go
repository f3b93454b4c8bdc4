package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

func main() {
	only := flag.String("only", "", "only the mutants whose rule and name match this expression, such as \"R4\" or \"R4 ack\"")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *only); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run tries the chosen mutants and prints a row of the table for each.
func run(ctx context.Context, only string) error {
	chosen, err := regexp.Compile(only)
	if err != nil {
		return fmt.Errorf("-only: %w", err)
	}
	root, err := moduleRoot(ctx)
	if err != nil {
		return err
	}
	fmt.Println("| rule | what is broken | judge | seeds | seconds | what it says |")
	fmt.Println("|---|---|---|---|---|---|")
	tried := 0
	var failures []error
	for _, m := range mutants {
		if !chosen.MatchString(m.rule + " " + m.name) {
			continue
		}
		tried++
		v, err := try(ctx, root, m)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			failures = append(failures, fmt.Errorf("%s %s: %w", m.rule, m.name, err))
		case !v.noticed:
			failures = append(failures, fmt.Errorf("%s %s survived %d seeds of %s: the simulation does not look", m.rule, m.name, m.judge.most, m.judge.pkg))
		}
		fmt.Println(row(m, v))
	}
	if tried == 0 {
		return fmt.Errorf("-only %q: no mutant matches", only)
	}
	return errors.Join(failures...)
}

func try(ctx context.Context, root string, m mutant) (verdict, error) {
	dir, err := os.MkdirTemp("", "mutant-")
	if err != nil {
		return verdict{}, err
	}
	defer os.RemoveAll(dir)
	overlay, err := m.overlay(root, dir)
	if err != nil {
		return verdict{}, err
	}
	return m.judge.try(ctx, root, overlay, dir)
}

func row(m mutant, v verdict) string {
	seeds := fmt.Sprint(v.seed)
	switch {
	case !v.noticed:
		seeds = "survives"
	case v.seed == 0:
		seeds = "-" // it shows without any fault that a seed draws
	}
	says := strings.ReplaceAll(v.says, "|", "/")
	return fmt.Sprintf("| %s | %s | `%s` | %s | %.1f | %s |", m.rule, m.breaks, m.judge.pkg, seeds, v.took.Round(100*time.Millisecond).Seconds(), says)
}

// moduleRoot is where go.mod lies.
func moduleRoot(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("go env GOMOD: %w", err)
	}
	file := strings.TrimSpace(string(out))
	if filepath.Base(file) != "go.mod" {
		return "", errors.New("run this inside the project")
	}
	return filepath.Dir(file), nil
}
