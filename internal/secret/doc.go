// Package secret keeps what must not be read by whoever reads the database: it seals, looks up, hashes and makes
// secrets, and looks after the two files in the data directory that hold ours.
//
// It exists so that there is one place to review for cryptography. Nothing here logs, and no error holds a secret.
package secret
