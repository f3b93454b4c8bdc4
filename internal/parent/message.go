package parent

import (
	"encoding/json"
	"io"

	"scaleio-framework/leader"
)

// message is what a worker tells its parent: one JSON object a message.
type message struct {
	// Claim is by what ZooKeeper knows the worker's leadership from now on.
	Claim *leader.Claim `json:"claim,omitempty"`
	// Candidacy is by what ZooKeeper knows the worker's card from now on.
	Candidacy *leader.Candidacy `json:"candidacy,omitempty"`
	// Exit is the code that the worker is about to exit with.
	Exit *int `json:"exit,omitempty"`
}

// listen reads messages until the worker's end is closed and returns the last
// of each kind. A message that its death has cut off does not count.
func listen(line io.Reader) (last message) {
	for in := json.NewDecoder(line); ; {
		var m message
		if in.Decode(&m) != nil {
			return last
		}
		if m.Claim != nil {
			last.Claim = m.Claim
		}
		if m.Candidacy != nil {
			last.Candidacy = m.Candidacy
		}
		if m.Exit != nil {
			last.Exit = m.Exit
		}
	}
}
