package nodeproto

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"golang.org/x/crypto/nacl/box"

	"scaleio-framework/internal/redact"
)

// ErrUnsealable says that a box was sealed to another key, or was damaged.
var ErrUnsealable = errors.New("the secrets are sealed to another key")

const keySize = 32 // X25519

// Key is the pair that a node agent draws at its start and never stores.
type Key struct{ public, private [keySize]byte }

// NewKey draws a key pair.
func NewKey() (Key, error) {
	public, private, err := box.GenerateKey(rand.Reader)
	if err != nil {
		return Key{}, fmt.Errorf("draw a key pair: %w", err)
	}
	return Key{public: *public, private: *private}, nil
}

// Public is the public half in base64, as inventories carry it.
func (k Key) Public() string { return base64.StdEncoding.EncodeToString(k.public[:]) }

// Open returns the secrets by name.
func (k Key) Open(sealed []byte) (map[string]redact.Secret, error) {
	if len(sealed) == 0 {
		return nil, nil
	}
	plain, ok := box.OpenAnonymous(nil, sealed, &k.public, &k.private)
	if !ok {
		return nil, ErrUnsealable
	}
	var texts map[string]string
	if err := json.Unmarshal(plain, &texts); err != nil {
		// The decoder's own message could quote a secret.
		return nil, errors.New("the sealed secrets are not a JSON object of texts")
	}
	secrets := make(map[string]redact.Secret, len(texts))
	for name, text := range texts {
		secrets[name] = redact.New(text)
	}
	return secrets, nil
}

// Seal closes secrets so that only the holder of the public key's other half
// can open them.
func Seal(public string, secrets map[string]redact.Secret) ([]byte, error) {
	raw, err := base64.StdEncoding.DecodeString(public)
	if err != nil || len(raw) != keySize {
		return nil, fmt.Errorf("public key %q is not %d bytes in base64", public, keySize)
	}
	texts := make(map[string]string, len(secrets))
	for name, secret := range secrets {
		texts[name] = secret.Reveal()
	}
	plain, err := json.Marshal(texts)
	if err != nil {
		return nil, fmt.Errorf("encode secrets: %w", err)
	}
	var key [keySize]byte
	copy(key[:], raw)
	sealed, err := box.SealAnonymous(nil, plain, &key, rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("seal secrets: %w", err)
	}
	return sealed, nil
}
