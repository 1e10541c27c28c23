package resolvers

import (
	"context"
	"strings"
	"time"

	"gatehouse/graph/model"
	"gatehouse/internal/authz"
	"gatehouse/internal/core"
	"gatehouse/internal/edit"
	"gatehouse/internal/filter"
	"gatehouse/resolvers/connection"
	"gatehouse/store"
)

// keysAtOnce is how many of the keys that are bound to a certificate are read at a time to be deleted.
const keysAtOnce = 100

// findCertificate finds a certificate by its id or its fingerprint.
func (r *Resolver) findCertificate(ctx context.Context, id string) (*core.Certificate, error) {
	id = strings.ToLower(id)
	return edit.One(
		ctx,
		core.CertificateKind,
		r.store.Certificates.FindMany,
		tenant(ctx),
		[2]string{"id", id},
		[2]string{"fingerprint", id},
	)
}

// certificateConditions puts a filter into a query. Who asks about expiry gets those first that end first.
func (r *Resolver) certificateConditions(q *store.Query, f *model.CertificateFilter) error {
	if f == nil {
		return nil
	}
	var where filter.Where
	where.Part(f.Q, "id", "subject_cn")
	where.Truth("has_private", f.HasPrivate)
	if f.ExpiresWithinDays != nil {
		days := *f.ExpiresWithinDays
		if days < 0 || days > 36500 {
			return core.InField("expiresWithinDays", "must be a number of days from 0 to 36500")
		}
		// A lone public key has no end, and is kept with 0.
		where.Add(store.Between("not_after", 1, r.store.Now().Add(time.Duration(days)*24*time.Hour).Unix()))
		q.Sort, q.Desc = "not_after", false
	}
	q.Where = where
	return nil
}

// dependentApis are the APIs that have one use for a certificate.
func (r *Resolver) dependentApis(
	ctx context.Context,
	c *core.Certificate,
	use string,
	first *int,
	after *string,
) (*model.APIConnection, error) {
	apis, err := connection.Related(ctx, r.settings.Pages, r.loaders(ctx).ApisByCertificateUse, c.OrgID, store.CertificateUse(use, c.ID), first, after)
	return (*model.APIConnection)(apis), err
}

// takeFromApis takes a certificate out of the APIs that accept it from clients, or show it to upstreams.
func (r *Resolver) takeFromApis(ctx context.Context, c *core.Certificate) error {
	for a, err := range r.store.Apis.All(ctx, store.Query{Tenant: tenant(ctx).Narrow(c.OrgID), Where: []store.Cond{store.HasLabel("certificate", c.ID)}, IDsOnly: true}) {
		if err != nil {
			return err
		}
		if err := r.guard.CheckPermission(
			ctx, authz.From(ctx), core.ApiKind.Permission, authz.Write, "/api/apis",
		); err != nil {
			return err
		}
		_, err := r.editApi(
			ctx,
			a.ID,
			nil,
			func(old *core.Api) (core.Document, error) { return old.WithoutCertificate(c.ID) },
		)
		if err != nil && core.CodeOf(err) != core.CodeNotFound {
			return err
		}
	}
	return nil
}

// deleteKeysOf deletes the keys that are bound to a certificate.
func (r *Resolver) deleteKeysOf(ctx context.Context, c *core.Certificate) error {
	for {
		found, err := r.keys.TopByLabel(ctx, tenant(ctx).Narrow(c.OrgID), "certificate", []string{c.ID}, keysAtOnce)
		if err != nil || len(found[c.ID]) == 0 {
			return err
		}
		if err := r.guard.CheckPermission(
			ctx, authz.From(ctx), core.KeyKind.Permission, authz.Write, "/api/keys",
		); err != nil {
			return err
		}
		deleted := 0
		for _, k := range found[c.ID] {
			_, err := edit.Remove(ctx, r.editor, core.KeyKind, r.keys.Delete, nil, func() (*core.Key, error) {
				return edit.One(ctx, core.KeyKind, r.keys.FindMany, tenant(ctx).Narrow(c.OrgID), [2]string{"id", k.ID})
			})
			switch {
			case err == nil:
				deleted++
			case core.CodeOf(err) != core.CodeNotFound:
				return err
			}
		}
		if deleted == 0 { // the index knows keys that are gone
			return nil
		}
	}
}
