package scalar

import (
	"io"
	"strconv"
	"strings"
	"unicode"

	"github.com/99designs/gqlgen/graphql"

	"gatehouse/internal/authentication"
	"gatehouse/internal/core"
)

// Some enums of the schema stand for words that documents and the code have as texts: AUTH_TOKEN for authToken. The
// value of a word is the word in capitals, with _ between its parts.

// MarshalApiKind writes one of core.ApiKinds.
func MarshalApiKind(word string) graphql.Marshaler { return enumValue(word) }

// UnmarshalApiKind reads one of core.ApiKinds.
func UnmarshalApiKind(v any) (string, error) { return enumWord(v, core.ApiKinds()) }

// MarshalAuthType writes one of core.AuthTypes.
func MarshalAuthType(word string) graphql.Marshaler { return enumValue(word) }

// UnmarshalAuthType reads one of core.AuthTypes.
func UnmarshalAuthType(v any) (string, error) { return enumWord(v, core.AuthTypes()) }

// MarshalJwtSigningMethod writes one of authentication.SigningMethods.
func MarshalJwtSigningMethod(word string) graphql.Marshaler { return enumValue(word) }

// UnmarshalJwtSigningMethod reads one of authentication.SigningMethods.
func UnmarshalJwtSigningMethod(v any) (string, error) {
	return enumWord(v, authentication.SigningMethods())
}

// MarshalPolicyState writes one of core.PolicyStates.
func MarshalPolicyState(word string) graphql.Marshaler { return enumValue(word) }

// UnmarshalPolicyState reads one of core.PolicyStates.
func UnmarshalPolicyState(v any) (string, error) { return enumWord(v, core.PolicyStates()) }

// MarshalWebhookMethod writes one of core.WebhookMethods.
func MarshalWebhookMethod(word string) graphql.Marshaler { return enumValue(word) }

// UnmarshalWebhookMethod reads one of core.WebhookMethods.
func UnmarshalWebhookMethod(v any) (string, error) { return enumWord(v, core.WebhookMethods()) }

// MarshalHttpMethod writes one of httpMethods.
func MarshalHttpMethod(word string) graphql.Marshaler { return enumValue(word) }

// UnmarshalHttpMethod reads one of httpMethods.
func UnmarshalHttpMethod(v any) (string, error) { return enumWord(v, httpMethods()) }

// MarshalCertificateUse writes one of core.CertificateUses.
func MarshalCertificateUse(word string) graphql.Marshaler { return enumValue(word) }

// UnmarshalCertificateUse reads one of core.CertificateUses.
func UnmarshalCertificateUse(v any) (string, error) { return enumWord(v, core.CertificateUses()) }

// MarshalObjectKind writes one of core.Announced.
func MarshalObjectKind(word string) graphql.Marshaler { return enumValue(word) }

// UnmarshalObjectKind reads one of core.Announced.
func UnmarshalObjectKind(v any) (string, error) { return enumWord(v, core.Announced()) }

// MarshalOauthResponseType writes one of responseTypes.
func MarshalOauthResponseType(word string) graphql.Marshaler { return enumValue(word) }

// UnmarshalOauthResponseType reads one of responseTypes.
func UnmarshalOauthResponseType(v any) (string, error) { return enumWord(v, responseTypes()) }

func httpMethods() []string {
	return []string{"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE"}
}

func responseTypes() []string { return []string{"code", "token"} }

func enumValue(word string) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) { _, _ = io.WriteString(w, strconv.Quote(capitals(word))) })
}

// enumWord finds the word that a value of an enum stands for. Values that the schema lacks do not come here.
func enumWord(v any, words []string) (string, error) {
	value, _ := v.(string)
	values := make([]string, len(words))
	for i, word := range words {
		if values[i] = capitals(word); values[i] == value {
			return word, nil
		}
	}
	return "", core.Errorf(core.CodeInvalid, "must be one of %s", strings.Join(values, ", "))
}

// capitals writes authToken, AuthToken and auth_token as AUTH_TOKEN.
func capitals(word string) string {
	var out strings.Builder
	lower := false
	for _, r := range word {
		if lower && unicode.IsUpper(r) {
			out.WriteByte('_')
		}
		lower = unicode.IsLower(r)
		out.WriteRune(unicode.ToUpper(r))
	}
	return out.String()
}
