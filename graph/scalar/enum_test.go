package scalar_test

import (
	"bytes"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/stretchr/testify/require"

	"gatehouse/graph/generated"
	"gatehouse/graph/scalar"
	"gatehouse/internal/authentication"
	"gatehouse/internal/core"
)

func TestEveryValueOfAnEnumStandsForOneWord(t *testing.T) {
	schema := generated.NewExecutableSchema(generated.Config{}).Schema()
	for name, enum := range map[string]struct {
		words []string
		write func(string) graphql.Marshaler
		read  func(any) (string, error)
	}{
		"ApiKind":           {core.ApiKinds(), scalar.MarshalApiKind, scalar.UnmarshalApiKind},
		"AuthType":          {core.AuthTypes(), scalar.MarshalAuthType, scalar.UnmarshalAuthType},
		"PolicyState":       {core.PolicyStates(), scalar.MarshalPolicyState, scalar.UnmarshalPolicyState},
		"WebhookMethod":     {core.WebhookMethods(), scalar.MarshalWebhookMethod, scalar.UnmarshalWebhookMethod},
		"CertificateUse":    {core.CertificateUses(), scalar.MarshalCertificateUse, scalar.UnmarshalCertificateUse},
		"ObjectKind":        {core.Announced(), scalar.MarshalObjectKind, scalar.UnmarshalObjectKind},
		"OauthResponseType": {[]string{"code", "token"}, scalar.MarshalOauthResponseType, scalar.UnmarshalOauthResponseType},
		"JwtSigningMethod":  {authentication.SigningMethods(), scalar.MarshalJwtSigningMethod, scalar.UnmarshalJwtSigningMethod},
		"HttpMethod": {
			[]string{"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE"},
			scalar.MarshalHttpMethod, scalar.UnmarshalHttpMethod,
		},
	} {
		t.Run(name, func(t *testing.T) {
			var values, written []string
			for _, v := range schema.Types[name].EnumValues {
				values = append(values, v.Name)
			}
			for _, word := range enum.words {
				var out bytes.Buffer
				enum.write(word).MarshalGQL(&out)
				value := out.String()[1 : out.Len()-1]
				written = append(written, value)
				got, err := enum.read(value)
				require.NoError(t, err)
				require.Equal(t, word, got)
			}
			require.ElementsMatch(t, values, written)
			_, err := enum.read("NO_SUCH_THING")
			require.ErrorContains(t, err, values[0])
		})
	}
}
