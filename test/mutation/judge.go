package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// judge is a simulation that has to notice a mutant.
type judge struct {
	pkg   string // below the module's root
	test  string // -test.run
	seeds string // the flag that says how many seeds to play
	first string // the flag that says which is the first
	most  int    // seeds within which a mutant has to be noticed; 1 without seeds
}

var (
	// elections are schedulers on a modelled ZooKeeper, without any work.
	elections = judge{"leader", "^TestNoFaultMakesTwoLeaders$", "leader.seeds", "leader.first", 8000}
	// site is the whole control plane.
	site = judge{"test/sim", "^TestSeeds$", "sim.seeds", "sim.first", 1500}

	// What the simulations do not contain, or never vary, is judged by tests
	// without seeds: the real node agent on a scratch host, a leader that dies
	// at each position and is followed by one with other flags, orders.
	nodes   = judge{"nodeagent", "^Test(CommandsThatAreRefused|CancelStops|TheTombstone|AKilledNodeAgentStill)", "", "", 1}
	growths = judge{"storagegrowth", "^Test(TheGrowthIsTheSame|OtherFlags)", "", "", 1}
	plans   = judge{"scheduler/bootstrap", "^TestForceComplete", "", "", 1}
)

// verdict is what a judge says of a mutant.
type verdict struct {
	noticed bool
	seed    int           // the first that failed; 0 when it was no seed
	took    time.Duration // without building
	says    string
}

// round is how many seeds are played at once: more each time, so that an easy
// mutant costs little.
const round = 40

// roundTimeout ends a round that hangs, which is noticing, too.
const roundTimeout = 8 * time.Minute

// try builds the judge's test with the overlay and plays until a seed fails.
func (j judge) try(ctx context.Context, root, overlay, dir string) (verdict, error) {
	program := filepath.Join(dir, "judge.test")
	build := exec.CommandContext(ctx, "go", "test", "-c", "-vet=off", "-overlay", overlay, "-o", program, "./"+j.pkg) //nolint:gosec // our own table
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		return verdict{}, fmt.Errorf("the mutant does not build: %w\n%s", err, out)
	}
	var v verdict
	began := time.Now()
	for first, many := 1, round; first <= j.most; first, many = first+many, 2*many {
		many = min(many, j.most-first+1)
		out, failed, err := j.play(ctx, program, filepath.Join(root, j.pkg), first, many)
		if err != nil {
			return v, err
		}
		if failed {
			v.noticed = true
			v.seed, v.says = explain(out)
			break
		}
	}
	v.took = time.Since(began)
	return v, nil
}

// play runs one round.
func (j judge) play(ctx context.Context, program, dir string, first, many int) (out string, failed bool, err error) {
	args := []string{"-test.run", j.test, "-test.v", "-test.timeout", roundTimeout.String()}
	if j.seeds != "" {
		args = append(args, "-"+j.seeds, strconv.Itoa(many), "-"+j.first, strconv.Itoa(first))
	}
	run := exec.CommandContext(ctx, program, args...) //nolint:gosec // our own table
	run.Dir = dir
	data, err := run.CombinedOutput()
	if ctx.Err() != nil {
		return "", false, ctx.Err()
	}
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		return string(data), true, nil
	case err != nil:
		return "", false, err
	case !strings.Contains(string(data), "--- PASS"):
		return "", false, fmt.Errorf("%s of %s played nothing", j.test, j.pkg)
	}
	return string(data), false, nil
}

// What a judge's output names, in the order of preference.
var (
	seedFailed = regexp.MustCompile(`(?m)\bseed (\d+)(?:, [\w -]+)?: (.*)$`)
	told       = []*regexp.Regexp{
		regexp.MustCompile(`(?m)(?:VIOLATION:|!!!) (.*)$`),
		regexp.MustCompile(`(?m)^\s*Error:\s+(.*[^:\s])\s*$`),
		regexp.MustCompile(`(?m)^(?:panic|fatal error): (.*)$`),
	}
	testFailed = regexp.MustCompile(`(?m)^\s*--- FAIL: (\S+)`)
)

// explain finds the lowest seed that failed, and what was said of it.
func explain(out string) (seed int, says string) {
	for _, match := range seedFailed.FindAllStringSubmatch(out, -1) {
		// The last line of the lowest seed; the first heads its story.
		if n, err := strconv.Atoi(match[1]); err == nil && n > 0 && (seed == 0 || n <= seed) {
			seed, says = n, match[2]
		}
	}
	if says != "" && !strings.HasPrefix(says, "go test") {
		return seed, says
	}
	for _, t := range told {
		if match := t.FindStringSubmatch(out); match != nil {
			return seed, strings.TrimSpace(match[1])
		}
	}
	if match := testFailed.FindAllStringSubmatch(out, -1); match != nil {
		says = match[len(match)-1][1]
	}
	return seed, says
}
