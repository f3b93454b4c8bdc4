package nodeproto_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/internal/redact"
)

func TestADigestIsOfTheMeaningNotOfTheBlanks(t *testing.T) {
	tight := nodeproto.DigestOf("sds-package", json.RawMessage(`{"a":1,"b":[2,3]}`))
	require.Equal(t, tight, nodeproto.DigestOf("sds-package", json.RawMessage("{ \"a\": 1,\n \"b\": [2, 3] }")))
	require.NotEqual(t, tight, nodeproto.DigestOf("sds-package", json.RawMessage(`{"a":1,"b":[3,2]}`)))
	require.NotEqual(t, tight, nodeproto.DigestOf("sdc-package", json.RawMessage(`{"a":1,"b":[2,3]}`)), "the step belongs to it")
}

func run(change func(*nodeproto.Command)) []byte {
	c := nodeproto.Command{V: nodeproto.Version, Epoch: 3, Kind: nodeproto.Run, Step: "lia-id", Attempt: 1, Params: json.RawMessage(`{"x":1}`)}
	c.Digest = nodeproto.DigestOf(c.Step, c.Params)
	change(&c)
	data, err := json.Marshal(c)
	if err != nil {
		panic(err)
	}
	return data
}

func TestACommandIsCheckedBeforeItIsBelieved(t *testing.T) {
	_, err := nodeproto.ParseCommand(run(func(*nodeproto.Command) {}))
	require.NoError(t, err)
	for want, data := range map[string][]byte{
		"not valid JSON":             []byte("{"),
		"protocol version 9":         run(func(c *nodeproto.Command) { c.V = 9 }),
		`unknown kind "dance"`:       run(func(c *nodeproto.Command) { c.Kind = "dance" }),
		"names no step":              run(func(c *nodeproto.Command) { c.Step = "" }),
		"attempt 0, want 1 or more":  run(func(c *nodeproto.Command) { c.Attempt = 0 }),
		"does not fit its parameter": run(func(c *nodeproto.Command) { c.Params = json.RawMessage(`{"x":2}`) }),
		"is larger than 65536":       []byte(strings.Repeat("x", nodeproto.MaxData+1)),
	} {
		_, err := nodeproto.ParseCommand(data)
		require.ErrorContains(t, err, want)
	}
}

func TestAnEnvelopeIsCheckedBeforeItIsBelieved(t *testing.T) {
	e, err := nodeproto.ParseEnvelope([]byte(`{"v":1,"epoch":2,"report":{"step":"lia-id","attempt":1,"state":"done","later":true}}`))
	require.NoError(t, err, "a field of a later release is no harm")
	require.Equal(t, nodeproto.Done, e.Report.State)
	for want, data := range map[string]string{
		"not valid JSON":             `[]`,
		"protocol version 0":         `{}`,
		"has 0 parts":                `{"v":1}`,
		"has 2 parts":                `{"v":1,"alive":{},"refusal":{}}`,
		"names no step":              `{"v":1,"report":{"attempt":1,"state":"done"}}`,
		"attempt 0":                  `{"v":1,"report":{"step":"x","state":"done"}}`,
		`unknown state "maybe"`:      `{"v":1,"report":{"step":"x","attempt":1,"state":"maybe"}}`,
		"inventory: no hostname":     `{"v":1,"inventory":{}}`,
		"want deb, rpm or unpacked":  `{"v":1,"inventory":{"hostname":"a","address":"10.0.0.1","public_key":"k","os":{"id":"plan9"}}}`,
		"report of 65537 bytes is l": strings.Repeat("x", nodeproto.MaxData+1),
	} {
		_, err := nodeproto.ParseEnvelope([]byte(data))
		require.ErrorContains(t, err, want, data[:min(len(data), 80)])
	}
}

func TestALongErrorIsCutAtARune(t *testing.T) {
	long := strings.Repeat("é", nodeproto.MaxError)
	cut := nodeproto.Shorten(long)
	require.LessOrEqual(t, len(cut), nodeproto.MaxError)
	require.True(t, utf8.ValidString(cut))
	require.True(t, strings.HasSuffix(cut, "[cut]"))
	require.Equal(t, "short", nodeproto.Shorten("short"))
}

func TestSecretsAreForOneKeyOnly(t *testing.T) {
	mine, err := nodeproto.NewKey()
	require.NoError(t, err)
	other, err := nodeproto.NewKey()
	require.NoError(t, err)

	sealed, err := nodeproto.Seal(mine.Public(), map[string]redact.Secret{nodeproto.SecretAdminPassword: redact.New("Hunter2!")})
	require.NoError(t, err)
	require.NotContains(t, string(sealed), "Hunter2!")
	secrets, err := mine.Open(sealed)
	require.NoError(t, err)
	require.Equal(t, "Hunter2!", secrets[nodeproto.SecretAdminPassword].Reveal())

	_, err = other.Open(sealed)
	require.ErrorIs(t, err, nodeproto.ErrUnsealable)
	sealed[len(sealed)-1] ^= 1
	_, err = mine.Open(sealed)
	require.ErrorIs(t, err, nodeproto.ErrUnsealable, "a damaged box")
	_, err = nodeproto.Seal("no key", nil)
	require.ErrorContains(t, err, `public key "no key" is not 32 bytes`)

	text, err := nodeproto.Seal(mine.Public(), nil)
	require.NoError(t, err)
	none, err := mine.Open(text)
	require.NoError(t, err)
	require.Empty(t, none)
}

func FuzzParse(f *testing.F) {
	f.Add(run(func(*nodeproto.Command) {}))
	f.Add([]byte(`{"v":1,"epoch":2,"report":{"step":"x","attempt":1,"state":"failed","error":"e"}}`))
	f.Add([]byte(`{"v":1,"inventory":{"hostname":"a","address":"b","public_key":"c","os":{"family":"deb"}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if c, err := nodeproto.ParseCommand(data); err == nil {
			require.NotEmpty(t, c.Step)
			require.NotEmpty(t, nodeproto.Name(c.Step+"/object"))
		}
		if e, err := nodeproto.ParseEnvelope(data); err == nil && e.Report != nil {
			require.LessOrEqual(t, len(e.Report.Error), nodeproto.MaxError)
		}
	})
}
