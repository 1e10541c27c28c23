// Package oauth makes OAuth clients of what callers give, and the OAuth clients of the gateways the same as ours.
// Gateways keep clients in their Redis, where they get lost, and where nobody finds them by a query; so the store has
// them, and gateways get copies by their REST API.
//
// It guarantees that what is stored in the end is what the gateway has in the end, whoever changes a client meanwhile,
// that a gateway is told of nothing that is another organisation's, and that secrets are kept sealed.
package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"time"

	"github.com/tidwall/gjson"
	"golang.org/x/sync/errgroup"

	"gatehouse/internal/confine"
	"gatehouse/internal/core"
	"gatehouse/internal/gateway"
	"gatehouse/internal/reference"
	"gatehouse/internal/secret"
	"gatehouse/internal/turn"
	"gatehouse/store"
)

const (
	// Patience is how long a gateway may take to load an API that was just made.
	Patience = 6 * time.Second
	// cleanUpTime is how long what follows a failure, or a deletion, may take at the gateway.
	cleanUpTime = 5 * time.Second
	// forgettingAtOnce is how many clients a gateway is asked to forget at a time.
	forgettingAtOnce = 8
)

// Options are what Clients stand on.
type Options struct {
	Store *store.Store
	// Gateway is called; it may not be configured.
	Gateway *gateway.Client
	// Keyring seals the secrets.
	Keyring *secret.Keyring
	// Separator joins redirect URIs in the form that gateways use.
	Separator string
	Log       *slog.Logger
}

// Clients are the OAuth clients of all APIs, here and at the gateway. They are safe for concurrent use.
type Clients struct {
	o     Options
	names *reference.Names
}

// New makes Clients.
func New(o Options) *Clients { return &Clients{o: o, names: reference.New(o.Store)} }

// Push makes the gateway's client the same as ours, and tells whether that took a change. A gateway that has not loaded
// the API yet is waited for until patience ends. While it is under way the client may be changed or deleted here: what
// is stored in the end is what the gateway has in the end.
func (s *Clients) Push(ctx context.Context, c *core.OauthClient, patience time.Duration) (changed bool, err error) {
	for range turn.Tries {
		opened, err := s.open(c)
		if err != nil {
			return changed, core.Wrap(
				core.CodeInvalid,
				err,
				"the secret of the OAuth client was sealed with another encryption key: give it a new secret",
			)
		}
		owners, err := s.ownersFor(ctx, c)
		if err != nil {
			return changed, err
		}
		moved, err := s.o.Gateway.PutOauthClient(ctx, s.atGateway(c, opened, owners), patience)
		changed = changed || moved
		if err != nil {
			return changed, gateway.Explain(err)
		}
		now, err := s.o.Store.OauthClients.FindMany(ctx, store.AllTenants(), "id", []string{c.ID})
		switch {
		case err != nil:
			return changed, err
		case len(now) == 0:
			return changed, gateway.Explain(s.o.Gateway.DeleteOauthClient(ctx, c.ApiID, c.ClientID))
		case now[0].Revision == c.Revision:
			return changed, nil
		}
		c = now[0]
	}
	return changed, core.Errorf(core.CodeUnavailable, "the OAuth client changes all the time: try again")
}

// ownersFor finds out whose is what clients name.
func (s *Clients) ownersFor(ctx context.Context, clients ...*core.OauthClient) (store.Owners, error) {
	var named store.Ids
	for _, c := range clients {
		named.Apis = append(named.Apis, core.NamedApis(c.Document)...)
		if c.PolicyID != "" {
			named.Policies = append(named.Policies, c.PolicyID)
		}
	}
	return s.o.Store.OwnersOf(ctx, named)
}

// atGateway is a client as the gateway has it. Its policy and its meta data become those of its tokens. A client that
// was made before that was looked at may name what is another organisation's; a gateway is not told so.
func (s *Clients) atGateway(c *core.OauthClient, opened string, owners store.Owners) gateway.OauthClient {
	foreign := owners.Foreign(c.OrgID)
	meta := confine.Session(c.OrgID, c.Document, foreign).Get("meta_data")
	out := gateway.OauthClient{
		ClientID:    c.ClientID,
		Secret:      opened,
		RedirectURI: c.RedirectURI(s.o.Separator),
		ApiID:       c.ApiID,
		PolicyID:    c.PolicyID,
		Description: c.Description,
	}
	if meta.Type != gjson.Null {
		out.MetaData = json.RawMessage(meta.Raw)
	}
	if foreign.Policy(c.PolicyID) {
		out.PolicyID = confine.NoPolicy
	}
	return out
}

// ask makes a call of the gateway about a client. A gateway that refuses may have lost the client: it is given it again
// then, and asked once more.
func (s *Clients) ask(ctx context.Context, c *core.OauthClient, call func() error) error {
	err := call()
	var refusal *gateway.StatusError
	if errors.As(err, &refusal) {
		if changed, pushed := s.Push(ctx, c, 0); changed && pushed == nil {
			err = call()
		}
	}
	return gateway.Explain(err)
}

// Withdraw undoes the creation of a client that the gateway did not take; cause says why it did not.
func (s *Clients) Withdraw(ctx context.Context, c *core.OauthClient, cause error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUpTime)
	defer cancel()
	err := s.o.Store.OauthClients.Delete(ctx, c)
	if err == nil && core.CodeOf(cause) == core.CodeUnavailable {
		// The gateway may have made it, and its answer was lost. One that it refused it has not made.
		err = s.o.Gateway.DeleteOauthClient(ctx, c.ApiID, c.ClientID)
	}
	if err != nil {
		s.o.Log.WarnContext(
			ctx,
			"an OAuth client that the gateway did not take may be left over",
			"client",
			c.ClientID,
			"error",
			err,
		)
	}
}

// PushChange is Push for a client that was another before. Where the gateway does not take the change, it is undone,
// unless another came after it; undone is what is stored then, nil where nothing was undone.
func (s *Clients) PushChange(ctx context.Context, old, next *core.OauthClient) (undone *core.OauthClient, err error) {
	_, err = s.Push(ctx, next, Patience)
	if err != nil && next != old {
		undone = s.restore(ctx, old, next)
	}
	return undone, err
}

// restore undoes a change that the gateway did not take, unless another came after it; it returns what is stored then,
// nil where nothing was undone.
func (s *Clients) restore(ctx context.Context, old, next *core.OauthClient) *core.OauthClient {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUpTime)
	defer cancel()
	back := *old
	back.Meta = next.Meta
	if err := s.o.Store.OauthClients.Update(ctx, &back); err != nil {
		s.o.Log.WarnContext(
			ctx,
			"an OAuth client has a change that the gateway did not take; it is tried again",
			"client",
			old.ClientID,
			"error",
			err,
		)
		return nil
	}
	return &back
}

// DeleteApi deletes an API and its clients here, and the clients at the gateway as far as that can be done: without the
// API they open nothing.
func (s *Clients) DeleteApi(ctx context.Context, a *core.Api) error {
	writes := []store.Change{s.o.Store.Apis.Deleting(a)}
	clients, err := s.of(
		ctx,
		store.Query{Tenant: store.Org(a.OrgID), Where: []store.Cond{store.HasLabel("api", a.ApiID)}},
	)
	if err != nil {
		return err
	}
	for _, c := range clients {
		writes = append(writes, s.o.Store.OauthClients.Deleting(c))
	}
	if err := s.o.Store.Apply(ctx, writes...); err != nil {
		return err
	}
	s.Forget(ctx, clients)
	return nil
}

// Of are all clients of an organisation.
func (s *Clients) Of(ctx context.Context, org string) ([]*core.OauthClient, error) {
	return s.of(ctx, store.Query{Tenant: store.Org(org)})
}

func (s *Clients) of(ctx context.Context, q store.Query) (clients []*core.OauthClient, err error) {
	for c, err := range s.o.Store.OauthClients.All(ctx, q) {
		if err != nil {
			return nil, err
		}
		clients = append(clients, c)
	}
	return clients, nil
}

// Remove deletes a client at the gateway, where there is one.
func (s *Clients) Remove(ctx context.Context, c *core.OauthClient) error {
	if !s.o.Gateway.Configured() {
		return nil
	}
	return gateway.Explain(s.o.Gateway.DeleteOauthClient(ctx, c.ApiID, c.ClientID))
}

// Forget deletes clients at the gateway that were deleted here, as far as that can be done in a short time: without
// their API they open nothing. A gateway that has unloaded the API cannot delete them any more, so this comes before it
// is told.
func (s *Clients) Forget(ctx context.Context, clients []*core.OauthClient) {
	if !s.o.Gateway.Configured() || len(clients) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUpTime)
	defer cancel()
	start := time.Now()
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(forgettingAtOnce)
	for _, c := range clients {
		if ctx.Err() != nil {
			break
		}
		group.Go(func() error { return s.o.Gateway.DeleteOauthClient(ctx, c.ApiID, c.ClientID) })
	}
	if err := group.Wait(); err != nil {
		s.o.Log.WarnContext(
			ctx,
			"OAuth clients of deleted APIs are left over at the gateway",
			"of",
			len(clients),
			"after",
			time.Since(start),
			"error",
			err,
		)
	}
}
