package api

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"gatehouse/internal/core"
	"gatehouse/internal/filter"
	"gatehouse/internal/page"
	"gatehouse/store"
)

// Filter is what a list of APIs is narrowed by, as the schema has it; nil is not.
type Filter struct {
	Q                *string
	Categories       []string
	Kind             *string
	Internal         *bool
	AuthTypes        []string
	Active, Servable *bool
	Owner            *string
	BaseOnly         *bool
	Tag, ListenPath  *string
	Domain, Target   *string
	Certificate      *string
	UpdatedSince     *time.Time
	OrgID            *string
}

// Conditions are what a filter means; nil means none.
func (s *Apis) Conditions(ctx context.Context, t store.Tenant, f *Filter) ([]store.Cond, error) {
	if f == nil {
		return nil, nil
	}
	if err := errors.Join(page.Choices("category", f.Categories), page.Choices("auth_type", f.AuthTypes)); err != nil {
		return nil, err
	}
	if f.Kind != nil && !slices.Contains(core.ApiKinds(), *f.Kind) {
		return nil, core.InField("api_type", "must be one of %s, internal", strings.Join(core.ApiKinds(), ", "))
	}
	auth, err := authTypes(f.AuthTypes)
	if err != nil {
		return nil, err
	}
	var where filter.Where
	where.Part(f.Q, "name", "slug_text")
	categories := make([]string, len(f.Categories))
	for i, c := range f.Categories {
		categories[i] = strings.TrimPrefix(c, "#")
	}
	where.AnyLabel("category", categories)
	where.Label("kind", f.Kind)
	where.Either(f.Internal, store.HasLabel("kind", "internal"))
	where.AnyLabel("auth", auth)
	where.Label("owner", f.Owner)
	where.Label("tag", f.Tag)
	where.Label("listen_path", f.ListenPath)
	where.Label("domain", lower(f.Domain))
	where.Label("target", lower(f.Target))
	where.ChangedSince(f.UpdatedSince)
	where.Label("certificate", f.Certificate)
	if f.BaseOnly != nil && *f.BaseOnly {
		versions, err := s.o.Names.Versions(ctx, t)
		if err != nil {
			return nil, err
		}
		if len(versions) > 0 {
			where.Add(store.NoneOf(store.In("id", versions...)))
		}
	}
	if f.Servable != nil {
		where.Either(new(!*f.Servable), store.HasLabel("fault", s.o.Definitions.Version()))
	}
	where.Truth("active", f.Active)
	return where, nil
}

// authTypes are the names under which ways in are kept, by what people call them.
func authTypes(given []string) ([]string, error) {
	names := make([]string, len(given))
	for i, word := range given {
		name, ok := core.AuthTypeNamed(word)
		if !ok {
			return nil, core.InField("auth_type", "must be one of %s", strings.Join(core.AuthTypes(), ", "))
		}
		names[i] = name
	}
	return names, nil
}

func lower(s *string) *string {
	if s == nil {
		return nil
	}
	return new(strings.ToLower(*s))
}
