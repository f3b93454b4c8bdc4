package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func sandboxed(args string) (code int, out, errOut string) {
	var stdout, stderr bytes.Buffer
	code = run(strings.Fields(args), &stdout, &stderr)
	return code, stdout.String(), stderr.String()
}

// A wrong command line gets one line that names what is wrong, and no report of
// a run that never was.
func TestAWrongCommandLineIsExplained(t *testing.T) {
	for args, want := range map[string]string{
		"":                           "sandbox: no command given: want run, up or drill; sandbox --help shows",
		"fly":                        `sandbox: unknown command "fly": want run, up or drill; sandbox --help shows`,
		"drill":                      "sandbox: which drill? sandbox drill --list shows them; ",
		"drill earthquake":           `sandbox: no drill "earthquake": want kill, crash, `,
		"drill kill now":             `sandbox: drill takes no "now"; `,
		"drill kill --during lunch":  `sandbox: no drill during "lunch": want bootstrap, growth or idle`,
		"run --scenario opera":       `sandbox: no scenario "opera": want bootstrap, demo, `,
		"run --agents many":          `sandbox: invalid value "many" for flag -agents: parse error; `,
		"run --session-timeout 99ms": "sandbox: session timeout 99ms: want 1s to 1m",
		"up --packages none":         `sandbox: --packages is "none", want real or stand-in; `,
		"up --hosts moon":            `sandbox: --hosts is "moon", want directories, nspawn or nspawn-rpm; `,
	} {
		code, out, errOut := sandboxed(args)
		require.Equal(t, 2, code, args)
		require.Empty(t, out, args)
		require.True(t, strings.HasPrefix(errOut, want), "%s: %s", args, errOut)
		require.Equal(t, 1, strings.Count(errOut, "\n"), "%s: %s", args, errOut)
	}
}

func TestHelpIsAnAnswer(t *testing.T) {
	for args, want := range map[string]string{
		"--help":       "-scenario string",
		"help":         "-scenario string",
		"up --help":    "-growth",
		"drill --help": "-during string",
		"drill --list": "kill -9 of the leader's worker alone.",
	} {
		code, out, errOut := sandboxed(args)
		require.Zero(t, code, args)
		require.Empty(t, errOut, args)
		require.Contains(t, out, want, args)
	}
}
