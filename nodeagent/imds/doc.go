// Package imds asks the metadata service of an EC2 instance, by version 2 of
// its protocol only, which instance the node agent runs on and where.
//
// A host without the service is not on EC2; that is an answer (ErrNotEC2), not
// a failure, and it comes within the timeout. The service is asked when an
// inventory is taken: what it says does not change while the instance lives,
// but an image may be started again as another instance.
package imds
