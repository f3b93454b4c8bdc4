// Package artifacts knows the files that nodes get: the node agent program and
// the vendor's packages.
//
// They lie in a folder that the schedulers serve, or a manifest says where each
// is. A file's identity is its SHA-256; every scheduler of a pair that was given
// the same folder serves the same files, so a node may fetch from either. There
// is no default place: the vendor's packages need a login and may not be
// redistributed.
package artifacts
