package cloud

import (
	"errors"
	"fmt"
)

// What a caller decides on. Test with errors.Is; an *Error has the details.
var (
	// ErrIdempotentParameterMismatch: the token was used for another request,
	// or for a volume that failed or was deleted. Describe by the intent's tag
	// for a minute; only then take a token with the next suffix. A token stays
	// burnt for about twelve hours.
	ErrIdempotentParameterMismatch = errors.New("the client token was used for another request or for a volume that failed")
	// ErrLimitExceeded: a limit of the account; the code names which. EC2 says
	// so even to the repetition of a request that succeeded, so describe by the
	// intent's tag before believing that there is no volume.
	ErrLimitExceeded = errors.New("a limit of the account is reached")
	// ErrAttachmentLimit: final for this instance until something is detached.
	ErrAttachmentLimit = errors.New("the instance takes no more volumes")
	// ErrZoneMismatch: the volume and the instance are in different zones.
	ErrZoneMismatch = errors.New("volume and instance are in different availability zones")
	// ErrDeviceInUse: that device name is taken; try another, this one last.
	ErrDeviceInUse = errors.New("the device name is in use")
	// ErrVolumeInUse: attached to another instance; Error.Where names it.
	ErrVolumeInUse = errors.New("the volume is attached elsewhere")
	// ErrNotAttached: nothing to detach there.
	ErrNotAttached = errors.New("the volume is not attached to that instance")
	// ErrNotFound: no such volume or instance, or not visible yet.
	ErrNotFound = errors.New("not found")
	// ErrWrongState: not now; the object is on its way to another state.
	ErrWrongState = errors.New("not in a state that allows it")
	// ErrUnauthorized: Error.Action names the IAM action that is missing.
	ErrUnauthorized = errors.New("not permitted")
	// ErrNoCredentials: none were found, or EC2 does not accept them.
	ErrNoCredentials = errors.New("no usable AWS credentials")
	// ErrThrottled: still throttled after the retries; nothing happened.
	ErrThrottled = errors.New("throttled by EC2")
	// ErrNoCapacity: the zone has none of that volume type now.
	ErrNoCapacity = errors.New("the zone has no capacity for the volume")
	// ErrKeyNotUsable: the KMS key cannot be used to encrypt the volume.
	ErrKeyNotUsable = errors.New("the encryption key cannot be used")
	// ErrAmbiguous: the effect may have happened; ask before repeating.
	ErrAmbiguous = errors.New("the reply was lost, the effect may have happened")
	// ErrUnavailable: EC2 was not reached or failed; nothing happened.
	ErrUnavailable = errors.New("EC2 was not reached")
	// ErrInvalid: EC2 will never accept this request.
	ErrInvalid = errors.New("the request is not valid")
)

// Error is a call that failed, in words an operator can act on.
type Error struct {
	Action    string // IAM action, for example ec2:CreateVolume
	Kind      error  // one of the sentinels above; nil when none fits
	Ambiguous bool   // an attempt may have had its effect
	Code      string // EC2's code, "" when there was no answer
	Message   string // EC2's words, or what went wrong on the way to it
	RequestID string // for AWS support
	Where     string // ErrVolumeInUse: instance and device
	Cause     error  // a context's error, nil otherwise
}

// Error names the action, the reason and, where there is one, the remedy.
func (e *Error) Error() string {
	text := e.Action + ": "
	switch {
	case e.Kind != nil:
		text += e.Kind.Error()
	case e.Ambiguous:
		text += ErrAmbiguous.Error()
	default:
		text += "failed"
	}
	if e.Kind == ErrUnauthorized {
		text += ": the role needs " + e.Action
	}
	if e.Where != "" {
		text += " (" + e.Where + ")"
	}
	if e.Ambiguous && e.Kind != nil && e.Kind != ErrAmbiguous {
		text += "; an earlier attempt may have had its effect"
	}
	if remedy := remedies[e.Kind]; remedy != "" {
		text += "; " + remedy
	}
	// EC2's words come last: they are long, and records keep the beginning.
	if e.Code != "" || e.Message != "" {
		text += fmt.Sprintf(": %s", join(e.Code, e.Message))
	}
	if e.RequestID != "" {
		text += " [request " + e.RequestID + "]"
	}
	return text
}

// Unwrap makes errors.Is find the kind, the ambiguity and the context's error.
func (e *Error) Unwrap() []error {
	var errs []error
	if e.Ambiguous && e.Kind != ErrAmbiguous {
		errs = append(errs, ErrAmbiguous)
	}
	if e.Kind != nil {
		errs = append(errs, e.Kind)
	}
	if e.Cause != nil {
		errs = append(errs, e.Cause)
	}
	return errs
}

func join(code, message string) string {
	if code == "" || message == "" {
		return code + message
	}
	return code + ": " + message
}

var remedies = map[error]string{
	ErrUnauthorized:  "add it to the policy of the scheduler's role",
	ErrNoCredentials: "give the scheduler's host an instance role, or AWS credentials in its environment or files, and the right --aws.region",
	ErrLimitExceeded: "raise the quota of the account, or free what is not needed",
	ErrNoCapacity:    "wait, or choose another volume type",
	ErrKeyNotUsable:  "enable the key and let the scheduler's role use it",
	ErrZoneMismatch:  "the volume has to be created in the zone of the instance",
}
