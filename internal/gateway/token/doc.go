// Package token makes and reads key tokens, and knows under which names gateways keep their sessions.
//
// It exists because a key works only where we and every gateway arrive at the same name from the same token, byte for
// byte. So it follows the gateway's own code rather than a description, down to the libraries: the JSON in a token is
// read with the gateway's lenient parser, and hashed with the gateway's fork of MurmurHash3, whose 32-bit sum differs
// from the published algorithm (see Murmur32).
package token
