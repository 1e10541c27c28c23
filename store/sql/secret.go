package sql

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

// secrets finds the passwords in connection strings of every form: in pairs (quoted or not), in URLs, in front of
// tcp(...).
var secrets = regexp.MustCompile(
	`(?i)(?:password|passwd|pwd)\s*=\s*(?:'((?:\\.|[^'\\])*)'?|([^\s&]*))|^(?:[a-z]+://)?[^:/@]*:(.*)@`,
)

// unreadable says what is wrong with a connection string, without its passwords.
func unreadable(database, dsn string, cause error) error {
	// Some parsers put the whole string into their errors.
	text := strings.ReplaceAll(cause.Error(), dsn, "...")
	for _, found := range secrets.FindAllStringSubmatch(dsn, -1) {
		for _, secret := range found[1:] {
			if secret == "" {
				continue
			}
			text = strings.ReplaceAll(text, secret, "xxxxx")
			if plain, err := url.PathUnescape(secret); err == nil {
				text = strings.ReplaceAll(text, plain, "xxxxx")
			}
		}
	}
	return fmt.Errorf("store: the connection string of %s cannot be read: %s", database, text)
}
