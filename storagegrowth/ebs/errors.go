package ebs

import (
	"context"
	"errors"
	"net"
	"net/http"
	"regexp"
	"strings"
	"unicode"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"

	"scaleio-framework/storagegrowth/cloud"
)

// codes are EC2's error codes and what they mean to a caller. Codes that mean
// more than one thing are in kindOf.
var codes = map[string]error{
	"IdempotentParameterMismatch": cloud.ErrIdempotentParameterMismatch,

	"VolumeLimitExceeded":     cloud.ErrLimitExceeded,
	"MaxIOPSLimitExceeded":    cloud.ErrLimitExceeded,
	"ResourceLimitExceeded":   cloud.ErrLimitExceeded,
	"ResourceCountExceeded":   cloud.ErrLimitExceeded,
	"AttachmentLimitExceeded": cloud.ErrAttachmentLimit,

	"InvalidVolume.ZoneMismatch":    cloud.ErrZoneMismatch,
	"VolumeInUse":                   cloud.ErrVolumeInUse,
	"InvalidVolume.NotFound":        cloud.ErrNotFound,
	"InvalidInstanceID.NotFound":    cloud.ErrNotFound,
	"InvalidAttachment.NotFound":    cloud.ErrNotAttached,
	"IncorrectState":                cloud.ErrWrongState,
	"IncorrectInstanceState":        cloud.ErrWrongState,
	"InvalidInstanceAttributeValue": cloud.ErrWrongState,

	"UnauthorizedOperation": cloud.ErrUnauthorized,
	"AccessDenied":          cloud.ErrUnauthorized,
	"AccessDeniedException": cloud.ErrUnauthorized,

	"AuthFailure":                 cloud.ErrNoCredentials,
	"InvalidClientTokenId":        cloud.ErrNoCredentials,
	"UnrecognizedClientException": cloud.ErrNoCredentials,
	"MissingAuthenticationToken":  cloud.ErrNoCredentials,
	"SignatureDoesNotMatch":       cloud.ErrNoCredentials,
	"ExpiredToken":                cloud.ErrNoCredentials,
	"ExpiredTokenException":       cloud.ErrNoCredentials,
	"RequestExpired":              cloud.ErrNoCredentials,
	"OptInRequired":               cloud.ErrNoCredentials,
	"Blocked":                     cloud.ErrNoCredentials,

	"RequestLimitExceeded":  cloud.ErrThrottled,
	"Throttling":            cloud.ErrThrottled,
	"ThrottlingException":   cloud.ErrThrottled,
	"RequestThrottled":      cloud.ErrThrottled,
	"EC2ThrottledException": cloud.ErrThrottled,
	"SlowDown":              cloud.ErrThrottled,

	"InsufficientVolumeCapacity": cloud.ErrNoCapacity,
	"InsufficientCapacity":       cloud.ErrNoCapacity,

	"UnknownVolumeType":    cloud.ErrInvalid,
	"InvalidZone.NotFound": cloud.ErrInvalid,
	"UnknownParameter":     cloud.ErrInvalid,
	"MissingParameter":     cloud.ErrInvalid,
	"TagLimitExceeded":     cloud.ErrInvalid,
	"InvalidAction":        cloud.ErrInvalid,

	"InternalError":      cloud.ErrUnavailable,
	"InternalFailure":    cloud.ErrUnavailable,
	"ServiceUnavailable": cloud.ErrUnavailable,
	"Unavailable":        cloud.ErrUnavailable,
	"RequestTimeout":     cloud.ErrUnavailable,
}

// kindOf gives an error code its meaning, nil when it has none here.
func kindOf(code, message string) error {
	// EC2 has no code of its own for a device name that is taken.
	if code == "InvalidParameterValue" && strings.Contains(message, "already in use") {
		return cloud.ErrDeviceInUse
	}
	if kind := codes[code]; kind != nil {
		return kind
	}
	lower := strings.ToLower(code)
	switch {
	case strings.HasPrefix(lower, "kms.") || strings.Contains(lower, "kmskey"):
		return cloud.ErrKeyNotUsable
	case strings.HasPrefix(code, "InvalidParameter") || strings.HasSuffix(code, ".Malformed"):
		return cloud.ErrInvalid
	}
	return nil
}

// settles tells whether an answer of that kind to a repeated call says what
// became of the earlier attempts: it describes the object, not the call.
func settles(kind error) bool {
	switch kind {
	case cloud.ErrIdempotentParameterMismatch, cloud.ErrVolumeInUse, cloud.ErrNotAttached, cloud.ErrNotFound, cloud.ErrZoneMismatch, cloud.ErrInvalid:
		return true
	}
	return false
}

// mayHaveHappened tells whether an attempt that failed may have had its effect.
func mayHaveHappened(err error) bool {
	var none *errCredentials
	if errors.As(err, &none) {
		return false
	}
	var api smithy.APIError
	if errors.As(err, &api) {
		kind := kindOf(api.ErrorCode(), api.ErrorMessage())
		return kind == cloud.ErrUnavailable || kind == nil && status(err) >= http.StatusInternalServerError
	}
	return !neverSent(err)
}

// neverSent tells whether a request failed before it was written.
func neverSent(err error) bool {
	var dns *net.DNSError
	var op *net.OpError
	return errors.As(err, &dns) || errors.As(err, &op) && op.Op == "dial"
}

func status(err error) int {
	var response *awshttp.ResponseError
	if errors.As(err, &response) {
		return response.HTTPStatusCode()
	}
	return 0
}

// fail translates the error of the whole call. This is the border: nothing of
// the SDK is wrapped.
func (c *call) fail(err error) *cloud.Error {
	e := &cloud.Error{Action: "ec2:" + c.action, Ambiguous: c.lost}
	var response *awshttp.ResponseError
	if errors.As(err, &response) {
		e.RequestID = clean(response.ServiceRequestID())
	}
	for _, cause := range []error{context.DeadlineExceeded, context.Canceled} {
		if errors.Is(err, cause) {
			e.Cause = cause
		}
	}
	var none *errCredentials
	var api smithy.APIError
	switch {
	case errors.As(err, &none):
		e.Kind, e.Message = cloud.ErrNoCredentials, clean(none.cause.Error())
	case errors.As(err, &api):
		e.Code, e.Message = clean(api.ErrorCode()), clean(api.ErrorMessage())
		e.Kind = kindOf(api.ErrorCode(), api.ErrorMessage())
		if e.Kind == cloud.ErrUnauthorized {
			if m := actionNamed.FindStringSubmatch(api.ErrorMessage()); m != nil {
				e.Action = m[1]
			}
		}
		if e.Kind == nil && status(err) >= http.StatusInternalServerError {
			e.Kind = cloud.ErrUnavailable
		}
	default:
		e.Kind, e.Message = cloud.ErrUnavailable, clean(innermost(err).Error())
	}
	if settles(e.Kind) {
		e.Ambiguous = false
	}
	if e.Ambiguous && e.Kind == cloud.ErrUnavailable {
		e.Kind = cloud.ErrAmbiguous // "nothing happened" is not known any more
	}
	return e
}

// actionNamed finds the action in EC2's words: creating a volume with tags
// fails for CreateTags just as for CreateVolume.
var actionNamed = regexp.MustCompile(`not authorized to perform: ([a-z0-9]{2,20}:[A-Za-z]{2,60})\b`)

// accessKey looks like the id of an access key; ids are no secrets, but they
// have no place in a log either.
var accessKey = regexp.MustCompile(`\b(AKIA|ASIA)[A-Z0-9]{8,}`)

// longest is how much of EC2's words is kept, in characters.
const longest = 300

// clean makes words from outside fit for a log.
func clean(text string) string {
	text, _, _ = strings.Cut(text, "Encoded authorization failure message")
	text = accessKey.ReplaceAllString(text, "[access key]")
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	text = strings.Join(strings.Fields(text), " ")
	if r := []rune(text); len(r) > longest {
		text = string(r[:longest]) + "..."
	}
	return text
}

// innermost finds the cause below the layers the SDK puts around it.
func innermost(err error) error {
	for {
		var op *net.OpError
		if errors.As(err, &op) {
			return op
		}
		next := errors.Unwrap(err)
		if next == nil {
			return err
		}
		err = next
	}
}
