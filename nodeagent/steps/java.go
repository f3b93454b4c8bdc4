package steps

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"scaleio-framework/nodeagent/failure"
	"scaleio-framework/nodeagent/runner"
)

const javaTimeout = time.Minute

// javaVersion is in the first line of java -version: openjdk version "1.8.0_292".
// What came after 1.8 calls itself 9, 11, 17.
var javaVersion = regexp.MustCompile(`version "((?:1\.)?\d+)`)

// java checks that the host's Java is the one that the gateway runs on: its
// installer does not look closely, and with another one it never answers.
func (h *Host) java(ctx context.Context, want string) error {
	remedy := fmt.Sprintf(": install Java %s (java-1.8.0-openjdk-headless, openjdk-8-jre-headless), make it the one that java names (alternatives --config java, update-alternatives --config java), then order retry", want)
	res, err := h.run.Run(ctx, runner.Command{Argv: []string{"java", "-version"}, Timeout: javaTimeout})
	if errors.Is(err, runner.ErrNotFound) {
		return failure.Hopeless(fmt.Errorf("the gateway needs Java %s, and this host has none%s", want, remedy))
	}
	if err == nil {
		err = res.Err()
	}
	if err != nil {
		return fmt.Errorf("ask java for its version: %w", err)
	}
	said := res.Stderr + res.Stdout
	found := javaVersion.FindStringSubmatch(said)
	if found == nil {
		return failure.Hopeless(fmt.Errorf("the gateway needs Java %s, and java -version says %q%s", want, firstWords([]byte(said)), remedy))
	}
	if found[1] != want {
		return failure.Hopeless(fmt.Errorf("the gateway needs Java %s, and this host's is %s (%s)%s", want, found[1], strings.TrimSpace(strings.SplitN(said, "\n", 2)[0]), remedy))
	}
	return nil
}
