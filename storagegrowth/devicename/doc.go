// Package devicename chooses the device names that volumes are attached under.
//
// EC2 wants a name for each attachment, refuses one that is taken, and does
// not always know which are: a name of the machine image, or of a volume stuck
// in attaching, looks free and is not. So a name that was refused is bad for an
// hour and tried last, and the name given out last is not given out again at
// once.
//
// The package is pure: what is in use, what was tried and the time come from
// the caller, who keeps them with the growth's intent.
package devicename
