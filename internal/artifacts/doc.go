// Package artifacts knows the files that schedulers serve to the nodes: the
// node agent program and the vendor's packages.
//
// A file's identity is its SHA-256; every scheduler of a pair that was given
// the same folder serves the same files, so a node may fetch from either.
// Nothing is downloaded from anywhere: the vendor's packages need a login and
// may not be redistributed.
package artifacts
