package leader

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Card introduces a scheduler: its leader or candidate znode.
type Card struct {
	// Instance is unique to the process; see NewInstance.
	Instance string `json:"instance"`
	// URL is where others reach its HTTP API.
	URL string `json:"url"`
	// Version is the program's version.
	Version string `json:"version"`
	// Hostname and PID help an operator to find the process.
	Hostname string `json:"hostname"`
	PID      int    `json:"pid"`
	// Since is when the card was laid; set by this package.
	Since time.Time `json:"since"`
}

// NewInstance appends a random suffix to a name, so that a restarted process
// is never taken for its predecessor.
func NewInstance(name string) string {
	return name + "-" + strings.ToLower(rand.Text()[:8])
}

func (c Card) validate() error {
	if c.Instance == "" || strings.ContainsAny(c.Instance, "/\x00") || c.Instance == "." || c.Instance == ".." {
		return fmt.Errorf("%w instance name %q: want a word without slashes", ErrInvalid, c.Instance)
	}
	return nil
}

func (c Card) encode(now time.Time) []byte {
	c.Since = now.UTC().Truncate(time.Millisecond)
	data, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		panic(err) // strings, numbers and a time always marshal
	}
	return append(data, '\n')
}

func decodeCard(data []byte) (Card, error) {
	var c Card
	if err := json.Unmarshal(data, &c); err != nil {
		return Card{}, err
	}
	return c, nil
}
