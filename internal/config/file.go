package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// file reads a configuration file. The error is about the text as a whole: it is not JSON, or no object. Problems with
// single settings are collected like those of the other sources.
func (l *loader) file(name string, data []byte) error {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	var members map[string]json.RawMessage
	if err := json.Unmarshal(data, &members); err != nil {
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			line, column := position(data, syntax.Offset)
			return fmt.Errorf("%s is not JSON: line %d, column %d: %w", name, line, column, err)
		}
		return fmt.Errorf("%s must hold a JSON object, {...}", name)
	}
	l.object("", members, "set in "+name)
	return nil
}

// position turns the offset of a syntax error, which counts the bytes read, into the line and column of the last of
// them. Columns count characters.
func position(data []byte, offset int64) (line, column int) {
	before := data[:max(0, min(int(offset)-1, len(data)))]
	line = bytes.Count(before, []byte("\n")) + 1
	return line, utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]) + 1
}

// object reads the members of the section whose key, with a dot behind it, is prefix. Of members that differ in
// capitals only, the last in the order of their bytes wins, so that the outcome does not depend on the order in the
// file.
func (l *loader) object(prefix string, members map[string]json.RawMessage, where string) {
	for _, name := range sortedKeys(members) {
		raw, key := members[name], strings.ToLower(prefix+name)
		f, isField := l.byKey[key]
		switch {
		case strings.Contains(name, "."), !isField && !l.sections[key]:
			l.Unknown = append(l.Unknown, prefix+name)
		case isField:
			l.json(f, raw, where)
		default:
			var inner map[string]json.RawMessage
			if json.Unmarshal(raw, &inner) != nil {
				// The value is not shown: what stands in the wrong place may be a secret.
				l.problem(prefix+name, "must be an object, {...} ("+where+")")
				continue
			}
			l.object(prefix+name+".", inner, where)
		}
	}
}
