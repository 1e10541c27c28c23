// Package password says which passwords people may have: those that the policy of the server lets be, which operators
// keep in a file as the legacy dashboard reads it, and which is read again when it changes.
package password

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"gatehouse/internal/core"
)

// Options say what a Policy holds passwords to.
type Options struct {
	// File is the path of the policy; "" for none. There need not be one.
	File string
	// Every is how often the file is looked at, at most; 0 is a second.
	Every time.Duration
	// Strong asks for StrongLength characters, and for none of the passwords that everybody tries first.
	Strong bool
	Log    *slog.Logger
}

// StrongLength is how many characters a password has at least where Options.Strong is set.
const StrongLength = 8

// Policy judges new passwords. It is safe for use by several goroutines. Without a file and without Options.Strong, and
// for a nil Policy, a password has core.MinPasswordLength characters or more.
type Policy struct {
	o      Options
	common map[string]bool

	mu      sync.Mutex
	looked  time.Time
	changed time.Time
	size    int64
	held    rules
	fault   string
}

// New makes a Policy. It fails where there is a file that cannot be used: whoever wrote one means it. A file that
// cannot be used any more later changes nothing: what it said before holds, and the log says why.
func New(o Options) (*Policy, error) {
	if o.Every <= 0 {
		o.Every = time.Second
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	p := &Policy{o: o}
	if o.Strong {
		p.common = map[string]bool{}
		for _, word := range strings.Fields(common) {
			p.common[word] = true
		}
	}
	return p, p.look()
}

//go:embed common.txt
var common string

// Check returns CodeInvalid, with each rule that a new password of a user misses.
func (p *Policy) Check(password string, u *core.User) error {
	if missed := p.missed(password); len(missed) > 0 {
		return core.Errorf(core.CodeInvalid, "the password must have %s", strings.Join(missed, "; "))
	}
	return core.CheckPassword(password, u)
}

func (p *Policy) missed(password string) []string {
	if p == nil {
		return nil
	}
	r := p.rules()
	if p.o.Strong {
		r.MinLength = max(r.MinLength, StrongLength)
	}
	missed := r.missed(password)
	if p.common[strings.ToLower(password)] {
		missed = append(missed, "words that others do not try first: this one is among the most common")
	}
	return missed
}

// rules are what the file says now.
func (p *Policy) rules() rules {
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Since(p.looked) < p.o.Every {
		return p.held
	}
	err := p.read()
	if err != nil && err.Error() != p.fault {
		p.o.Log.Error("passwords: the policy cannot be used, so what it said before holds", "error", err.Error())
	}
	if p.fault = ""; err != nil {
		p.fault = err.Error()
	}
	return p.held
}

func (p *Policy) look() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.read()
}

// maxFile is the largest file, in bytes.
const maxFile = 64 << 10

// read reads the file where it changed since it was read last.
func (p *Policy) read() error {
	p.looked = time.Now()
	if p.o.File == "" {
		return nil
	}
	info, err := os.Stat(p.o.File)
	if errors.Is(err, fs.ErrNotExist) {
		p.held, p.changed, p.size = rules{}, time.Time{}, 0
		return nil
	}
	if err != nil {
		return fmt.Errorf("the policy of passwords: %w", err)
	}
	if info.ModTime().Equal(p.changed) && info.Size() == p.size {
		return nil
	}
	if info.Size() > maxFile {
		return fmt.Errorf("%s has %d bytes, more than %d", p.o.File, info.Size(), maxFile)
	}
	raw, err := os.ReadFile(p.o.File)
	if err != nil {
		return fmt.Errorf("the policy of passwords: %w", err)
	}
	next, err := parse(raw)
	if err != nil {
		return fmt.Errorf("%s cannot be used: %w", p.o.File, err)
	}
	p.held, p.changed, p.size = next, info.ModTime(), info.Size()
	p.o.Log.Info("passwords: read the policy", "file", p.o.File)
	return nil
}

// rules are those of a file, by the names that the legacy dashboard gives them.
type rules struct {
	MinLength         int  `json:"minLength"`
	MultiCase         bool `json:"multiCase"`
	MinNumeric        int  `json:"minNumeric"`
	MinSpecial        int  `json:"minSpecial"`
	DisableSequential bool `json:"disableSequential"`
}

// parse reads a file. What it does not know, such as the title, it passes over.
func parse(raw []byte) (rules, error) {
	var r rules
	if err := json.Unmarshal(raw, &r); err != nil {
		return rules{}, fmt.Errorf("it must be a JSON object with minLength, multiCase, minNumeric, minSpecial and "+
			"disableSequential: %w", err)
	}
	for name, n := range map[string]int{"minLength": r.MinLength, "minNumeric": r.MinNumeric, "minSpecial": r.MinSpecial} {
		if n < 0 || n > core.MaxPasswordLength {
			return rules{}, fmt.Errorf("%s must be a number from 0 to %d", name, core.MaxPasswordLength)
		}
	}
	if n := r.MinNumeric + r.MinSpecial; n > core.MaxPasswordLength {
		return rules{}, fmt.Errorf("minNumeric and minSpecial ask for %d characters: a password has at most %d",
			n, core.MaxPasswordLength)
	}
	return r, nil
}

// missed is what a password lacks, a part of a sentence for each rule.
func (r rules) missed(password string) (out []string) {
	var upper, lower, digits, special int
	for _, c := range password {
		switch {
		case unicode.IsUpper(c):
			upper++
		case unicode.IsLower(c):
			lower++
		case unicode.IsDigit(c):
			digits++
		case !unicode.IsLetter(c):
			special++
		}
	}
	if utf8.RuneCountInString(password) < r.MinLength {
		out = append(out, fmt.Sprintf("at least %s", count(r.MinLength, "character")))
	}
	if r.MultiCase && (upper == 0 || lower == 0) {
		out = append(out, "letters of upper and of lower case")
	}
	if digits < r.MinNumeric {
		out = append(out, fmt.Sprintf("at least %s", count(r.MinNumeric, "digit")))
	}
	if special < r.MinSpecial {
		out = append(out, fmt.Sprintf("at least %s, such as @, $ or %%", count(r.MinSpecial, "special character")))
	}
	if r.DisableSequential && sequential(password) {
		out = append(out, "no three characters in sequence, such as abc, 123 or xxx")
	}
	return out
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// sequential tells whether three letters or digits follow one another in order, or three characters are the same.
func sequential(password string) bool {
	chars := []rune(password)
	for i := 2; i < len(chars); i++ {
		a, b, c := chars[i-2], chars[i-1], chars[i]
		word := (unicode.IsLetter(a) || unicode.IsDigit(a)) && (unicode.IsLetter(c) || unicode.IsDigit(c))
		if a == b && b == c || word && b == a+1 && c == b+1 {
			return true
		}
	}
	return false
}
