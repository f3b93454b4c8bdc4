package scaleio

import (
	"errors"
	"fmt"

	"scaleio-framework/internal/redact"
)

// The MDM's rule for passwords.
const (
	minPassword = 8
	maxPassword = 15
	minClasses  = 3
)

// CheckPassword refuses a password that the MDM would refuse: 8 to 15
// characters of at least three of upper case, lower case, digits and others.
// Only printable ASCII without blanks is taken, because it is typed at scli's
// prompt and sent in an HTTP header, which agree on nothing else. The error
// does not tell what the password is.
func CheckPassword(password redact.Secret) error {
	text := password.Reveal()
	if text == "" {
		return errors.New("the password is empty")
	}
	var upper, lower, digit, other int
	for _, r := range text {
		switch {
		case r <= ' ' || r > '~':
			return errors.New("the password holds a character that is not printable ASCII: use letters, digits and punctuation")
		case r >= 'A' && r <= 'Z':
			upper = 1
		case r >= 'a' && r <= 'z':
			lower = 1
		case r >= '0' && r <= '9':
			digit = 1
		default:
			other = 1
		}
	}
	if len(text) < minPassword || len(text) > maxPassword {
		return fmt.Errorf("the password has %d characters: ScaleIO takes %d to %d", len(text), minPassword, maxPassword)
	}
	if upper+lower+digit+other < minClasses {
		return fmt.Errorf("the password lacks diversity: ScaleIO wants %d of upper case, lower case, digits and other characters", minClasses)
	}
	return nil
}
