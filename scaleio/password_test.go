package scaleio_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/redact"
	"scaleio-framework/scaleio"
)

func TestPasswordRule(t *testing.T) {
	for _, test := range []struct {
		name, password, want string
	}{
		{"three classes", "Scaleio2", ""},
		{"four classes", "Scale-io2", ""},
		{"without upper case", "scale-io-2", ""},
		{"without letters of either case", "12345-AB", ""},
		{"the longest", "Scaleio-2-abcde", ""},
		{"empty", "", "is empty"},
		{"the default", "admin", "5 characters"},
		{"too short", "Sio-2ab", "7 characters"},
		{"too long", "Scaleio-2-abcdef", "16 characters"},
		{"two classes", "scaleio2", "diversity"},
		{"one class", "scaleioo", "diversity"},
		{"a blank", "Scale io 2", "printable ASCII"},
		{"an umlaut", "Scäleio-2", "printable ASCII"},
		{"a line end", "Scaleio-2\n", "printable ASCII"},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := scaleio.CheckPassword(redact.New(test.password))
			if test.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, test.want)
			require.False(t, test.password != "" && strings.Contains(err.Error(), test.password), "the error tells the password")
		})
	}
}

func TestVersions(t *testing.T) {
	for text, want := range map[string]string{
		"2.5": "2.5", "DellEMC ScaleIO Version: R2_6.11000.113": "2.6", "R3_6.0.0": "3.6", "2.0.5014": "2.0",
		"2.6-11000.113": "2.6", "EMC ScaleIO Version: R2_0.5014.0": "2.0", "4.5": "4.5",
	} {
		v, err := scaleio.ParseVersion(text)
		require.NoError(t, err, text)
		require.Equal(t, want, v.String(), text)
	}
	for _, text := range []string{"", "Unauthorized", "2", "v", "99999.1"} {
		_, err := scaleio.ParseVersion(text)
		require.Error(t, err, text)
	}
	require.True(t, scaleio.Version{Major: 3, Minor: 0}.AtLeast(scaleio.Version{Major: 2, Minor: 9}))
	require.False(t, scaleio.Version{Major: 3, Minor: 5}.AtLeast(scaleio.Version{Major: 3, Minor: 6}))
}
