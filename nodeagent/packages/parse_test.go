package packages

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func FuzzSignatures(f *testing.F) {
	f.Add("Header V4 RSA/SHA256 Signature, key ID 5054e4a4: NOKEY\nMD5 digest: BAD (Expected a != b)\n")
	f.Add("Header V3 RSA/SHA1 Signature, key ID c105b9de: NOTTRUSTED\n")
	f.Fuzz(func(t *testing.T, text string) {
		s := parseSignatures(text)
		for _, list := range [][]string{s.unknown, s.strange} {
			require.Len(t, slices.Compact(slices.Sorted(slices.Values(list))), len(list), "each key once")
		}
		// What comes behind takes nothing back.
		more := parseSignatures(text + "\nHeader V4 RSA/SHA256 Signature, key ID 1: NOKEY\nMD5 digest: BAD\n")
		require.True(t, more.damaged)
		require.Contains(t, more.unknown, "1")
	})
}
