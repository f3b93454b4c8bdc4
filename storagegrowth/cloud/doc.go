// Package cloud says what growing a pool needs from a provider of block
// volumes: the values that go over the border, the errors a caller decides on,
// and the interface Cloud.
//
// The words are EC2's, because that is where the traps are. storagegrowth/ebs
// is the implementation; tests drive it against storagegrowth/ec2test.
//
// # Contract of Cloud
//
//  1. Every method does what it is told with what it is given: a request is
//     complete, nothing is derived from flags, clocks or earlier calls. The
//     same call may be made again at any time by anybody.
//  2. CreateVolume with a token that was used before answers with the volume
//     made then. It does not when the token belongs to another request or to a
//     volume that failed afterwards (ErrIdempotentParameterMismatch), and it
//     forgets when one volume more would pass a limit (ErrLimitExceeded): on
//     both, ask VolumesByTags before deciding that there is no volume.
//  3. ErrAmbiguous means that the effect may have happened. It stands beside
//     the error of the last attempt where there is one, so it is looked at
//     first; the answer to it is a question, not a repetition.
//  4. A read that failed is an error, never an empty answer.
//  5. What is in the wanted state already is a success: an attachment to the
//     instance asked for, a detachment under way. What is gone is ErrNotFound
//     or ErrNotAttached, and the caller knows whether that is what it wanted.
package cloud
