package coretest

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/core"
)

// The testing package knows only flags that exist before it parses them.
var update = flag.Bool("update", false, "rewrite the stories below testdata with what happens now")

const dashes = "----"

// Run plays each story in a folder as a subtest.
func Run(t *testing.T, dir string, cores func() []core.Core) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.txt"))
	require.NoError(t, err)
	require.NotEmpty(t, files, "no stories in %s", dir)
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".txt")
		t.Run(name, func(t *testing.T) {
			want, err := os.ReadFile(file)
			require.NoError(t, err)
			got, err := Play(NewWorld(t, cores), string(want))
			require.NoError(t, err, file)
			if *update && !bytes.Equal(want, []byte(got)) {
				require.NoError(t, os.WriteFile(file, []byte(got), 0o600))
				return
			}
			require.Equal(t, string(want), got, "%s: run go test -update and read the difference", file)
		})
	}
}

// Play plays a story in a world and returns it with what happened below the
// dashes.
func Play(w *World, story string) (string, error) {
	var out strings.Builder
	player := player{world: w, names: make(map[string]string)}
	var happened strings.Builder
	skipping := false
	for number, line := range strings.Split(strings.TrimRight(story, "\n"), "\n") {
		switch {
		case skipping && line != "":
			continue // what happened the last time
		case line == "" || strings.HasPrefix(line, "#"):
			skipping = false
			out.WriteString(line + "\n")
		case line == dashes:
			skipping = true
			out.WriteString(line + "\n" + happened.String())
			happened.Reset()
		default:
			out.WriteString(line + "\n")
			told, err := player.do(line)
			if err != nil {
				return "", fmt.Errorf("line %d: %w", number+1, err)
			}
			happened.WriteString(told)
		}
	}
	if happened.Len() > 0 {
		return "", errors.New("the last commands have no dashes below them")
	}
	return out.String(), nil
}

// player holds what the commands of one story share.
type player struct {
	world *World
	names map[string]string
}

func (p player) do(line string) (string, error) {
	line, err := p.expand(line)
	if err != nil {
		return "", err
	}
	word, rest, _ := strings.Cut(line, " ")
	first, second, _ := strings.Cut(rest, " ")
	switch word {
	case "start", "crash":
		return p.world.Start().String() + p.unreadable(), nil
	case "reload":
		return p.world.Reload().String() + p.unreadable(), nil
	case "advance":
		return p.advance(rest)
	case "store":
		p.world.Put(first, []byte(second))
		return "", nil
	case "remove":
		p.world.Remove(first)
		return "", nil
	case "show":
		return string(p.world.stored[first].Data), nil
	case "let":
		p.names[first] = second
		return "", nil
	}
	event, err := ParseEvent(line)
	if err != nil {
		return "", err
	}
	return p.world.Apply(event).String(), nil
}

func (p player) advance(text string) (string, error) {
	d, err := time.ParseDuration(text)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, unit := range p.world.Advance(d) {
		fmt.Fprintf(&b, "%s\n%s", unit.Event, unit)
	}
	return b.String(), nil
}

func (p player) unreadable() string {
	var b strings.Builder
	for _, path := range sortedKeys(p.world.unreadable) {
		fmt.Fprintf(&b, "unreadable %s: %s\n", path, oneLine(p.world.unreadable[path].Error()))
	}
	return b.String()
}

func (p player) expand(line string) (string, error) {
	var missing error
	line = os.Expand(line, func(name string) string {
		value, ok := p.names[name]
		if !ok {
			missing = fmt.Errorf("nothing is named $%s", name)
		}
		return value
	})
	return line, missing
}
