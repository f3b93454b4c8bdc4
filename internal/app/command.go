package app

import (
	"encoding/json"
	"fmt"

	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/internal/redact"
)

// sealed encodes a command with the named secrets sealed to the node agent's
// key.
func sealed(command nodeproto.Command, publicKey string, names []string, known map[string]redact.Secret) ([]byte, error) {
	if len(names) > 0 {
		chosen := make(map[string]redact.Secret, len(names))
		for _, name := range names {
			secret, ok := known[name]
			if !ok {
				return nil, fmt.Errorf("step %s asks for the secret %q, which this scheduler does not have", command.Step, name)
			}
			chosen[name] = secret
		}
		box, err := nodeproto.Seal(publicKey, chosen)
		if err != nil {
			return nil, err
		}
		command.Sealed = box
	}
	data, err := json.Marshal(command)
	if err != nil {
		return nil, fmt.Errorf("encode the command: %w", err)
	}
	if len(data) > nodeproto.MaxData {
		return nil, fmt.Errorf("command for %s has %d bytes, more than %d", command.Step, len(data), nodeproto.MaxData)
	}
	return data, nil
}
