package credential_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gatehouse/internal/core"
	"gatehouse/internal/credential"
	"gatehouse/internal/secret"
	"gatehouse/internal/usergroup"
)

// now is the time in these tests.
var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func days(n string) core.Document {
	return core.Document(`{"active":true,"password_max_days":` + n + `}`)
}

func group(doc core.Document) *usergroup.Group { return usergroup.New(core.Meta{}, doc) }

func TestThePasswordOfAUserEndsBySmallestLimitThatIsSet(t *testing.T) {
	t.Parallel()
	off := core.Document(`{"active":false,"password_max_days":1}`)
	for name, c := range map[string]struct {
		configured int
		own        string
		groups     []*usergroup.Group
		want       int // days; 0 is never
	}{
		"nothing is set":                      {0, "0", nil, 0},
		"the configuration":                   {90, "0", nil, 90},
		"the user's own is smaller":           {90, "30", nil, 30},
		"the user's own is larger":            {30, "90", nil, 30},
		"the user's own alone":                {0, "7", nil, 7},
		"of several groups the smallest":      {90, "60", []*usergroup.Group{group(days("40")), group(days("20"))}, 20},
		"a group that says nothing":           {90, "0", []*usergroup.Group{group(days("0"))}, 90},
		"a group that is off counts not":      {90, "0", []*usergroup.Group{group(off)}, 90},
		"less than nothing is nothing":        {0, "-5", nil, 0},
		"more than can be is a hundred years": {0, "1e300", nil, core.MaxPasswordDays},
	} {
		t.Run(name, func(t *testing.T) {
			c2 := credential.New(credential.Options{MaxDays: c.configured, Now: func() time.Time { return now }})
			u := core.NewUser(core.Meta{}, days(c.own), core.UserSecrets{PasswordHash: "x", PasswordUpdated: now})
			ends := c2.PasswordEnds(u, c.groups)
			if c.want == 0 {
				require.Zero(t, ends)
				return
			}
			require.Equal(t, now.AddDate(0, 0, c.want), ends)
		})
	}
}

func TestAPasswordThatIsTooOldOpensNothing(t *testing.T) {
	t.Parallel()
	at := now
	c := credential.New(credential.Options{MaxDays: 2, Now: func() time.Time { return at }})
	u := core.NewUser(core.Meta{}, days("0"), core.UserSecrets{PasswordHash: "x", PasswordUpdated: now})
	at = now.AddDate(0, 0, 2).Add(-time.Second)
	require.NoError(t, c.MustChangePassword(u, nil))
	at = now.AddDate(0, 0, 2)
	require.ErrorContains(t, c.MustChangePassword(u, nil), "too old")
	u.Secrets.PasswordHash = ""
	require.NoError(t, c.MustChangePassword(u, nil), "who has no password has none that is too old")
	old := core.NewUser(core.Meta{CreatedAt: now}, days("0"), core.UserSecrets{PasswordHash: "x"})
	require.Error(t, c.MustChangePassword(old, nil), "one that nobody knows the age of is as old as its user")
}

func TestAPasswordThatSomebodyElseGaveEndsAtTheFirstLogIn(t *testing.T) {
	t.Parallel()
	for _, ends := range []bool{false, true} {
		c := credential.New(credential.Options{FirstEnds: ends, Hasher: secret.NewHasher(secret.Hashing{Memory: 64, Passes: 1}), Now: func() time.Time { return now }})
		u := core.NewUser(core.Meta{}, core.Document(`{}`), core.UserSecrets{})
		require.NoError(t, c.MustChangePassword(u, nil), "there is none")
		require.NoError(t, c.GivePassword(t.Context(), u, "given by somebody"))
		if ends {
			require.ErrorContains(t, c.MustChangePassword(u, nil), "set one of your own")
		} else {
			require.NoError(t, c.MustChangePassword(u, nil))
		}
		require.True(t, secret.CheckPassword(u.Secrets.PasswordHash, "given by somebody"))
		require.NoError(t, c.SetPassword(t.Context(), u, "chosen by its user"))
		require.NoError(t, c.MustChangePassword(u, nil))
	}
}
