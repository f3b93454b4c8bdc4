package mesostest

import (
	"encoding/json"
	"testing"

	execapi "github.com/mesos/mesos-go/api/v1/lib/executor"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"
)

// Whatever a client sends, decoding ends in a call or in an error; a call that came through can be encoded and decoded again.
func FuzzDecodeCall(f *testing.F) {
	for _, body := range []string{
		``, `{}`, `[]`, `this is not json`, `{"type":"REVIVE","framework_id":{"value":"x"},"nosuchfield":1}`,
		`{"type":"ACKNOWLEDGE","acknowledge":{"agent_id":{"value":"a"},"task_id":{"value":"t"},"uuid":"rjqbbFOlQdenoaPsRQoV6w=="}}`,
		`{"type":"SUBSCRIBE","subscribe":{"framework_info":{"user":"root","name":"n","failover_timeout":1.5,"roles":["a"],` +
			`"capabilities":[{"type":"MULTI_ROLE"},{"type":"NOT_YET_INVENTED"}]}}}`,
		`{"executor_id":{"value":"e"},"framework_id":{"value":"f"},"type":"SUBSCRIBE","subscribe":{}}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, fresh := range []func() message{
			func() message { return &scheduler.Call{} }, func() message { return &execapi.Call{} },
		} {
			for _, media := range []mediaType{mediaJSON, mediaProtobuf} {
				call := fresh()
				if media.decodeCall(body, call) != nil {
					continue
				}
				encoded, err := call.Marshal()
				require.NoError(t, err)
				require.NoError(t, mediaProtobuf.decodeCall(encoded, fresh()))
			}
		}
	})
}

// What Mesos leaves out of its JSON, the double leaves out too: fields without a value and empty lists, but not empty objects.
func TestEncodeJSONPrunes(t *testing.T) {
	raw, err := encodeJSON(&scheduler.Call{Type: scheduler.Call_REVIVE, Revive: &scheduler.Call_Revive{}})
	require.NoError(t, err)
	require.JSONEq(t, `{"type":"REVIVE","revive":{}}`, string(raw))
	raw, err = encodeJSON(json.RawMessage(`{"a":null,"b":[],"c":[{"d":[]}],"e":1e300,"f":12345678901234567890}`))
	require.NoError(t, err)
	require.JSONEq(t, `{"c":[{}],"e":1e300,"f":12345678901234567890}`, string(raw))
}
