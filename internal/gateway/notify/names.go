package notify

const (
	// maxNames is how many names of keys wait for Redis at most.
	maxNames = 100_000
	// maxBatch is how many names one notification has at most.
	maxBatch = 1000
)

// names are the names of keys that wait, each once, the oldest first. Of more than maxNames, the oldest are given up:
// gateways cache sessions for seconds only, and the newest changes are those that they may not have seen yet.
type names struct {
	order []string
	has   map[string]struct{}
}

func newNames() names { return names{has: map[string]struct{}{}} }

// add returns how many names were given up for the new one.
func (s *names) add(name string) (lost int) {
	if _, ok := s.has[name]; ok {
		return 0
	}
	if len(s.order) == maxNames {
		s.take(1)
		lost = 1
	}
	s.order = append(s.order, name)
	s.has[name] = struct{}{}
	return lost
}

// take removes the first names.
func (s *names) take(most int) []string {
	n := min(most, len(s.order))
	out := s.order[:n:n]
	s.order = s.order[n:]
	for _, name := range out {
		delete(s.has, name)
	}
	if len(s.order) == 0 {
		*s = newNames() // what many names took up is given back
	}
	return out
}

// putBack adds names that were taken and not sent, in front, as far as there is room.
func (s *names) putBack(taken []string) (lost int) {
	order := make([]string, 0, len(taken)+len(s.order))
	for _, name := range taken {
		if _, ok := s.has[name]; !ok {
			order = append(order, name)
		}
	}
	lost = max(0, len(order)+len(s.order)-maxNames)
	order = order[lost:]
	for _, name := range order {
		s.has[name] = struct{}{}
	}
	s.order = append(order, s.order...)
	return lost
}
