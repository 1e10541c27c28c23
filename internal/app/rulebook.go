package app

import (
	"context"
	"errors"
	"path/filepath"

	"gatehouse/graph"
	"gatehouse/internal/authz"
	"gatehouse/internal/core"
	"gatehouse/internal/rulebook"
	rego "gatehouse/internal/rules"
	"gatehouse/store"
)

// rulebook is the guard of both faces. What it asks of the resolvers it asks while it judges, and they are there by
// then.
func (a *App) rulebook(o Options) *rulebook.Book {
	cfg := o.Config
	return rulebook.New(rulebook.Options{
		Enabled: cfg.Security.OpenPolicy.Enabled,
		Default: authz.Rules{AllowAdminResetPassword: cfg.Security.AllowAdminResetPassword},
		Engine:  rego.New(rego.Options{Log: o.Log, Debug: cfg.Security.OpenPolicy.Debug}),
		File:    filepath.Join(cfg.HomeDir, "schemas", "dashboard.rego"),
		Organisation: func(ctx context.Context, id string) (*core.Organisation, error) {
			return o.Store.Organisations.Find(ctx, store.AllTenants(), id)
		},
		GroupName: func(ctx context.Context, org, id string) (string, error) {
			group, err := o.Store.UserGroups.Find(ctx, store.Org(org), id)
			if err != nil {
				return "", absent(err)
			}
			return group.Name, nil
		},
		Api: func(ctx context.Context, id string) (core.Document, error) {
			found, err := a.resolver.Query().API(ctx, id)
			if err != nil || found == nil {
				return nil, err
			}
			return found.Definition, nil
		},
		Operations: graph.Operations(),
		Log:        o.Log,
	})
}

// absent is no error for an object that there is not.
func absent(err error) error {
	if core.CodeOf(err) == core.CodeNotFound || errors.Is(err, store.ErrNotFound) || core.CodeOf(err) == core.CodeInvalid {
		return nil
	}
	return err
}
