package gateway_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/scaleio/scaleiotest"
)

// Something else that answers at the address of one gateway does not stop what
// the others serve.
func TestNonsenseOfOneGatewayIsNotTheEnd(t *testing.T) {
	w := newWorld(t, true, scaleiotest.Options{})
	other := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("<html>It works!</html>"))
	}))
	t.Cleanup(other.Close)
	nonsense := model.Gateway{Host: "host0", URL: other.URL, CertificatePEM: certificate(t, other.URL)}
	p := w.performer(t, nil)
	gateways := append([]model.Gateway{nonsense}, w.gateways...)
	require.Empty(t, p.ReadPools(t.Context(), core.ReadPools{Gateways: gateways}).Err)
	require.Empty(t, p.Perform(t.Context(), call(t, gateways, core.StepProtectionDomains, domain)).Err)

	alone := p.Perform(t.Context(), call(t, gateways[:1], core.StepProtectionDomains, domain))
	require.Contains(t, alone.Err, "the gateway's answer cannot be used")
	require.False(t, alone.Interrupted, "waiting does not mend it")
	require.Contains(t, p.ReadPools(t.Context(), core.ReadPools{Gateways: gateways[:1]}).Err, "the gateway's answer cannot be used")
}
