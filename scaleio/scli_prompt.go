package scaleio

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"scaleio-framework/internal/redact"
)

// SecretName says which secret a prompt of scli wants.
type SecretName string

// The secrets that scli asks for.
const (
	SecretPassword    SecretName = "password"     // of the user who logs in
	SecretOldPassword SecretName = "old password" // before SetPassword
	SecretNewPassword SecretName = "new password" // after SetPassword
	SecretP12Password SecretName = "p12 password" // of the certificate's file
)

// Prompt is a secret that scli asks for when its option is left out.
type Prompt struct {
	Secret SecretName
	// Option is what would carry the secret on the command line.
	Option string
}

var (
	askPattern   = regexp.MustCompile(`(?i)pass(word|phrase)[^:?]*[:?]\s*$`)
	againPattern = regexp.MustCompile(`(?i)confirm|again|re-?enter|re-?type|verify|repeat`)
	oldPattern   = regexp.MustCompile(`(?i)\b(old|current)\b`)
	newPattern   = regexp.MustCompile(`(?i)\bnew\b`)
	p12Pattern   = regexp.MustCompile(`(?i)p12|pkcs|certificate`)
)

// PromptFor finds which secret the terminal's last line asks for, given all the
// text since the last answer. Texts of versions differ, so the words decide,
// and, where they do not, the order of the command's prompts: answered is how
// many have been answered so far. ok is false while no question has come, and
// for a question that the command has no secret for.
func (c Command) PromptFor(text string, answered int) (prompt Prompt, ok bool) {
	line := text[strings.LastIndexAny(text, "\r\n")+1:]
	if !askPattern.MatchString(line) {
		return Prompt{}, false
	}
	find := func(name SecretName) (Prompt, bool) {
		for _, p := range c.Prompts {
			if p.Secret == name {
				return p, true
			}
		}
		return Prompt{}, false
	}
	switch {
	case oldPattern.MatchString(line):
		return find(SecretOldPassword)
	case newPattern.MatchString(line):
		return find(SecretNewPassword)
	case p12Pattern.MatchString(line):
		return find(SecretP12Password)
	case againPattern.MatchString(line) && len(c.Prompts) > 0:
		return c.Prompts[len(c.Prompts)-1], true
	case answered >= 0 && answered < len(c.Prompts):
		return c.Prompts[answered], true
	}
	return Prompt{}, false
}

// ErrNoPrompt means that scli ended or refused its command line without asking
// for a secret that was left out of it.
var ErrNoPrompt = errors.New("scli does not ask for the password: " +
	"--scaleio.scli-password-in-args puts it on scli's command line, where every user of the host can read it")

// WithSecretsInArgs is the command with its secrets on the command line, where
// every user of the host can read them. It exists for versions of scli that do
// not ask, and is used only where an operator allows it. The result must not be
// logged.
func (c Command) WithSecretsInArgs(secrets map[SecretName]redact.Secret) ([]string, error) {
	args := append([]string(nil), c.Args...)
	for _, p := range c.Prompts {
		s, ok := secrets[p.Secret]
		if !ok || s.IsEmpty() {
			return nil, fmt.Errorf("%s: no %s is given", c, p.Secret)
		}
		args = append(args, p.Option, s.Reveal())
	}
	return args, nil
}
