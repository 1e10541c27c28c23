package scalar

import (
	"context"
	"math"

	"github.com/99designs/gqlgen/graphql"

	"gatehouse/internal/core"
)

// MarshalFloat writes a number.
func MarshalFloat(f float64) graphql.ContextMarshaler { return graphql.MarshalFloatContext(f) }

// UnmarshalFloat reads a number. gqlgen takes the text "NaN" for one, which no JSON document can hold.
func UnmarshalFloat(ctx context.Context, v any) (float64, error) {
	f, err := graphql.UnmarshalFloatContext(ctx, v)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
		return 0, core.Errorf(core.CodeInvalid, "a number is expected, one that 64 bits can hold")
	}
	return f, nil
}
