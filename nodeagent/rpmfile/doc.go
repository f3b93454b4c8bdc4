// Package rpmfile reads package files of rpm without rpm: their name and
// version, and the files in them.
//
// A package file is outside input. Nothing in it makes the reader allocate more
// than is there, names that lead out of the root are refused, and so is
// everything that is neither a file, a directory nor a symbolic link. What may
// be done with the files is the caller's to decide.
//
// The layout is a lead of 96 bytes, a header of signatures, a header that
// describes the package, and a compressed cpio archive. Signatures are not
// looked at: whoever reads the file has compared its checksum.
package rpmfile
