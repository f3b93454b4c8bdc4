package config_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// The login file of 4.x has a password of its own where one is given.
func TestThePasswordOfTheLoginFile(t *testing.T) {
	h := newHost(t)
	c, err := parse(h.environ())
	require.NoError(t, err)
	require.Equal(t, password, c.ScaleIO.P12Password.Reveal())
	c, err = parse(h.environ("SIO_SCALEIO_P12_PASSWORD_FILE=" + h.file(t, "p12", "Login-File-5\n")))
	require.NoError(t, err)
	require.Equal(t, "Login-File-5", c.ScaleIO.P12Password.Reveal())
	require.Equal(t, password, c.ScaleIO.Password.Reveal())
	_, err = parse(h.environ("SIO_SCALEIO_P12_PASSWORD=short"))
	require.ErrorContains(t, err, "SIO_SCALEIO_P12_PASSWORD: the password has 5 characters")
	_, err = parse(h.environ(), "--scaleio.p12-password=Login-File-5")
	require.Error(t, err, "secrets are no flags")
	require.NotContains(t, err.Error(), "Login-File-5")
}
