package store_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"gatehouse/store"
)

func TestTenants(t *testing.T) {
	for _, tc := range []struct {
		name          string
		tenant        store.Tenant
		a, none, isAl bool
	}{
		{"the zero tenant includes nothing", store.Tenant{}, false, false, false},
		{"an organisation includes its own", store.Org("a"), true, false, false},
		{"another organisation does not", store.Org("b"), false, false, false},
		{"no organisation includes what has none", store.Org(""), false, true, false},
		{"all includes everything", store.AllTenants(), true, true, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			require.Equal(t, tc.a, tc.tenant.Includes("a"))
			require.Equal(t, tc.none, tc.tenant.Includes(""))
			require.Equal(t, tc.isAl, tc.tenant.IsAll())
		})
	}
	require.NotEqual(t, store.Org("").OrgID(), store.Tenant{}.OrgID(), "engines see the difference too")
}
