package portal

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"gatehouse/internal/core"
)

const org = "5e9d9544a1dcd60001d0ed20"

func maker() *Maker {
	return NewMaker(
		func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) },
		func(p string) (string, error) { return "hash of " + p, nil },
	)
}

func TestADeveloperKeepsThePasswordThatNobodySends(t *testing.T) {
	made, err := maker().Make(Developer, org, core.Document(`{"email":"Jo@X.test","password":"first-one","x": 1.0}`), nil)
	require.NoError(t, err)
	assert.Equal(t, "hash of first-one", made.PasswordHash)
	assert.NotContains(t, string(made.Document), "first-one")
	assert.Contains(t, string(made.Document), `"x": 1.0`)
	assert.Equal(t, "jo@x.test", made.Name)

	again, err := maker().Make(Developer, org, made.Document.Set("nonce", "n"), made)
	require.NoError(t, err)
	assert.Equal(t, made.PasswordHash, again.PasswordHash)
	assert.Equal(t, made.ID, again.ID)
	assert.Equal(t, "n", again.Document.Text("nonce"))
}

func TestWhatProgramsReadOfADocumentIsThere(t *testing.T) {
	made, err := maker().Make(Catalogue, org, core.Document(`{"id":"","org_id":"other","apis":null,"email":""}`), nil)
	require.NoError(t, err)
	assert.Equal(t, "[]", made.Document.Get("apis").Raw, "who appends to a null fails")
	assert.Equal(t, org, made.Document.Text("org_id"))
	assert.True(t, core.IsID(made.Document.Text("id")))

	same, err := maker().Make(Catalogue, org, made.Document, made)
	require.NoError(t, err)
	assert.Equal(t, string(made.Document), string(same.Document), "a save without an edit changes nothing")
}

func TestWhatIsNoDocumentOfThePortalIsRefused(t *testing.T) {
	for doc, kind := range map[string]Type{
		`{"apis":{}}`:                                Catalogue,
		`{"apis":[1]}`:                               Catalogue,
		`{"fields":[]}`:                              Page,
		`{"signup_fields":""}`:                       Configuration,
		`{"documentation":{}}`:                       Documentation,
		`{"email":"nobody"}`:                         Developer,
		`{"email":"jo@x.test","password":1}`:         Developer,
		`{"email":"jo@x.test","password":"1"}`:       Developer,
		`{"id":"x","email":"jo@x.test"}`:             Developer,
		`{"email":"jo@x.test","ORG_ID":"elsewhere"}`: Developer,
		`{"email":"jo@x.test","Password":"stays-1"}`: Developer,
		`{"email":"jo@x.test","pwhistory":["$2a"]}`:  Developer,
	} {
		_, err := maker().Make(kind, org, core.Document(doc), nil)
		assert.Equal(t, core.CodeInvalid, core.CodeOf(err), "%s: %v", doc, err)
	}
}

func TestAPasswordIsHashedOnceHoweverOftenItsWriteIsTried(t *testing.T) {
	hashed := 0
	m := NewMaker(maker().now, func(p string) (string, error) { hashed++; return "hash of " + p, nil })
	for range 3 {
		made, err := m.Make(Developer, org, core.Document(`{"email":"jo@x.test","password":"first-one"}`), nil)
		require.NoError(t, err)
		assert.Equal(t, "hash of first-one", made.PasswordHash)
	}
	_, err := m.Make(Developer, org, core.Document(`{"email":"nobody","password":"other-one"}`), nil)
	require.Error(t, err)
	assert.Equal(t, 1, hashed, "hashing takes long, and what is refused needs none")
}

func TestWhoMakesWhatIsThereEmptiesNothing(t *testing.T) {
	stored := core.Document(`{"id":"a","apis":[{"name":"A"}],"email":"x"}`)
	given := Given(core.Document(`{"id":"","org_id":"o","apis":null,"n":1.0,"say \"so\"":"y"}`))
	assert.JSONEq(t, `{"org_id":"o","n":1.0,"say \"so\"":"y"}`, string(given))
	assert.Equal(t, `[{"name":"A"}]`, stored.MergePatch(given).Get("apis").Raw)
}

func TestABlankDocumentIsOneThatNobodySaidAnythingIn(t *testing.T) {
	for doc, want := range map[string]bool{
		`{}`:               true,
		`{"apis":null}`:    true,
		`{"apis":[{}]}`:    false,
		`{"email":"a@b"}`:  false,
		`{"x_own":"else"}`: false,
	} {
		made, err := maker().Make(Catalogue, org, core.Document(doc), nil)
		require.NoError(t, err)
		assert.Equal(t, want, IsBlank(made), doc)
	}
	page, err := maker().Make(Page, org, core.Document(`{}`), nil)
	require.NoError(t, err)
	assert.False(t, IsBlank(page), "somebody made it")
}
