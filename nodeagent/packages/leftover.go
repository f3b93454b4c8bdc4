package packages

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"scaleio-framework/nodeagent/runner"
)

// leftover is the name of a file that rpm unpacks, until all of its package are
// there: the file's own and the number of the transaction. A killed rpm leaves
// them, and no later one removes them.
var leftover = regexp.MustCompile(`^(.+);[0-9a-f]{8}$`)

// removeLeftovers removes what a killed rpm has unpacked of the packages' files,
// as far as their names fit into a captured output.
func (r rpm) removeLeftovers(ctx context.Context, names ...string) error {
	if err := r.removeUnpacked(ctx, names); err != nil {
		return fmt.Errorf("remove what an interrupted installation has unpacked: %w", err)
	}
	return nil
}

func (r rpm) removeUnpacked(ctx context.Context, names []string) error {
	// A name that another package provides has none: the status does not count.
	listed, err := r.rpm(ctx, runner.Command{Argv: slices.Concat([]string{"rpm", "-ql"}, names), Timeout: queryTimeout})
	if err != nil {
		return err
	}
	known, folders := map[string]bool{}, map[string]bool{}
	for file := range strings.Lines(listed.Stdout) {
		if file = strings.TrimSpace(file); filepath.IsAbs(file) {
			known[file] = true
			folders[filepath.Dir(file)] = true
		}
	}
	if len(folders) == 0 {
		return nil
	}
	argv := slices.Concat([]string{"find"}, slices.Sorted(maps.Keys(folders)), []string{"-maxdepth", "1", "-name", "*;*"})
	found, err := run(ctx, r.run, runner.Command{Argv: argv, Timeout: queryTimeout})
	if err != nil {
		return err
	}
	remove := []string{"rm", "-f", "--"}
	for file := range strings.Lines(found.Stdout) { // of folders that are gone, find complains
		file = strings.TrimSuffix(file, "\n")
		if m := leftover.FindStringSubmatch(file); m != nil && known[m[1]] {
			remove = append(remove, file)
		}
	}
	if len(remove) == 3 {
		return nil
	}
	return must(ctx, r.run, runner.Command{Argv: remove, Timeout: queryTimeout})
}
