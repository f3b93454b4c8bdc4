// Package redact holds secrets so that they cannot be printed by accident.
//
// A Secret survives every formatting verb, JSON and text marshalling as the
// word "[redacted]"; the text comes out only through Reveal, so that a reader
// finds each place where a secret leaves the program by searching for it.
package redact

import (
	"fmt"
	"io"
	"sort"
	"strings"
)

// Mask is what stands in the place of a secret.
const Mask = "[redacted]"

// Secret is a text that must not reach a log, a znode, an HTTP answer or a
// process argument. The zero value is an empty secret.
type Secret struct{ text string }

// New wraps a text as a secret.
func New(text string) Secret { return Secret{text: text} }

// Reveal returns the text. Every caller is a place to review.
func (s Secret) Reveal() string { return s.text }

// IsEmpty reports whether no secret was given.
func (s Secret) IsEmpty() bool { return s.text == "" }

// Format prints the mask whatever the verb is.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, Mask) }

// String returns the mask.
func (Secret) String() string { return Mask }

// GoString returns the mask.
func (Secret) GoString() string { return Mask }

// MarshalText returns the mask.
func (Secret) MarshalText() ([]byte, error) { return []byte(Mask), nil }

// MarshalJSON returns the mask as a JSON string.
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + Mask + `"`), nil }

// Text returns a function that masks every occurrence of the given secrets in
// a text, longest first. It is applied to captured command output and to
// errors from outside before they are recorded or logged.
func Text(secrets ...Secret) func(string) string {
	words := make([]string, 0, len(secrets))
	for _, s := range secrets {
		if s.text != "" {
			words = append(words, s.text)
		}
	}
	sort.Slice(words, func(i, j int) bool { return len(words[i]) > len(words[j]) })
	pairs := make([]string, 0, 2*len(words))
	for _, w := range words {
		pairs = append(pairs, w, Mask)
	}
	return strings.NewReplacer(pairs...).Replace
}
