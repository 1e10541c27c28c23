package core

import (
	"encoding/json"
	"fmt"
	"time"
)

// Session is somebody who signed in to a browser, from then until they sign out, leave it unused for too long, or are
// ended. Whoever sends the token, of which only a hash is kept, is that person. ID names it to people.
type Session struct {
	Meta
	// TokenHash is that of the token.
	TokenHash string
	SessionState
}

// SessionState is what is known of a session.
type SessionState struct {
	// UserID is the account; "" for a guest.
	UserID string `json:"user_id,omitempty"`
	// Epoch is that of the account when the session began. A session of an earlier epoch is over.
	Epoch int64 `json:"epoch,omitempty"`
	// Accounts are the others that the same sign-in opened, in other organisations, to switch to.
	Accounts []Account `json:"accounts,omitempty"`
	// Guest is who it is without an account; nil with one.
	Guest *Guest `json:"guest,omitempty"`
	// How is how they signed in: password, sso or openid.
	How string `json:"how"`
	// Address and Agent are where from.
	Address string `json:"address,omitempty"`
	Agent   string `json:"agent,omitempty"`
	// LastSeen is when it was used last, to some minutes; Expires is when it ends whatever happens, and Idle how long it
	// may stay unused.
	LastSeen time.Time     `json:"last_seen"`
	Expires  time.Time     `json:"expires"`
	Idle     time.Duration `json:"idle"`
}

// Account is one of somebody's, as it was when they signed in.
type Account struct {
	UserID string `json:"user_id"`
	OrgID  string `json:"org_id"`
	Epoch  int64  `json:"epoch,omitempty"`
}

// Guest is somebody without an account, as an identity provider knows them.
type Guest struct {
	Name  string `json:"name,omitempty"`
	Email string `json:"email,omitempty"`
	// Permissions are what everybody who comes so may do, and GroupIDs give more.
	Permissions map[string]string `json:"permissions,omitempty"`
	GroupIDs    []string          `json:"group_ids,omitempty"`
}

// NewSession reads a Session from its document.
func NewSession(meta Meta, doc Document, tokenHash string) (*Session, error) {
	s := &Session{Meta: meta, TokenHash: tokenHash}
	if err := json.Unmarshal(doc, &s.SessionState); err != nil {
		return nil, fmt.Errorf("session %s: %w", meta.ID, err)
	}
	return s, nil
}

// Document is the state as JSON.
func (s *Session) Document() Document { return documentOf("session", s.SessionState) }

// Ends is when the session is over unless it is used until then.
func (s *Session) Ends() time.Time {
	if idle := s.LastSeen.Add(s.Idle); idle.Before(s.Expires) {
		return idle
	}
	return s.Expires
}

// Ticket is something that can be done once, soon, by whoever has its token, of which only a hash is kept: opening a
// session that another program has asked for, or setting a forgotten password.
type Ticket struct {
	Meta
	// TokenHash is that of the token.
	TokenHash string
	TicketState
}

// TicketState is what a ticket is for.
type TicketState struct {
	// Purpose is what it can be used for, and for nothing else.
	Purpose string    `json:"purpose"`
	Expires time.Time `json:"expires"`
	// Value is what its purpose needs.
	Value Document `json:"value"`
}

// NewTicket reads a Ticket from its document.
func NewTicket(meta Meta, doc Document, tokenHash string) (*Ticket, error) {
	t := &Ticket{Meta: meta, TokenHash: tokenHash}
	if err := json.Unmarshal(doc, &t.TicketState); err != nil {
		return nil, fmt.Errorf("ticket %s: %w", meta.ID, err)
	}
	return t, nil
}

// Document is the state as JSON.
func (t *Ticket) Document() Document { return documentOf("ticket", t.TicketState) }

func documentOf(what string, state any) Document {
	raw, err := json.Marshal(state)
	if err != nil {
		panic(fmt.Sprintf("core: %s: %v", what, err)) // structs of texts, numbers and times always are JSON
	}
	return raw
}
