package graph

import (
	"context"
	"fmt"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"gatehouse/graph/generated"
	"gatehouse/internal/authz"
)

// Operations reads the operations of all root fields from their @operation directives, by field name. It panics when a
// root field has none, which a test would find first.
func Operations() map[string]authz.Operation {
	schema := generated.NewExecutableSchema(generated.Config{}).Schema()
	out := map[string]authz.Operation{}
	for _, root := range []*ast.Definition{schema.Query, schema.Mutation, schema.Subscription} {
		for _, f := range root.Fields {
			if len(f.Name) > 2 && f.Name[:2] == "__" {
				continue
			}
			d := f.Directives.ForName("operation")
			if d == nil {
				panic(fmt.Sprintf("graph: the root field %s.%s has no @operation", root.Name, f.Name))
			}
			text := func(name string) string {
				if a := d.Arguments.ForName(name); a != nil {
					return a.Value.Raw
				}
				return ""
			}
			out[f.Name] = authz.Operation{
				Name: f.Name, Method: text("method"), Path: text("path"), Permission: text("permission"),
				AdminPath: text("admin"), Self: text("self"),
			}
			if self := text("self"); self != "" && f.Arguments.ForName(self) == nil {
				panic(fmt.Sprintf(
					"graph: @operation of %s.%s names the argument %s, which is none of its", root.Name, f.Name, self,
				))
			}
		}
	}
	return out
}

// directives guards root fields by @operation and relation fields by @permission.
func directives(o Options) generated.DirectiveRoot {
	return generated.DirectiveRoot{
		Operation: func(
			ctx context.Context, _ any, next graphql.Resolver, method, path, permission string, admin, self *string,
		) (any, error) {
			field := graphql.GetFieldContext(ctx)
			op := authz.Operation{Name: field.Field.Name, Method: method, Path: path, Permission: permission}
			if admin != nil {
				op.AdminPath = *admin
			}
			if self != nil {
				op.Self = *self
			}
			call := op.Call(func(name string) string { return fmt.Sprint(field.Args[name]) })
			return o.recorded(ctx, op, call, field.Args, func(ctx context.Context) (any, error) {
				ctx = authz.WithCall(ctx)
				if err := o.Guard.Check(ctx, authz.From(ctx), call); err != nil {
					return nil, err
				}
				return next(ctx)
			})
		},
		Permission: func(ctx context.Context, obj any, next graphql.Resolver, read string) (any, error) {
			field := graphql.GetFieldContext(ctx)
			what := field.Object + "." + field.Field.Name
			if err := o.Guard.CheckPermission(ctx, authz.From(ctx), read, authz.Read, what); err != nil {
				return nil, err
			}
			return next(ctx)
		},
	}
}
