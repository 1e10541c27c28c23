package web

import (
	"strconv"
	"strings"
)

// acceptsGzip reports whether the values of an Accept-Encoding header allow gzip (RFC 9110, section 12.5.3): named, or
// covered by *, with a weight that is not zero. What names gzip itself counts more than the *.
func acceptsGzip(values []string) bool {
	accepted := false
	for coding := range strings.SplitSeq(strings.Join(values, ","), ",") {
		name, params, _ := strings.Cut(coding, ";")
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "gzip", "x-gzip":
			return weight(params) > 0
		case "*":
			accepted = weight(params) > 0
		}
	}
	return accepted
}

// weight returns the q of a coding's parameters: 1 when there is none, 0 when it is no number.
func weight(params string) float64 {
	name, value, found := strings.Cut(params, "=")
	if !found || !strings.EqualFold(strings.TrimSpace(name), "q") {
		return 1
	}
	q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
	if err != nil {
		return 0
	}
	return q
}
