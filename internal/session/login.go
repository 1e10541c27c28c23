package session

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"gatehouse/internal/audit"
	"gatehouse/internal/authz"
	"gatehouse/internal/core"
	"gatehouse/internal/trail"
	"gatehouse/store"
)

// wrong is the answer to whoever does not get in, whatever the reason: it tells nobody who has an account.
const wrong = "the e-mail address or the password is wrong"

// maxTries is how often a log-in begins again since the account changed meanwhile.
const maxTries = 8

// Signed is what became of a log-in: a session, or a question.
type Signed struct {
	User    *core.User
	Session *core.Session
	// Organisations are those to choose from, where somebody has accounts in several and named none.
	Organisations []*core.Organisation
}

// LogIn is what somebody signs in with.
type LogIn struct {
	Email, Password string
	// OrgID is the organisation; "" leaves it open.
	OrgID string
	// NewPassword is set where the password has to be changed before it opens anything; "" says so.
	NewPassword string
}

// LogIn signs somebody in by password. Whether the address is unknown,
// the account has no password, is switched off, or the password is another one: the answer is the same, and so is the
// work for it.
func (s *Sessions) LogIn(ctx context.Context, in LogIn) (*Signed, error) {
	v, err := visitOf(ctx)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	email := core.NormalEmail(in.Email)
	try, err := s.lockout.begin(clip(email, 254), v.Address, in.Password)
	if err != nil {
		s.pause(ctx, began)
		return nil, err
	}
	opened, err := s.opened(ctx, email, in.Password)
	if err != nil {
		try.dropped()
		return nil, err
	}
	chosen := opened
	if in.OrgID != "" {
		chosen = slices.DeleteFunc(slices.Clone(opened), func(u *core.User) bool { return u.OrgID != in.OrgID })
	}
	if len(chosen) == 0 {
		s.noteRefused(ctx, email, in.OrgID)
		try.failed(ctx)
		s.pause(ctx, began)
		return nil, core.Errorf(core.CodeUnauthenticated, wrong)
	}
	try.held()
	if s.o.ManyOrganisations && len(chosen) > 1 {
		return s.choices(ctx, chosen)
	}
	out, err := s.enter(ctx, v, chosen[0], in, opened)
	if before := authz.From(ctx).Session; before != nil && err == nil {
		err = s.End(ctx, before) // its browser has another one now
	}
	return out, err
}

// noteSignedIn has the record of a sign-in say whose it is.
func noteSignedIn(ctx context.Context, u *core.User) {
	trail.From(ctx).SignedIn(audit.Actor{ID: u.ID, Name: cmp.Or(u.Email, u.FirstName), Kind: audit.ActorSession}, u.OrgID)
}

// noteRefused has the record of a log-in that failed say who was meant, in the organisation whose account was tried.
func (s *Sessions) noteRefused(ctx context.Context, email, org string) {
	rec := trail.From(ctx)
	if rec == nil {
		return
	}
	accounts, err := s.o.Store.Users.FindMany(ctx, store.AllTenants(), "email", []string{email})
	if err != nil {
		return // the record says what it knows
	}
	for _, u := range accounts {
		if org == "" || u.OrgID == org {
			rec.SignedIn(audit.Actor{Name: email, Kind: audit.ActorNobody}, u.OrgID)
			return
		}
	}
}

// pause waits until a failure has taken as long as all do.
func (s *Sessions) pause(ctx context.Context, began time.Time) {
	rest := time.NewTimer(s.o.FailureTime - time.Since(began))
	defer rest.Stop()
	select {
	case <-rest.C:
	case <-ctx.Done():
	}
}

// opened are the accounts of an e-mail address that a password opens, the oldest first.
func (s *Sessions) opened(ctx context.Context, email, password string) ([]*core.User, error) {
	accounts, err := s.o.Store.Users.FindMany(ctx, store.AllTenants(), "email", []string{email})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(accounts, func(a, b *core.User) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	accounts = accounts[:min(len(accounts), maxAccounts)]
	if len(accounts) == 0 {
		_, err := s.o.Hasher.Check(ctx, "", password)
		return nil, err
	}
	var out []*core.User
	for _, u := range accounts {
		holds, err := s.o.Hasher.Check(ctx, u.Secrets.PasswordHash, password)
		if err != nil {
			return nil, err
		}
		if holds && u.Active {
			out = append(out, u)
		}
	}
	return out, nil
}

// choices asks which organisation somebody means.
func (s *Sessions) choices(ctx context.Context, accounts []*core.User) (*Signed, error) {
	out := &Signed{}
	for _, u := range accounts {
		o, err := s.o.Store.Organisations.Find(ctx, store.AllTenants(), u.OrgID)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return nil, err
		}
		if o == nil { // a super user, who is of none
			o = core.NewOrganisation(core.Meta{}, core.Document(`{"owner_name":"All organisations"}`))
		}
		out.Organisations = append(out.Organisations, o)
	}
	return out, nil
}

// enter begins a session of an account that a password has opened. A password that has to be changed is changed with
// it, which ends the sessions before; a hash of earlier versions is made anew.
func (s *Sessions) enter(
	ctx context.Context, v *Visit, u *core.User, in LogIn, opened []*core.User,
) (*Signed, error) {
	ended := s.o.Users.MustChangePassword(ctx, u)
	switch {
	case ended == nil:
	case core.CodeOf(ended) != core.CodeForbidden, in.NewPassword == "":
		return nil, ended
	case in.NewPassword == in.Password:
		return nil, core.Errorf(core.CodeInvalid, "the new password must be another one than the current")
	}
	hash, renewed := u.Secrets.PasswordHash, ""
	if ended == nil && !s.o.Hasher.IsCurrent(hash) {
		var err error
		if renewed, err = s.o.Hasher.Hash(ctx, in.Password); err != nil {
			return nil, err
		}
	}
	state := core.SessionState{How: ByPassword, Accounts: accountsOf(opened, u)}
	return s.open(ctx, v, u, state, func(next *core.User) error {
		if next.Secrets.PasswordHash != hash {
			return core.Errorf(core.CodeUnauthenticated, wrong)
		}
		if ended != nil {
			next.Secrets.Epoch++
			return s.o.Credentials.SetPassword(ctx, next, in.NewPassword)
		}
		next.Secrets.PasswordHash = cmp.Or(renewed, hash)
		return nil
	})
}

// open begins a session of an account, and gives it to a visit. change is made to the account with it, and may refuse.
func (s *Sessions) open(
	ctx context.Context, v *Visit, u *core.User, state core.SessionState, change func(next *core.User) error,
	more ...store.Change,
) (*Signed, error) {
	if err := s.makeRoom(ctx, u); err != nil {
		return nil, err
	}
	for try := 1; ; try++ {
		next := *u
		if err := change(&next); err != nil {
			return nil, err
		}
		if s.o.Alone {
			next.Secrets.Epoch++
		}
		now := s.o.Store.Now()
		same := next.Secrets.Epoch == u.Secrets.Epoch && next.Secrets.PasswordHash == u.Secrets.PasswordHash
		var changes []store.Change
		if !same || now.Sub(u.Secrets.LastLogin) > seenEvery {
			next.Secrets.LastLogin = now
			changes = append(changes, s.o.Store.Users.Updating(&next))
		}
		state.UserID, state.Epoch = next.ID, next.Secrets.Epoch
		token, held := s.begin(v, next.OrgID, state)
		changes = append(append(changes, s.o.Store.Sessions.Creating(held)), more...)
		noteSignedIn(ctx, &next)
		err := s.o.Store.Apply(ctx, changes...)
		if err == nil {
			v.give(token)
			return &Signed{User: &next, Session: held}, nil
		}
		if !errors.Is(err, store.ErrStale) || try == maxTries {
			return nil, err
		}
		again, err := s.account(ctx, core.Account{UserID: u.ID, OrgID: u.OrgID, Epoch: u.Secrets.Epoch}, held.CreatedAt)
		if err != nil {
			return nil, err
		}
		if again == nil {
			return nil, core.Errorf(core.CodeUnauthenticated, wrong)
		}
		u = again
	}
}

// makeRoom ends the oldest session of an account that has as many as it may.
func (s *Sessions) makeRoom(ctx context.Context, u *core.User) error {
	l, err := s.o.Store.Sessions.List(ctx, store.Query{
		Tenant: store.Org(u.OrgID), Where: []store.Cond{store.In("user_id", u.ID)}, Limit: 1, Total: true,
	})
	if err != nil || l.Total < maxSessions {
		return err
	}
	return s.End(ctx, l.Objects[0])
}

// accountsOf are accounts without one.
func accountsOf(all []*core.User, but *core.User) []core.Account {
	var out []core.Account
	for _, u := range all {
		if u.ID != but.ID {
			out = append(out, core.Account{UserID: u.ID, OrgID: u.OrgID, Epoch: u.Secrets.Epoch})
		}
	}
	return out
}

// Switch has the caller act in another organisation, where the password of their log-in opened an account, too. The
// session before ends.
func (s *Sessions) Switch(ctx context.Context, org string) (*Signed, error) {
	v, err := visitOf(ctx)
	if err != nil {
		return nil, err
	}
	held := authz.From(ctx).Session
	if held == nil {
		return nil, core.Errorf(core.CodeInvalid, "this is for those who have signed in: access keys are of one organisation")
	}
	for _, a := range held.Accounts {
		if a.OrgID != org {
			continue
		}
		u, err := s.account(ctx, a, held.CreatedAt)
		if err != nil {
			return nil, err
		}
		if u == nil {
			break
		}
		state := core.SessionState{How: held.How}
		for _, other := range append(held.Accounts, core.Account{UserID: held.UserID, OrgID: held.OrgID, Epoch: held.Epoch}) {
			if other.UserID != u.ID {
				state.Accounts = append(state.Accounts, other)
			}
		}
		last, err := s.One(ctx, store.Org(held.OrgID), held.ID)
		if err != nil || last == nil {
			return nil, cmp.Or(err, authz.Unauthenticated())
		}
		return s.open(ctx, v, u, state, func(*core.User) error { return nil }, s.o.Store.Sessions.Deleting(last))
	}
	return nil, core.Errorf(core.CodeForbidden,
		"access denied: your log-in opened no account in this organisation; sign in there")
}
