package reference

import (
	"context"
	"slices"
	"strings"

	"gatehouse/internal/batch"
	"gatehouse/internal/core"
	"gatehouse/internal/page"
	"gatehouse/internal/usergroup"
	"gatehouse/store"
)

// Namer is an object that names another.
type Namer struct {
	Kind *core.Kind
	// ID is that by which it is asked for: an OAuth client's is its client id.
	ID string
	// Name is the one for people; "" where it has none.
	Name string
}

// Spelled is how the schema spells the kind.
func (n *Namer) Spelled() string { return strings.ToUpper(strings.ReplaceAll(n.Kind.Word, " ", "_")) }

// use is one way in which an object can be named: objects of by carry its name under a label.
type use struct {
	by, of *core.Kind
	// breaks tells that what names the object does no longer what it did when the object is deleted.
	breaks bool
	source source
}

// source finds those that carry a value under the label of a use, for all siblings at once. See batch.ByLabel.
type source interface {
	Of(value string) string
	Expect(org, value string)
	Count(ctx context.Context, org, value string) (int, error)
	namers(ctx context.Context, org, value string, limit int, after *string) ([]named, bool, error)
}

// named is a namer with the cursor of its place.
type named struct {
	Namer
	cursor string
}

// Keys is the part of the key space that finds keys by a label.
type Keys = batch.Labelled[core.Key]

// Uses finds what names an object. It lives as long as one operation, and remembers what it found for it.
//
// Each use is found by a label, in the organisation of the object alone. OAuth clients go with their API and webhooks
// are embedded in theirs, so that deleting either breaks nothing; an owner who is gone leaves an API as it was.
type Uses struct {
	uses []use
	may  May
}

// May tells whether the caller may read the objects of a kind, by its name.
type May func(ctx context.Context, kind string) bool

// NewUses makes one over a store and the place where its keys are. It shows kinds that may be read, and no others.
func NewUses(s *store.Store, keys Keys, may May) *Uses {
	apis := func(label string) source {
		return listed[core.Api, *core.Api](s.Apis, "APIs", label, func(a *core.Api) Namer {
			return Namer{core.ApiKind, a.ID, a.Name}
		})
	}
	policies := listed[core.Policy, *core.Policy](s.Policies, "policies", "api", func(p *core.Policy) Namer {
		return Namer{core.PolicyKind, p.ID, p.Name}
	})
	bound := func(label string) source {
		return listed[core.Key, *core.Key](keys, "keys", label, func(k *core.Key) Namer {
			return Namer{core.KeyKind, k.ID, k.Alias}
		})
	}
	clients := func(label string) source {
		return listed[core.OauthClient, *core.OauthClient](s.OauthClients, "OAuth clients", label,
			func(c *core.OauthClient) Namer { return Namer{core.OauthClientKind, c.ClientID, c.Description} })
	}
	users := listed[core.User, *core.User](s.Users, "users", "group", func(u *core.User) Namer {
		return Namer{core.UserKind, u.ID, u.Email}
	})
	return &Uses{may: may, uses: []use{
		{by: core.PolicyKind, of: core.ApiKind, breaks: true, source: policies},
		{by: core.KeyKind, of: core.ApiKind, breaks: true, source: bound("api")},
		{by: core.OauthClientKind, of: core.ApiKind, source: clients("api")},
		{by: core.ApiKind, of: core.ApiKind, breaks: true, source: apis("version")},

		{by: core.KeyKind, of: core.PolicyKind, breaks: true, source: bound("policy")},
		{by: core.OauthClientKind, of: core.PolicyKind, breaks: true, source: clients("policy")},
		{by: core.ApiKind, of: core.PolicyKind, breaks: true, source: apis("policy")},

		{by: core.ApiKind, of: core.CertificateKind, breaks: true, source: apis("certificate")},
		{by: core.KeyKind, of: core.CertificateKind, breaks: true, source: bound("certificate")},

		{by: core.ApiKind, of: core.WebhookKind, source: apis("webhook")},
		{by: core.ApiKind, of: core.UserKind, source: apis("owner")},

		{by: core.UserKind, of: core.UserGroupKind, breaks: true, source: users},
		{by: core.ApiKind, of: core.UserGroupKind, breaks: true, source: apis("owner")},
	}}
}

// listing is a source over the objects of a repository.
type listing[T any, P interface {
	*T
	core.Object
}] struct {
	*batch.ByLabel[T, P]
	show func(*T) Namer
}

func listed[T any, P interface {
	*T
	core.Object
}](from batch.Labelled[T], plural, label string, show func(*T) Namer) source {
	nothing := func(context.Context, []*T) {} // a namer leads nowhere
	return listing[T, P]{batch.NewByLabel[T, P](plural+" that name as "+label, from, label, nothing), show}
}

func (l listing[T, P]) namers(
	ctx context.Context,
	org, value string,
	limit int,
	after *string,
) ([]named, bool, error) {
	found, info, err := l.Page(ctx, org, value, limit, after)
	out := make([]named, len(found))
	for i, o := range found {
		out[i] = named{l.show(o), l.Cursor(value, o)}
	}
	return out, info.HasNextPage, err
}

// nameOf is the kind of an object, and what names it by.
func nameOf(o core.Object) (*core.Kind, string) {
	switch o := o.(type) {
	case *core.Api:
		return core.ApiKind, o.ApiID
	case *core.Policy:
		return core.PolicyKind, o.PolicyID
	case *core.Certificate:
		return core.CertificateKind, o.ID
	case *core.Webhook:
		return core.WebhookKind, o.ID
	case *core.User:
		return core.UserKind, o.ID
	case *usergroup.Group:
		return core.UserGroupKind, o.ID
	}
	return nil, ""
}

// of are the ways in which an object can be named.
func (u *Uses) of(o core.Object) (name string, uses []use) {
	kind, name := nameOf(o)
	for _, use := range u.uses {
		if use.of == kind {
			uses = append(uses, use)
		}
	}
	return name, uses
}

// shown are those of them by kinds that may be read.
func (u *Uses) shown(ctx context.Context, o core.Object) (name string, uses []use) {
	name, uses = u.of(o)
	return name, slices.DeleteFunc(uses, func(use use) bool { return !u.may(ctx, use.by.Name) })
}

// Expect announces an object of which a sibling will ask what names it.
func (u *Uses) Expect(o core.Object) {
	name, uses := u.of(o)
	for _, use := range uses {
		use.source.Expect(o.Base().OrgID, name)
	}
}

// Count is how many name an object, of kinds that may be read.
func (u *Uses) Count(ctx context.Context, o core.Object) (total int, err error) {
	name, uses := u.shown(ctx, o)
	for _, use := range uses {
		n, err := use.source.Count(ctx, o.Base().OrgID, name)
		if err != nil {
			return 0, err
		}
		total += n
	}
	return total, nil
}

// Page is a page of those that name an object, of kinds that may be read: kind after kind, and of each the newest
// first. A cursor is that of the list of its kind, and the page goes on behind it there.
func (u *Uses) Page(
	ctx context.Context,
	o core.Object,
	limit int,
	after *string,
) (out []*Namer, info page.Info, err error) {
	name, uses := u.shown(ctx, o)
	if after != nil && *after != "" {
		if uses, err = behind(uses, name, *after); err != nil {
			return nil, info, err
		}
	}
	out = []*Namer{}
	for _, use := range uses {
		if len(out) == limit {
			n, err := use.source.Count(ctx, o.Base().OrgID, name)
			if err != nil {
				return nil, info, err
			}
			if n > 0 {
				info.HasNextPage = true
				break
			}
			continue
		}
		found, more, err := use.source.namers(ctx, o.Base().OrgID, name, limit, after)
		if err != nil {
			return nil, info, err
		}
		taken := found[:min(len(found), limit-len(out))]
		for _, n := range taken {
			out, info.EndCursor = append(out, &n.Namer), &n.cursor
		}
		if more || len(taken) < len(found) {
			info.HasNextPage = true
			break
		}
		after = nil
	}
	return out, info, nil
}

// behind are the uses from the one on whose list a cursor is of.
func behind(uses []use, name, after string) ([]use, error) {
	c, ok := core.ParseCursor(after)
	if !ok {
		return nil, page.ErrNoCursor
	}
	for i, use := range uses {
		if use.source.Of(name) == c.Of {
			return uses[i:], nil
		}
	}
	return nil, page.ErrForeignCursor
}
