package keyspace

import (
	"strconv"
	"strings"
)

// slotCount is how many slots the keys of a cluster are spread over.
const slotCount = 16384

// slotOf is the slot of a name in Redis: that of the part in braces, where there is one.
func slotOf(name string) int {
	if from := strings.IndexByte(name, '{'); from >= 0 {
		if length := strings.IndexByte(name[from+1:], '}'); length > 0 {
			name = name[from+1 : from+1+length]
		}
	}
	// CRC-16 as XMODEM has it: polynomial 0x1021, from 0.
	crc := uint16(0)
	for i := range len(name) {
		crc ^= uint16(name[i]) << 8
		for range 8 {
			if crc&0x8000 != 0 {
				crc = crc<<1 ^ 0x1021
			} else {
				crc <<= 1
			}
		}
	}
	return int(crc) % slotCount
}

// slotTag is a text whose slot is the given one, always the same.
func slotTag(slot int) string {
	for i := 0; ; i++ { // of the numbers below a few hundred thousand, some one has any slot
		if tag := strconv.Itoa(i); slotOf(tag) == slot {
			return tag
		}
	}
}

// slots is a set of slots; nil is all of them, in a Redis that is no cluster.
type slots []slotRange

type slotRange struct{ from, to int }

// has tells whether the session of a key is in one of the slots.
func (s slots) has(id string) bool {
	if s == nil {
		return true
	}
	slot := slotOf(sessionName(id))
	for _, r := range s {
		if r.from <= slot && slot <= r.to {
			return true
		}
	}
	return false
}

// lowest is the first of the slots, -1 where there are none.
func (s slots) lowest() int {
	out := -1
	for _, r := range s {
		if out < 0 || r.from < out {
			out = r.from
		}
	}
	return out
}

// ownSlots reads from what a node says in answer to CLUSTER NODES which slots it serves itself; nil when it is no
// master.
func ownSlots(nodes string) slots {
	for line := range strings.Lines(nodes) {
		fields := strings.Fields(line)
		if len(fields) < 8 || !strings.Contains(fields[2], "myself") {
			continue
		}
		if !strings.Contains(fields[2], "master") {
			return nil
		}
		out := slots{}
		for _, field := range fields[8:] {
			if strings.HasPrefix(field, "[") { // on its way to or from another node
				continue
			}
			from, to, many := strings.Cut(field, "-")
			if !many {
				to = from
			}
			first, errFirst := strconv.Atoi(from)
			last, errLast := strconv.Atoi(to)
			if errFirst == nil && errLast == nil {
				out = append(out, slotRange{first, last})
			}
		}
		return out
	}
	return nil
}

// partition tells whether each slot is in just one of the sets.
func partition(sets ...slots) bool {
	var seen [slotCount]bool
	n := 0
	for _, set := range sets {
		for _, r := range set {
			for slot := max(r.from, 0); slot <= r.to && slot < slotCount; slot++ {
				if seen[slot] {
					return false
				}
				seen[slot] = true
				n++
			}
		}
	}
	return n == slotCount
}
