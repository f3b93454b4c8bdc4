// Package model holds the records that the leader keeps in znodes, as an
// operator reads them with zkCli.
//
// A record is indented JSON with a stable order of keys. Encode keeps fields
// that this release does not know, so that an older and a newer scheduler of
// the same layout version can share one ZooKeeper. Decode checks a record and
// names what is wrong with it. Times are UTC.
package model
