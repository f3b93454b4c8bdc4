// Package ec2test is a double of the part of EC2 that growing a pool uses: the
// EC2 Query protocol (form in, XML out, version 2016-11-15) and the instance
// metadata service (IMDSv2), over HTTP on loopback.
//
// A Cloud is one account in one region: zones, instances, volumes, client
// tokens, limits. It behaves; it does not record calls. EC2 and IMDS are its
// doors; the methods of Cloud set it up, break it and look at it.
//
// # What it models
//
//   - Client tokens: the same request gives the same volume; another request,
//     or one whose volume failed or was deleted, IdempotentParameterMismatch;
//     and idempotency is forgotten when one volume more would pass a limit.
//   - Volumes go creating, available, in-use; attachments attaching, attached,
//     detaching. A step is taken by Advance, or once Options.Delays are over.
//     There are no background jobs: whoever looks next sees the step, and
//     OnAttach and OnDetach run before that look is answered.
//   - Refusals with EC2's codes: zone mismatch, volume in use, device name in
//     use or unknown, attachment, volume and storage limits, wrong states,
//     unknown ids (naming them), permissions for each action (DryRun too),
//     zones without capacity, keys that cannot be used (the creation fails
//     afterwards, as EC2's does), missing credentials, another region's
//     signature. Signatures themselves are not verified.
//   - Describes page, filter (wildcards too), refuse a page size together with
//     ids, and may be slow to show a new volume (Options.HideNew).
//   - Faults before or after the effect: an error, a lost request, a lost
//     reply, a slow answer, an attachment that sticks, a creation that fails.
//
// What EC2 does with the token of a deleted volume and in which order it
// checks an attachment is not documented; the double takes the choice that
// asks more of the caller.
//
// # Contract
//
//  1. A fault strikes the next matching call and is used up by it.
//  2. Every call is counted by action: calls, effects and refusals by code.
//  3. A callback may read the Cloud (Snapshot, Count) but change nothing.
//  4. Close ends the listeners and delays, and waits for the requests.
//
// The package is for tests and the sandbox; production code never imports it.
package ec2test
