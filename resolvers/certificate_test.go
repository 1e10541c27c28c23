package resolvers_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"gatehouse/internal/apptest"
	"gatehouse/store"
	"gatehouse/store/sql"
	"gatehouse/store/storetest"
)

const (
	makeCertificate = `mutation($pem: String!) { it: createCertificate(pem: $pem) { id orgId revision fingerprint hasPrivate isCa isPublicKey subjectCn issuerCn dnsNames notBefore notAfter status details } }`
	dropCertificate = `mutation($id: ID!, $force: Boolean) { it: deleteCertificate(id: $id, force: $force) { id } }`
	showCertificate = `query($id: ID!) { it: certificate(id: $id) { id status organisation { id } usages { nodes { api { apiId } types } } } }`
)

// pemOf makes a certificate, and its private key, that holds until a time from now.
func pemOf(t testing.TB, name string, from, until time.Duration) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	require.NoError(t, err)
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: name},
		DNSNames:     []string{name},
		NotBefore:    now.Add(from),
		NotAfter:     now.Add(until),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	require.NoError(t, err)
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	return string(
			pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		), string(
			pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}),
		)
}

const day = 24 * time.Hour

// keep uploads a certificate, and returns its id.
func keep(t *testing.T, s *apptest.Server, name string, until time.Duration) string {
	t.Helper()
	certificate, _ := pemOf(t, name, -time.Hour, until)
	return must(t, s.GraphQL(t, makeCertificate, map[string]any{"pem": certificate})).Get("data.it.id").Str
}

func TestACertificateIsKeptAndItsKeyNeverShown(t *testing.T) {
	t.Parallel()
	s := apptest.New(t)
	certificate, key := pemOf(t, "a.test", -time.Hour, 400*day)
	r := must(t, s.GraphQL(t, makeCertificate, map[string]any{"pem": certificate + key}))
	id := r.Get("data.it.id").Str
	assert.Equal(t, s.OrgID+r.Get("data.it.fingerprint").Str, id)
	assert.True(t, r.Get("data.it.hasPrivate").Bool())
	assert.Equal(t, "VALID", r.Get("data.it.status").Str)
	assert.Equal(t, `["a.test"]`, r.Get("data.it.dnsNames").Raw)
	assert.NotContains(t, string(r.Body), "PRIVATE KEY")
	refused(
		t,
		s.GraphQL(t, makeCertificate, map[string]any{"pem": certificate}),
		"CONFLICT",
		"Certificate with "+id+" ID already exists.",
	)
	refused(t, s.GraphQL(t, makeCertificate, map[string]any{"pem": key}), "INVALID", "no certificate")

	stored, err := s.Store.Certificates.Find(t.Context(), store.Org(s.OrgID), id)
	require.NoError(t, err)
	assert.NotContains(t, stored.Sealed+string(stored.Document()), "PRIVATE KEY")
	assert.NotEmpty(t, stored.Sealed)
	by := must(t, s.GraphQL(t, showCertificate, map[string]any{"id": r.Get("data.it.fingerprint").Str}))
	assert.Equal(t, id, by.Get("data.it.id").Str, "the fingerprint finds it, too")
	assert.Equal(t, s.OrgID, by.Get("data.it.organisation.id").Str)
}

func TestCertificatesAreListedByWhatTheyAreAndWhenTheyEnd(t *testing.T) {
	t.Parallel()
	s := apptest.New(t)
	later, soon, soonest := keep(
		t,
		s,
		"later.test",
		300*day,
	), keep(
		t,
		s,
		"soon.test",
		20*day,
	), keep(
		t,
		s,
		"soonest.test",
		2*day,
	)
	certificate, key := pemOf(t, "private.test", -time.Hour, 500*day)
	private := must(t, s.GraphQL(t, makeCertificate, map[string]any{"pem": certificate + key})).Get("data.it.id").Str
	certificate, _ = pemOf(t, "future.test", day, 500*day)
	future := must(t, s.GraphQL(t, makeCertificate, map[string]any{"pem": certificate}))
	assert.Equal(t, "NOT_YET_VALID", future.Get("data.it.status").Str)
	for name, c := range map[string]struct {
		filter map[string]any
		want   []string
	}{
		"all, the newest first":                  {nil, []string{future.Get("data.it.id").Str, private, soonest, soon, later}},
		"those that end soon, the soonest first": {map[string]any{"expiresWithinDays": 30}, []string{soonest, soon}},
		"those that end in a week":               {map[string]any{"expiresWithinDays": 7}, []string{soonest}},
		"those with a private key":               {map[string]any{"hasPrivate": true}, []string{private}},
		"by a part of the name":                  {map[string]any{"q": "SOON"}, []string{soonest, soon}},
		"by a part of the id":                    {map[string]any{"q": later[30:60]}, []string{later}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			after := any(nil)
			for range c.want { // a page each
				r := must(
					t,
					s.GraphQL(
						t,
						`query($f: CertificateFilter, $after: String) { certificates(first: 1, after: $after, filter: $f) { totalCount nodes { id status } pageInfo { endCursor } } }`,
						map[string]any{"f": c.filter, "after": after},
					),
				)
				assert.EqualValues(t, len(c.want), r.Get("data.certificates.totalCount").Int())
				got = append(got, r.Get("data.certificates.nodes.0.id").Str)
				after = r.Get("data.certificates.pageInfo.endCursor").Str
			}
			assert.Equal(t, c.want, got)
		})
	}
	assert.Equal(
		t,
		"EXPIRING",
		must(t, s.GraphQL(t, showCertificate, map[string]any{"id": soon})).Get("data.it.status").Str,
	)
	refused(
		t,
		s.GraphQL(t, `{ certificates(filter: {expiresWithinDays: -1}) { totalCount } }`, nil),
		"INVALID",
		"expiresWithinDays",
	)
}

func TestACertificateInUseIsDeletedByForceOnly(t *testing.T) {
	t.Parallel()
	s := apptest.New(t)
	id, other := keep(t, s, "a.test", 100*day), keep(t, s, "b.test", 100*day)
	createApi(
		t,
		s,
		`{"api_definition":{"name":"client","api_id":"client","client_certificates":["`+other+`","`+id+`"],"unknown":{"kept":1}}}`,
	)
	createApi(
		t,
		s,
		`{"api_definition":{"name":"upstream","api_id":"upstream","upstream_certificates":{"*.up.test":"`+id+`","other.test":"`+other+`"}}}`,
	)
	createApi(t, s, `{"api_definition":{"name":"server","api_id":"server","certificates":["`+id+`"]}}`)
	key := must(t, s.GraphQL(
		t,
		`mutation($s: JSON!) { it: createKey(input: {session: $s}) { key { id } } }`,
		map[string]any{
			"s": `{"alias":"k","certificate":"` + id + `","access_rights":{"client":{"api_id":"client"}}}`,
		},
	)).Get("data.it.key.id").Str

	r := must(t, s.GraphQL(t, showCertificate, map[string]any{"id": id}))
	assert.Equal(
		t,
		`[{"api":{"apiId":"server"},"types":["SERVER"]},{"api":{"apiId":"upstream"},"types":["UPSTREAM"]},{"api":{"apiId":"client"},"types":["CLIENT"]}]`,
		r.Get("data.it.usages.nodes").Raw,
	)
	refused(t, s.GraphQL(t, dropCertificate, map[string]any{"id": id}), "CONFLICT", "by 3 APIs and 1 key", "force")
	r = must(
		t,
		s.GraphQL(
			t,
			`query($id: ID!) { it: certificateDependencies(id: $id) { id clientApis { totalCount nodes { apiId } } upstreamApis { nodes { apiId } } serverApis { nodes { apiId } } keys { totalCount nodes { id } } } }`,
			map[string]any{"id": id},
		),
	)
	assert.Equal(
		t,
		`{"id":"`+id+`","clientApis":{"totalCount":1,"nodes":[{"apiId":"client"}]},"upstreamApis":{"nodes":[{"apiId":"upstream"}]},"serverApis":{"nodes":[{"apiId":"server"}]},"keys":{"totalCount":1,"nodes":[{"id":"`+key+`"}]}}`,
		r.Get("data.it").Raw,
	)

	must(t, s.GraphQL(t, `mutation($id: ID!) { deleteCertificateDependencies(id: $id) }`, map[string]any{"id": id}))
	client := must(t, s.GraphQL(t, showApi, map[string]any{"id": "client"}))
	assert.Equal(t, `["`+other+`"]`, client.Get("data.it.definition.api_definition.client_certificates").Raw)
	assert.Equal(t, `{"kept":1}`, client.Get("data.it.definition.api_definition.unknown").Raw)
	assert.EqualValues(t, 2, client.Get("data.it.revision").Int(), "it is an update like any other")
	assert.Equal(
		t,
		`{"other.test":"`+other+`"}`,
		must(
			t,
			s.GraphQL(t, showApi, map[string]any{"id": "upstream"}),
		).Get(
			"data.it.definition.api_definition.upstream_certificates",
		).Raw,
	)
	assert.EqualValues(t, 1, must(t, s.GraphQL(t, showApi, map[string]any{"id": "server"})).Get("data.it.revision").Int())
	assert.Equal(
		t,
		"null",
		must(
			t,
			s.GraphQL(t, `query($id: ID!) { it: key(id: $id, by: HASH) { id } }`, map[string]any{"id": key}),
		).Get(
			"data.it",
		).Raw,
	)

	refused(t, s.GraphQL(t, dropCertificate, map[string]any{"id": id}), "CONFLICT", "by 1 API and 0 keys")
	must(t, s.GraphQL(t, dropCertificate, map[string]any{"id": id, "force": true}))
	refused(t, s.GraphQL(t, dropCertificate, map[string]any{"id": id}), "NOT_FOUND")
}

func TestDependenciesAreDeletedOnlyByWhoMayChangeThem(t *testing.T) {
	t.Parallel()
	s := apptest.New(t)
	id := keep(t, s, "a.test", 100*day)
	createApi(t, s, `{"api_definition":{"name":"client","api_id":"client","client_certificates":["`+id+`"]}}`)
	user := must(
		t,
		s.GraphQL(
			t,
			`mutation { it: createUser(input: {email: "c@x.test", firstName: "C", lastName: "C", password: "a long password 1!", active: true, permissions: {certificates: "write", apis: "read"}}) { accessKey } }`,
			nil,
		),
	).Get(
		"data.it.accessKey",
	).Str
	require.NotEmpty(t, user)
	refused(
		t,
		s.GraphQL(
			t,
			`mutation($id: ID!) { deleteCertificateDependencies(id: $id) }`,
			map[string]any{"id": id},
			"Authorization: "+user,
		),
		"FORBIDDEN",
		"permission",
	)
	assert.EqualValues(t, 1, must(t, s.GraphQL(t, showApi, map[string]any{"id": "client"})).Get("data.it.revision").Int())
}

func TestCertificatesOfAnotherOrganisationAreMissing(t *testing.T) {
	t.Parallel()
	s := apptest.New(t)
	id := keep(t, s, "a.test", 100*day)
	_, other := s.Organisation(t, "other")
	foreign := "Authorization: " + other
	assert.Equal(t, "null", must(t, s.GraphQL(t, showCertificate, map[string]any{"id": id}, foreign)).Get("data.it").Raw)
	assert.Equal(
		t,
		"null",
		must(t, s.GraphQL(t, showCertificate, map[string]any{"id": id[24:]}, foreign)).Get("data.it").Raw,
	)
	refused(t, s.GraphQL(t, dropCertificate, map[string]any{"id": id, "force": true}, foreign), "NOT_FOUND")
	refused(
		t,
		s.GraphQL(t, `mutation($id: ID!) { deleteCertificateDependencies(id: $id) }`, map[string]any{"id": id}, foreign),
		"NOT_FOUND",
	)
	assert.Zero(
		t,
		must(t, s.GraphQL(t, `{ certificates { totalCount } }`, nil, foreign)).Get("data.certificates.totalCount").Int(),
	)
}

func TestAnOrganisationTakesItsCertificatesWithIt(t *testing.T) {
	t.Parallel()
	redis := miniredis.RunT(t)
	s := apptest.New(
		t,
		apptest.WithRedis(redis.Addr()),
		apptest.WithEnv("TYK_DB_SECURITY_PRIVATECERTIFICATEENCODINGSECRET=a secret of the gateways"),
	)
	certificate, key := pemOf(t, "a.test", -time.Hour, 100*day)
	id := must(t, s.GraphQL(t, makeCertificate, map[string]any{"pem": certificate + key})).Get("data.it.id").Str
	value, err := redis.Get("cert-raw-" + id)
	require.NoError(t, err, "gateways have it before the answer")
	assert.Contains(t, value, "ENCRYPTED PRIVATE KEY")
	refused(t, s.GraphQL(t, dropOrg, map[string]any{"id": s.OrgID}, admin), "CONFLICT", "certificates: 1")
	must(t, s.GraphQL(t, dropOrg, map[string]any{"id": s.OrgID, "cascade": true}, admin))
	n, err := s.Store.Certificates.Count(t.Context(), store.AllTenants())
	require.NoError(t, err)
	assert.Zero(t, n)
	assert.Eventually(t, func() bool { return !redis.Exists("cert-raw-" + id) }, 10*time.Second, 20*time.Millisecond)
}

func TestAPrivateKeyNeedsASecretThatTheGatewaysKnow(t *testing.T) {
	t.Parallel()
	redis := miniredis.RunT(t)
	s := apptest.New(t, apptest.WithRedis(redis.Addr()))
	certificate, key := pemOf(t, "a.test", -time.Hour, 100*day)
	refused(
		t,
		s.GraphQL(t, makeCertificate, map[string]any{"pem": certificate + key}),
		"INVALID",
		"set security.private_certificate_encoding_secret",
	)
	must(t, s.GraphQL(t, makeCertificate, map[string]any{"pem": certificate}))
}

func TestAPageOfCertificatesMakesAsManyStoreCallsForTwentyAsForTwo(t *testing.T) {
	t.Parallel()
	count := func(certificates int) int64 {
		engine, err := sql.OpenMemory(t.Context())
		require.NoError(t, err)
		t.Cleanup(func() { _ = engine.Close() })
		c := &storetest.Counting{Engine: engine, Of: ofRequests}
		s := apptest.New(t, apptest.WithEngine(c), apptest.WithStore(store.WithCacheTTL(time.Hour)))
		for range certificates {
			id := keep(t, s, "a.test", 100*day)
			createApi(t, s, `{"api_definition":{"name":"client","client_certificates":["`+id+`"]}}`)
		}
		s.GraphQL(t, `{ me { id } }`, nil)
		before := c.Reads()
		r := must(
			t,
			s.GraphQL(
				t,
				`{ certificates(first: 20) { nodes { id status organisation { name } usages { nodes { types api { name } } } } } }`,
				nil,
			),
		)
		assert.Len(t, r.Get("data.certificates.nodes.#.usages.nodes.0.api.name").Array(), certificates)
		return c.Reads() - before
	}
	assert.Equal(t, count(2), count(20))
}
