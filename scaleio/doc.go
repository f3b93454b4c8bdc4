// Package scaleio speaks to ScaleIO (VxFlex OS, PowerFlex) from 2.0 to 4.x: a
// client of the gateway's REST API, the arithmetic of its capacity, its limits,
// and the command lines and answers of scli.
//
// # The client
//
// A Client belongs to one gateway and is safe for concurrent use. It logs in by
// itself with the first call, and once more when a token has expired; tokens
// are not shared between gateways. Every call takes a context and is bounded by
// Options.Timeout as well.
//
// What a failed call means is told by predicates, because the caller's next
// move depends on it:
//
//	outcome                                    predicate            next move
//	the MDM refused, with a reason             none (*Error)        report it
//	the object is absent                       IsNotFound           create it
//	the object is there                        IsAlreadyExists      look it up
//	the gateway or its MDM does not answer     IsUnreachable        another gateway, later
//	the answer makes no sense                  IsNonsense           another gateway
//	the request may have had its effect        IsAmbiguous          ask before repeating
//	user name or password are wrong            IsUnauthorized       an operator
//	the version is one we do not know          *UnsupportedVersionError
//	an object differs from what was asked for  *MismatchError       an operator
//
// IsNotFound is true only for the MDM's own words. A page that a starting
// gateway answers with 404 says nothing about an object, and taking it for
// "absent" would create things twice.
//
// # Ensure operations
//
// The Ensure methods are what a leader's committed intents are performed with.
// Each asks by name first, creates only what is absent, and asks again after
// "already exists" or a lost reply, so repeating one at any later time is
// harmless. None of them ever takes a device over by force.
//
// # Units
//
// Capacities are KiB in int64, as the REST API counts them. A statistic that
// is absent or unreadable is an error and never zero.
//
// # scli
//
// SCLI builds argument vectors without secrets and says which prompt expects
// which secret; Classify turns an exit status and output into an outcome; the
// Parse functions read answers of both dialects. Nothing in this package runs a
// program.
package scaleio
