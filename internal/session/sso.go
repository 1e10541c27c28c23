package session

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"time"

	"gatehouse/internal/authz"
	"gatehouse/internal/core"
	"gatehouse/internal/permission"
	"gatehouse/internal/secret"
	"gatehouse/store"
)

const (
	// nonceLife is how long a nonce can be redeemed.
	nonceLife = time.Minute
	// maxGuestGroups is how many user groups a guest may have.
	maxGuestGroups = 20
)

// SSO says what people may do who come by an identity provider.
type SSO struct {
	// LookUp signs them in as the user with their e-mail address (sso_enable_user_lookup).
	LookUp bool
	// Defaults are what everybody without an account may do (sso_permission_defaults), and DefaultGroup is the group of
	// those who come with none (sso_default_group_id).
	Defaults     permission.Set
	DefaultGroup string
}

// The sections that a nonce opens.
const (
	ForDashboard = "dashboard"
	ForPortal    = "portal"
)

// Vouched is whom a program vouches for.
type Vouched struct {
	Section  string   `json:"section"`
	OrgID    string   `json:"org_id"`
	Email    string   `json:"email,omitempty"`
	Name     string   `json:"name,omitempty"`
	GroupIDs []string `json:"group_ids,omitempty"`
	// RegisteredOnly opens accounts alone.
	RegisteredOnly bool `json:"registered_only,omitempty"`
	// Within is what may be opened at most, since whoever vouches may do no more; nil is no bound.
	Within permission.Set `json:"within,omitempty"`
}

// Nonce makes a nonce for whom the caller vouches for. Who may not give away what it opens gets CodeForbidden.
func (s *Sessions) Nonce(ctx context.Context, in Vouched) (*string, error) {
	if err := s.checkVouched(ctx, &in); err != nil {
		return nil, err
	}
	if a := authz.From(ctx); a.Admin || a.Permissions().Allows("idm", true) {
		in.Within = nil
	} else {
		in.Within = a.Permissions()
		if in.Within == nil {
			in.Within = permission.Set{}
		}
	}
	who, err := s.arriving(ctx, in)
	if err == nil && who != nil {
		_, err = s.checkWithin(ctx, in, who)
	}
	if err != nil {
		return nil, err
	}
	token, err := s.ticket(ctx, "sso "+in.Section, in.OrgID, nonceLife, in)
	return &token, err
}

func (s *Sessions) checkVouched(ctx context.Context, in *Vouched) error {
	a := authz.From(ctx)
	if a.User != nil && !a.User.IsSuper() {
		if in.OrgID == "" {
			in.OrgID = a.User.OrgID
		}
		if in.OrgID != a.User.OrgID {
			return core.InField("OrgID", "names another organisation than yours")
		}
	}
	if in.OrgID == "" {
		return core.InField("OrgID", "is required: you act in every organisation, so say in which one")
	}
	org, err := s.o.Store.Organisations.Find(ctx, store.AllTenants(), in.OrgID)
	if errors.Is(err, store.ErrNotFound) {
		return core.InField("OrgID", "names no organisation")
	}
	if err != nil {
		return err
	}
	if enabled := org.Document.Get("sso_enabled"); enabled.IsBool() && !enabled.Bool() && !a.Admin {
		return core.Errorf(core.CodeForbidden, "SSO not enabled for org.")
	}
	if in.Section != ForDashboard && in.Section != ForPortal {
		return core.InField("ForSection", "must be dashboard or portal")
	}
	in.Email = core.NormalEmail(in.Email)
	for _, text := range []string{in.Email, in.Name} {
		if len(text) > 255 || clip(text, 255) != text {
			return core.InField("EmailAddress", "and DisplayName must be at most 255 bytes without control characters")
		}
	}
	in.GroupIDs = slices.DeleteFunc(slices.Clone(in.GroupIDs), func(id string) bool { return id == "" })
	if len(in.GroupIDs) > maxGuestGroups {
		return core.InField("GroupsIDs", "must hold at most %d user groups", maxGuestGroups)
	}
	return nil
}

// checkWithin holds what somebody gets who arrives to what whoever vouches for them may do. Who may write idm vouches
// for everybody of the organisation, and the admin secret for all.
func (s *Sessions) checkWithin(ctx context.Context, in Vouched, who *core.User) (gets permission.Set, err error) {
	if gets, err = s.o.Groups.Granted(ctx, who); err != nil || in.Within == nil {
		return gets, err
	}
	if name, level := in.Within.Exceeding(gets); name != "" {
		return nil, core.Errorf(core.CodeForbidden, "access denied: this would open %s: %s, which is more than who asked "+
			"for it may do: that takes the permission idm, to write", name, level)
	}
	return gets, nil
}

// arriving is who somebody that a program vouches for would be: the account, where there is one, or a guest; nil for
// nobody.
func (s *Sessions) arriving(ctx context.Context, in Vouched) (*core.User, error) {
	if s.o.SSO.LookUp && in.Email != "" {
		found, err := s.o.Store.Users.FindMany(ctx, store.Org(in.OrgID), "email_key", []string{in.Email})
		if err != nil {
			return nil, err
		}
		if len(found) > 0 {
			return found[0], nil
		}
	}
	if s.o.SSO.LookUp && in.RegisteredOnly {
		return nil, nil
	}
	guest := core.SessionState{Guest: s.guest(in)}
	return guestUser(&core.Session{Meta: core.Meta{OrgID: in.OrgID}, SessionState: guest}), nil
}

func (s *Sessions) guest(in Vouched) *core.Guest {
	g := &core.Guest{Name: in.Name, Email: in.Email, Permissions: maps.Clone(s.o.SSO.Defaults), GroupIDs: in.GroupIDs}
	if len(g.GroupIDs) == 0 && s.o.SSO.DefaultGroup != "" {
		g.GroupIDs = []string{s.o.SSO.DefaultGroup}
	}
	return g
}

// Redeem signs somebody in by a nonce, which is used up, whatever comes of it.
func (s *Sessions) Redeem(ctx context.Context, nonce string) (*Signed, error) {
	v, err := visitOf(ctx)
	if err != nil {
		return nil, err
	}
	var in Vouched
	if err := s.redeem(ctx, "sso "+ForDashboard, nonce, &in); err != nil {
		return nil, err
	}
	return s.arrive(ctx, v, in, BySSO)
}

// Arrive signs in somebody whom an identity provider vouches for. It is for the server itself, which knows the
// provider: nobody is asked who vouches.
func (s *Sessions) Arrive(ctx context.Context, in Vouched, how string) (*Signed, error) {
	v, err := visitOf(ctx)
	if err != nil {
		return nil, err
	}
	return s.arrive(ctx, v, in, how)
}

// arrive signs in somebody whom a program, or an identity provider, vouches for.
func (s *Sessions) arrive(ctx context.Context, v *Visit, in Vouched, how string) (*Signed, error) {
	who, err := s.arriving(ctx, in)
	if err != nil {
		return nil, err
	}
	if who == nil {
		return nil, core.Errorf(core.CodeForbidden, "access denied: you have no account here: ask an administrator for one")
	}
	gets, err := s.checkWithin(ctx, in, who)
	if err != nil {
		return nil, err
	}
	before := authz.From(ctx).Session
	var out *Signed
	switch {
	case who.ID == "":
		out, err = s.openGuest(ctx, v, in, gets, how)
	case !who.Active:
		return nil, core.Errorf(core.CodeForbidden, "access denied: User is not active")
	default:
		out, err = s.open(ctx, v, who, core.SessionState{How: how}, func(*core.User) error { return nil })
	}
	if err == nil && before != nil {
		err = s.End(ctx, before) // its browser has another one now
	}
	return out, err
}

// openGuest begins a session without an account. Who would be able to do nothing in it is told what to configure.
func (s *Sessions) openGuest(
	ctx context.Context, v *Visit, in Vouched, gets permission.Set, how string,
) (*Signed, error) {
	if name, _ := (permission.Set{}).Exceeding(gets); name == "" {
		return nil, core.Errorf(core.CodeForbidden, "access denied: you have no account here, and no permissions: "+
			"an administrator can make an account with your e-mail address (with sso_enable_user_lookup), send a user group "+
			"along, or configure sso_default_group_id or sso_permission_defaults")
	}
	token, held := s.begin(v, in.OrgID, core.SessionState{How: how, Guest: s.guest(in)})
	noteSignedIn(ctx, guestUser(held))
	if err := s.o.Store.Sessions.Create(ctx, held); err != nil {
		return nil, err
	}
	v.give(token)
	return &Signed{User: guestUser(held), Session: held}, nil
}

// ticket makes a ticket for a purpose, and the token that it is used with.
func (s *Sessions) ticket(
	ctx context.Context, purpose, org string, life time.Duration, value any,
) (token string, err error) {
	raw, err := json.Marshal(value)
	if err != nil {
		return "", err
	}
	now := s.o.Store.Now()
	token = secret.NewToken()
	return token, s.o.Store.Tickets.Create(ctx, &core.Ticket{
		Meta:        core.Meta{ID: core.NewID(now), OrgID: org, CreatedAt: now},
		TokenHash:   secret.HashToken(token),
		TicketState: core.TicketState{Purpose: purpose, Expires: now.Add(life), Value: raw},
	})
}

// redeem uses a ticket up, and reads its value. Of several who bring it at once, one does.
func (s *Sessions) redeem(ctx context.Context, purpose, token string, value any) error {
	over := core.Errorf(core.CodeForbidden, "access denied: this was used before, or is too old: begin again")
	if !secret.IsToken(token) {
		return over
	}
	found, err := s.o.Store.Tickets.FindMany(ctx, store.AllTenants(), "token", []string{secret.HashToken(token)})
	if err != nil {
		return err
	}
	if len(found) == 0 || found[0].Purpose != purpose {
		return over
	}
	if err := s.o.Store.Tickets.Delete(ctx, found[0]); err != nil {
		if errors.Is(err, store.ErrStale) {
			return over
		}
		return err
	}
	if !s.o.Store.Now().Before(found[0].Expires) {
		return over
	}
	return json.Unmarshal(found[0].Value, value)
}
