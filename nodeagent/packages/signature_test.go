package packages_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"scaleio-framework/nodeagent/failure"
	"scaleio-framework/nodeagent/packages"
)

// What rpm says of a signature, and what becomes of the package. The host's
// rpm says $SAYS until a key was imported, that of a database of its own says
// what $DIR/fits has, when there is such a file.
func TestSignatures(t *testing.T) {
	const unknown = "sds.rpm:\n    Header V4 RSA/SHA256 Signature, key ID 5054e4a4: NOKEY\n    Header SHA256 digest: OK\n    V4 RSA/SHA256 Signature, key ID 5054e4a4: NOKEY\n"
	for name, c := range map[string]struct {
		says, status string
		keys         []string // as far as they fit, they are called right
		imported     string
		kind         failure.Kind
		fails        string
	}{
		"a key that is known":   {says: "Header V4 RSA/SHA256 Signature, key ID 5054e4a4: OK", status: "0"},
		"no signature":          {says: "Header SHA256 digest: OK\nMD5 digest: OK", status: "0", keys: []string{"RPM-GPG-KEY-right"}},
		"no key":                {unknown, "1", nil, "", failure.Hopelessness, "signed by the key 5054e4a4, which this host does not have; no key is given: put"},
		"a key of another":      {unknown, "1", []string{"RPM-GPG-KEY-other"}, "", failure.Hopelessness, "those given do not fit: RPM-GPG-KEY-other"},
		"the right key":         {says: unknown, status: "1", keys: []string{"RPM-GPG-KEY-other", "RPM-GPG-KEY-right"}, imported: "RPM-GPG-KEY-right\n"},
		"an altered package":    {"Header V4 RSA/SHA256 Signature, key ID 5054e4a4: OK\nPayload SHA256 digest: BAD (Expected 1 != 2)", "1", nil, "", failure.Hopelessness, "get the package anew"},
		"a signature that lies": {"Header V4 RSA/SHA256 Signature, key ID 5054e4a4: BAD", "1", nil, "", failure.Hopelessness, "get the package anew"},
		"a key that is refused": {"Header V3 RSA/SHA1 Signature, key ID 5054e4a4: NOTTRUSTED", "1", nil, "", failure.Hopelessness, "does not accept its signature"},
		"no package":            {"error: sds.rpm: not an rpm package", "1", nil, "", failure.Plain, "not an rpm package"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("SAYS", c.says)
			t.Setenv("STATUS", c.status)
			m, dir := manager(t, packages.RPM, map[string]string{"rpm": `
fine() { echo "Header V4 RSA/SHA256 Signature, key ID 5054e4a4: OK"; exit 0; }
case "$1 $3" in
"--eval "*) exit 1;;
"--import "*) echo "${2##*/}" >> "$DIR/imported";;
"--dbpath --import") case "$4" in *-right) : > "$2/right";; esac;;
"--dbpath -Kv") [ -e "$2/right" ] && fine; echo "$SAYS"; exit 1;;
"-Kv "*) [ -e "$DIR/imported" ] && fine; echo "$SAYS"; exit "$STATUS";;
esac`})
			var keys []string
			for _, key := range c.keys {
				keys = append(keys, filepath.Join(dir, key))
			}
			err := m.Trust(t.Context(), "/cache/sds.rpm", keys)
			imported, _ := os.ReadFile(filepath.Join(dir, "imported")) // none when it is not there
			require.Equal(t, c.imported, string(imported), "only the right key")
			if c.fails == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.fails)
			require.ErrorContains(t, err, "signature of sds.rpm")
			require.Equal(t, c.kind, failure.KindOf(err))
		})
	}
	m, _ := manager(t, packages.Deb, nil)
	require.NoError(t, m.Trust(t.Context(), "/cache/sds.deb", nil))
}
