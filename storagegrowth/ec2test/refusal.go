package ec2test

import "fmt"

// Refusal is an error answer.
type Refusal struct {
	Code    string
	Message string
	Status  int
}

// Error gives code and message.
func (r *Refusal) Error() string { return r.Code + ": " + r.Message }

// invalid is a refusal with the status 400, which nearly all have.
func invalid(code, format string, args ...any) *Refusal {
	return &Refusal{Code: code, Message: fmt.Sprintf(format, args...), Status: 400}
}
