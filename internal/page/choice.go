package page

import "gatehouse/internal/core"

// maxChoices is how many values a filter takes of which any will do.
const maxChoices = 1000

// Choices refuses a filter with more values than that.
func Choices(field string, values []string) error {
	if len(values) <= maxChoices {
		return nil
	}
	return core.Wrap(
		core.CodeLimit,
		nil,
		"%s takes at most %d values, not %d: ask in several queries",
		field,
		maxChoices,
		len(values),
	).In(
		field,
	)
}
