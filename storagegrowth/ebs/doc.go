// Package ebs is the adapter between cloud.Cloud and Amazon EC2: the only
// place of the program that knows the AWS SDK.
//
// Nothing of the SDK crosses the border: requests and answers are the values of
// package cloud, and every error is a *cloud.Error whose kind a caller decides
// on. Credentials come from the SDK's default chain, which on an instance with
// a role means that role, unless the environment or the files of the process
// name others; they appear in no log and no error.
//
// # What the adapter does itself
//
//   - It repeats a call that was throttled or whose reply was lost, with
//     exponential back-off and jitter, until its attempts or the deadline end.
//     Every mutating action has a retryer and a rate of its own, because EC2
//     throttles each by itself and a throttled create must not slow a detach.
//   - It remembers over the attempts of a call whether one of them may have had
//     its effect. If so and the last error does not settle the question, the
//     error is cloud.ErrAmbiguous as well as whatever it is besides.
//   - It looks at the volume once when an attach or detach is refused, and calls
//     it a success when the volume is already where it should be.
//   - It asks by filter when one of many ids is unknown, so that the others are
//     still found, in calls that do not grow with the unknown ones.
//
// # What the caller must do
//
// EC2 answers VolumeLimitExceeded even to the repetition of a request that
// succeeded, when one volume more would pass the limit; and answers a token
// whose volume failed afterwards with IdempotentParameterMismatch for hours. On
// both, ask VolumesByTags for the intent's tag before deciding anything.
package ebs
