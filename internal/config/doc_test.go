package config_test

import (
	"bytes"
	"os"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/config"
)

// docs/configure.md and --help name the same settings.
func TestThePageOfSettingsIsComplete(t *testing.T) {
	var help bytes.Buffer
	_, err := config.Parse("scaleio-scheduler", []string{"--help"}, nil, &help)
	require.ErrorIs(t, err, config.ErrHelp)
	text, err := os.ReadFile("../../docs/configure.md")
	require.NoError(t, err)

	names := regexp.MustCompile(`(?m)^  ((?:--|SIO_).*)$`)
	name := regexp.MustCompile(`--[a-z0-9.-]+|SIO_[A-Z0-9_]+`)
	inHelp := make(map[string]bool)
	for _, line := range names.FindAllStringSubmatch(help.String(), -1) {
		for _, setting := range name.FindAllString(line[1], -1) {
			inHelp[setting] = true
			require.Contains(t, string(text), "`"+setting+"`", "--help has it, docs/configure.md has not")
		}
	}
	require.Greater(t, len(inHelp), 100)

	// The settings' own tables; those of a node agent are no settings of the
	// scheduler.
	rows := regexp.MustCompile("(?m)^\\| (`--.*|) \\| (`SIO_[^|]*) \\|")
	documented := 0
	for _, row := range rows.FindAllStringSubmatch(string(text), -1) {
		for _, setting := range name.FindAllString(row[1]+" "+row[2], -1) {
			documented++
			require.True(t, inHelp[setting], "docs/configure.md has %s, --help has not", setting)
		}
	}
	require.Greater(t, documented, 100)
}
