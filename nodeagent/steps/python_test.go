package steps

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/redact"
	"scaleio-framework/nodeagent/runner"
)

// The real interpreter hands the typed password to the program as if it stood
// on the command line, where it never stands; the program finds its neighbours.
func TestAProgramOfPythonGetsATypedPassword(t *testing.T) {
	const password = "Typed-Pass-1"
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "neighbour.py"), []byte("word = 'found'\n"), 0o600))
	program := filepath.Join(dir, "program.py")
	require.NoError(t, os.WriteFile(program, []byte(`import hashlib, sys, neighbour
if __name__ == "__main__":
    print(neighbour.word, " ".join(sys.argv[1:-1]))
    print(hashlib.sha256(sys.argv[-1].encode()).hexdigest())
    print("shown" if sys.argv[-1] in open("/proc/self/cmdline").read() else "hidden")
`), 0o600))
	res, answered, err := runner.New(runner.Options{}).RunTyping(t.Context(), runner.Command{
		Argv: []string{"python3", "-c", typedPassword, program, "--generate_ca", "a file.pem"}, Timeout: time.Minute,
	}, runner.Typing{
		Secrets: []redact.Secret{redact.New(password)},
		Answer: func(text string, _ int) (redact.Secret, bool) {
			return redact.New(password), strings.HasSuffix(text, "Password: ")
		},
	})
	require.NoError(t, err)
	require.NoError(t, res.Err())
	require.Equal(t, 1, answered)
	sum := sha256.Sum256([]byte(password))
	require.Equal(t, "found --generate_ca a file.pem --password\n"+hex.EncodeToString(sum[:])+"\nhidden\n", res.Stdout)
}
