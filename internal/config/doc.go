// Package config reads the configuration of a server: defaults, then the file named by --conf, then the environment,
// then the flags, each winning over the one before.
//
// It exists so that every setting is declared once. The struct tree under Config is that declaration; its tags say all
// that there is to know about a setting, and from them come loading, checking, `gatehouse config`, the log line about
// settings without effect, and docs/config.md. The tags are:
//
//	json     the key; the path of keys, joined with dots, names the setting
//	env      the variable; that of a section is put in front of those of its fields
//	default  the value when nothing sets the field, in the form that the variable takes
//	min, max bounds: of the number, of the duration, or of the length of the text in bytes
//	oneof    the values that are allowed, separated by spaces
//	secret   the value is never shown
//	protects what is open to whom although the setting is on: it protects something that this version cannot
//	doc      what the setting does; a setting without doc is known, but has no effect in this version
//
// The environment is read here, by reflection over these tags, and not by a library such as caarlos0/env: those know
// neither the file nor the flags. With one parser for all three, every value keeps its origin, all problems are
// reported together, and no message repeats a secret.
package config
