package batch

import "context"

// Absent finds out which of the ids that objects name there are not.
type Absent struct{ batch[int] }

// NewAbsent makes one of what counts the objects of an organisation that have ids, by id.
func NewAbsent(count func(ctx context.Context, org string, ids []string) (map[string]int, error)) *Absent {
	return &Absent{batch[int]{fetch: func(ctx context.Context, _ int, keys []Key) (map[Key]int, error) {
		return perOrganisation(keys, func(org string, ids []string) (map[string]int, error) { return count(ctx, org, ids) })
	}}}
}

// Expect announces which ids a sibling will ask for, as ByID does.
func (b *Absent) Expect(org string, ids ...string) { b.expect(org, ids...) }

// ExpectLater announces ids that take work to find: later is called only if a sibling asks, and may be called again.
func (b *Absent) ExpectLater(org string, later func() []string) { b.expectLater(org, later) }

// Of are those of the first ids, as many as most, that nothing in the organisation has, in their order.
func (b *Absent) Of(ctx context.Context, org string, ids []string, most int) (absent []string, err error) {
	ids = ids[:min(len(ids), most)]
	keys := make([]Key, len(ids))
	for i, id := range ids {
		keys[i] = Key{org, id}
	}
	for i, l := range b.start(ctx, 0, most, keys...) {
		n, _, err := l.wait(ctx)
		if err != nil {
			return nil, err
		}
		if n == 0 {
			absent = append(absent, ids[i])
		}
	}
	return absent, nil
}
