package gateway_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/hashicorp/go-hclog"
	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/internal/redact"
	"scaleio-framework/scaleio/scaleiotest"
	"scaleio-framework/scheduler/gateway"
)

func TestTheSecondGatewayServesWhenTheFirstIsDown(t *testing.T) {
	w := newWorld(t, false, scaleiotest.Options{})
	p := w.performer(t, nil)
	require.NoError(t, w.StopHost("host1"))
	done[any](t, p.Perform(t.Context(), call(t, w.gateways, core.StepProtectionDomains, domain)))
	require.Equal(t, 1, w.Count(scaleiotest.OpCreatePD, "pd"))

	got := p.Perform(t.Context(), call(t, w.gateways[:1], core.StepProtectionDomains, domain))
	require.Contains(t, got.Err, "does not answer")
	require.True(t, got.Interrupted, "a gateway that is down does not count as a failure")
	require.False(t, got.Hopeless)

	got = p.Perform(t.Context(), call(t, nil, core.StepProtectionDomains, domain))
	require.Equal(t, "no gateway is configured yet", got.Err)
	require.True(t, got.Interrupted)
}

func TestWhichCertificatesAreTrusted(t *testing.T) {
	w := newWorld(t, false, scaleiotest.Options{})
	other := newWorld(t, false, scaleiotest.Options{Seed: 2})
	dir := t.TempDir()
	file := func(name string, text []byte) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, text, 0o600))
		return path
	}
	ca, foreign := file("ca.pem", w.CA()), file("foreign.pem", other.CA())
	pinned, bare, wrong := w.gateways[0], w.gateways[0], w.gateways[0]
	bare.CertificatePEM = ""
	wrong.CertificatePEM = other.gateways[0].CertificatePEM
	for _, c := range []struct {
		name    string
		gateway model.Gateway
		change  func(*gateway.Options)
		trusted bool
	}{
		{"the one that its own host saw", pinned, nil, true},
		{"the one recorded, with other authorities", pinned, func(o *gateway.Options) { o.CAFile = foreign }, true},
		{"one of a configured authority", bare, func(o *gateway.Options) { o.CAFile = ca }, true},
		{"a renewed one of a configured authority", wrong, func(o *gateway.Options) { o.CAFile = ca }, true},
		{"any, when told so", wrong, func(o *gateway.Options) { o.Insecure = true }, true},
		{"an unknown one", bare, nil, false},
		{"another than recorded", wrong, nil, false},
		{"one of other authorities", bare, func(o *gateway.Options) { o.CAFile = foreign }, false},
		{"another than a record that is garbage", model.Gateway{URL: bare.URL, CertificatePEM: "garbage"}, nil, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := w.performer(t, c.change).Perform(t.Context(), call(t, []model.Gateway{c.gateway}, core.StepProtectionDomains, domain))
			if c.trusted {
				done[any](t, got)
				return
			}
			require.Contains(t, got.Err, "the gateway's certificate is neither the one recorded for it nor signed by a known authority")
			require.Contains(t, got.Err, "let gateway-configure run again on its host (scaleioctl plan retry)")
			require.False(t, got.Interrupted, "waiting does not mend it: it counts, and the step becomes stuck")
			require.False(t, got.Hopeless)
		})
	}
	require.Zero(t, w.Count(scaleiotest.OpCreatePD, "x"))

	// A gateway that is not trusted costs nothing while another is.
	p := w.performer(t, nil)
	done[any](t, p.Perform(t.Context(), call(t, []model.Gateway{wrong, w.gateways[1]}, core.StepProtectionDomains, domain)))
	// While the other one is down, waiting may help; both reasons are told.
	require.NoError(t, w.StopHost("host2"))
	for _, order := range [][]model.Gateway{{wrong, w.gateways[1]}, {w.gateways[1], wrong}} {
		got := p.Perform(t.Context(), call(t, order, core.StepProtectionDomains, domain))
		require.True(t, got.Interrupted)
		require.Contains(t, got.Err, "neither the one recorded")
		require.Contains(t, got.Err, w.gateways[1].URL)
	}
}

func TestACAFileThatCannotBeUsedIsNamed(t *testing.T) {
	w := newWorld(t, false, scaleiotest.Options{})
	empty := filepath.Join(t.TempDir(), "empty.pem")
	require.NoError(t, os.WriteFile(empty, nil, 0o600))
	for file, want := range map[string]string{
		"/no/such.pem": "--gateway.ca: open /no/such.pem: no such file or directory",
		empty:          "--gateway.ca: " + empty + " holds no certificate in PEM",
	} {
		got := w.performer(t, func(o *gateway.Options) { o.CAFile = file }).Perform(t.Context(), call(t, w.gateways, core.StepProtectionDomains, domain))
		require.Contains(t, got.Err, want)
		require.True(t, got.Hopeless)
	}
}

func TestAWrongPasswordIsToldWithoutShowingIt(t *testing.T) {
	w := newWorld(t, false, scaleiotest.Options{})
	const wrong = "Wrong-Secret7"
	p := w.performer(t, func(o *gateway.Options) { o.Password = redact.New(wrong) })
	got := p.Perform(t.Context(), call(t, w.gateways, core.StepProtectionDomains, domain))
	require.NotEmpty(t, got.Err)
	require.False(t, got.Interrupted, "it counts")
	require.NotContains(t, got.Err, wrong)
	require.NotContains(t, w.log.String(), wrong)

	// The MDM echoes what it was given.
	w.Inject(scaleiotest.Fault{Op: scaleiotest.OpCreatePD, Kind: scaleiotest.Reject, Refusal: &scaleiotest.Refusal{Text: "user admin:" + password + " may not do this"}})
	got = w.performer(t, nil).Perform(t.Context(), call(t, w.gateways, core.StepProtectionDomains, domain))
	require.Contains(t, got.Err, "user admin:[redacted] may not do this")
}

func TestNewSaysWhatIsRequired(t *testing.T) {
	_, err := gateway.New(gateway.Options{Username: "admin", Logger: hclog.NewNullLogger()})
	require.EqualError(t, err, "gateway: Username, Password, Now and Logger are required")
}
