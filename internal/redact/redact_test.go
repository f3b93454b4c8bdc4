package redact_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/redact"
)

func TestSecretIsMaskedByEveryWayOut(t *testing.T) {
	type config struct {
		Password redact.Secret `json:"password"`
	}
	c := config{Password: redact.New("Hunter2!")}
	encoded, err := json.Marshal(c)
	require.NoError(t, err)

	for _, out := range []string{
		fmt.Sprint(c), fmt.Sprintf("%v", c), fmt.Sprintf("%+v", c), fmt.Sprintf("%#v", c),
		fmt.Sprintf("%s", c.Password), fmt.Sprintf("%q", c.Password), fmt.Sprintf("%x", c.Password),
		string(encoded), c.Password.String(), c.Password.GoString(),
	} {
		require.NotContains(t, out, "Hunter2!")
		require.NotContains(t, out, "48756e746572", "not even as hexadecimal")
	}
	require.Equal(t, "Hunter2!", c.Password.Reveal())
}

func TestTextMasksTheLongestSecretFirst(t *testing.T) {
	mask := redact.Text(redact.New("pass"), redact.New("password1"), redact.New(""))
	require.Equal(t, "login [redacted] with [redacted]", mask("login password1 with pass"))
	require.Equal(t, "nothing to hide", mask("nothing to hide"))
}
