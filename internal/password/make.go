package password

import (
	"crypto/rand"
	"errors"
	"math/big"

	"gatehouse/internal/core"
	"gatehouse/internal/secret"
)

// Make makes a password that reads well and that the policy lets be. It fails where hardly any password would do.
func (p *Policy) Make() (string, error) {
	made := secret.NewPassword()
	r := rules{}
	if p != nil {
		r = p.rules()
	}
	for range 1000 {
		if len(p.missed(made)) == 0 {
			return made, nil
		}
		made = r.random()
	}
	return "", errors.New("the policy of passwords (schemas/password.json) leaves hardly any password: ask for less there")
}

// The characters of made passwords, without those that people take for one another.
const (
	letters  = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ"
	digits   = "23456789"
	specials = "@$%&*+-=?!#"
)

// random is a password with as many digits and special characters as the rules ask for, and letters.
func (r rules) random() string {
	const least = 16
	n := max(least, r.MinLength, min(r.MinNumeric+r.MinSpecial+4, core.MaxPasswordLength))
	out := make([]byte, n)
	for i := range out {
		from := letters
		switch {
		case i < r.MinNumeric:
			from = digits
		case i < r.MinNumeric+r.MinSpecial:
			from = specials
		}
		out[i] = from[below(len(from))]
	}
	for i := len(out) - 1; i > 0; i-- {
		j := below(i + 1)
		out[i], out[j] = out[j], out[i]
	}
	return string(out)
}

// below is a random number from 0 to less than n.
func below(n int) int {
	v, err := rand.Int(rand.Reader, big.NewInt(int64(n)))
	if err != nil {
		return 0 // never: it ends the program instead
	}
	return int(v.Int64())
}
