package graph

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"gatehouse/internal/core"
)

// standing is a field of an input, and the path in the document that it stands for.
type standing struct{ name, path string }

// documented says, for each input type, which field of a document, or parameter of a list, each of its fields stands
// for: rules name those, as REST does, and are told here in the words of the schema. A field that is missing has the
// same name in both. Of two that stand for the same, the first is spoken of where neither was given.
func documented(input string) []standing {
	switch input {
	case "ApiInput":
		return []standing{
			{"name", "api_definition.name"},
			{"slug", "api_definition.slug"},
			{"apiId", "api_definition.api_id"},
			{"domain", "api_definition.domain"},
			{"active", "api_definition.active"},
			{"keyless", "api_definition.use_keyless"},
			{"internal", "api_definition.internal"},
			{"tags", "api_definition.tags"},
			{"listenPath", "api_definition.proxy.listen_path"},
			{"targetUrl", "api_definition.proxy.target_url"},
			{"orgId", "api_definition.org_id"},
			{"baseApiId", "base_api_id"},
			{"baseVersionName", "base_api_version_name"},
			{"versionName", "new_version_name"},
			{"authentication", "authentication"},
		}
	case "ApiOwnersInput":
		return []standing{{"userIds", "user_owners"}, {"userGroupIds", "user_group_owners"}}
	case "ApiFilter":
		return []standing{{"categories", "category"}, {"kind", "api_type"}, {"authTypes", "auth_type"}}
	case "PolicyInput":
		return []standing{
			{"name", "name"},
			{"policyId", "id"},
			{"active", "active"},
			{"inactive", "is_inactive"},
			{"partitions", "partitions"},
			{"metaData", "meta_data"},
			{"state", "state"},
			{"rate", "rate"},
			{"per", "per"},
			{"quotaMax", "quota_max"},
			{"quotaRenewalRate", "quota_renewal_rate"},
			{"keyExpiresIn", "key_expires_in"},
			{"apiIds", "access_rights"},
			{"accessRights", "access_rights"},
			{"tags", "tags"},
			{"orgId", "org_id"},
		}
	case "PolicyFilter":
		return []standing{{"ids", "policy_ids"}, {"apiIds", "api_id"}, {"authTypes", "auth_type"}}
	case "KeyInput":
		return []standing{
			{"customId", "the custom key"},
			{"alias", "alias"},
			{"tags", "tags"},
			{"apiIds", "access_rights"},
			{"accessRights", "access_rights"},
			{"policyIds", "apply_policies"},
			{"expires", "expires"},
			{"inactive", "is_inactive"},
			{"rate", "rate"},
			{"per", "per"},
			{"quotaMax", "quota_max"},
			{"quotaRenewalRate", "quota_renewal_rate"},
			{"metaData", "meta_data"},
			{"orgId", "org_id"},
		}
	case "UserInput":
		return []standing{
			{"firstName", "first_name"},
			{"lastName", "last_name"},
			{"email", "email_address"},
			{"active", "active"},
			{"permissions", "user_permissions"},
			{"password", "password"},
			{"groupId", "group_id"},
			{"groupIds", "group_ids"},
			{"orgId", "org_id"},
		}
	case "OpenPolicyInput":
		return []standing{{"enabled", "open_policy.enabled"}, {"rules", "open_policy.rules"}}
	case "UserGroupInput":
		return []standing{
			{"name", "name"},
			{"description", "description"},
			{"active", "active"},
			{"passwordMaxDays", "password_max_days"},
			{"permissions", "user_permissions"},
			{"orgId", "org_id"},
		}
	case "WebhookInput":
		return []standing{
			{"name", "name"},
			{"method", "method"},
			{"targetPath", "target_path"},
			{"headers", "header_map"},
			{"orgId", "org_id"},
		}
	case "OrganisationInput":
		return []standing{
			{"name", "owner_name"},
			{"slug", "owner_slug"},
			{"cname", "cname"},
			{"cnameEnabled", "cname_enabled"},
		}
	case "OauthClientInput":
		return []standing{
			{"clientId", "client_id"},
			{"secret", "secret"},
			{"redirectUris", "redirect_uris"},
			{"policyId", "policy_id"},
			{"description", "description"},
			{"metaData", "meta_data"},
		}
	case "OauthAuthorizationInput":
		return []standing{{"responseType", "response_type"}, {"redirectUri", "redirect_uri"}, {"keyRules", "key_rules"}}
	case "PortalDocumentInput":
		return []standing{{"orgId", "org_id"}}
	case "CertificateFilter":
		return []standing{{"expiresWithinDays", "expiresWithinDays"}}
	}
	return nil
}

// locate says which part of the input an error is about, as a path such as input.apiIds[3], "" where that is not known,
// and gives its message in the words of the schema.
func locate(ctx context.Context, err error, e *core.Error) (field, message string) {
	fc := graphql.GetFieldContext(ctx)
	if fc == nil || fc.Field.Field == nil || fc.Field.Definition == nil {
		return "", e.Message
	}
	var at *gqlerror.Error
	if errors.As(err, &at) {
		if field = inputPath(ctx, at); field != "" {
			return field, e.Message
		}
	}
	if e.Field == "" {
		return "", e.Message
	}
	given := fc.Field.ArgumentMap(graphql.GetOperationContext(ctx).Variables)
	for _, a := range fc.Field.Definition.Arguments {
		value := given[a.Name]
		if a.Name == e.Field {
			return a.Name, e.Message
		}
		if a.Type.Name() == jsonScalar && a.Type.Elem == nil && value != nil {
			return a.Name + "." + e.Field, e.Message
		}
		if field, message, ok := within(a, value, e); ok {
			return field, message
		}
	}
	return "", e.Message
}

const jsonScalar = "JSON"

// within looks for what an error is about in an argument that is an input object: the field that stands for the part of
// the document, where it was given; else the document that came with it.
func within(a *ast.ArgumentDefinition, value any, e *core.Error) (field, message string, ok bool) {
	fields, _ := value.(map[string]any)
	var unset string
	for _, f := range documented(a.Type.Name()) {
		name, path := f.name, f.path
		rest, ok := strings.CutPrefix(e.Field, path)
		if !ok || rest != "" && rest[0] != '.' && rest[0] != '[' {
			continue
		}
		if fields[name] == nil {
			unset = cmp.Or(unset, name)
			continue
		}
		at, message := element(fields[name], rest), e.Message
		if at != "" {
			message = strings.Replace(message, path+rest, path+at, 1)
		}
		return a.Name + "." + name + at, inWordsOf(a.Type.Name(), name, message), true
	}
	if _, ok := fields[e.Field]; ok {
		return a.Name + "." + e.Field, e.Message, true
	}
	for _, document := range []string{"definition", "document", "session"} {
		if fields[document] != nil {
			return a.Name + "." + document + "." + e.Field, e.Message, true
		}
	}
	if unset != "" {
		return a.Name + "." + unset, inWordsOf(a.Type.Name(), unset, e.Message), true
	}
	return "", "", false
}

// inWordsOf gives a message the names that an input has for what it speaks of: for the field that it is about, and for
// all whose name in documents is no word of English.
func inWordsOf(input, field, message string) string {
	fields := documented(input)
	about := field // its path
	if at := slices.IndexFunc(fields, func(f standing) bool { return f.name == field }); at >= 0 {
		about = fields[at].path
	}
	message = strings.Replace(message, about, field, 1)
	for _, f := range fields {
		if f.name != field && f.path != about && strings.Contains(f.path, "_") {
			message = strings.ReplaceAll(message, f.path, f.name)
		}
	}
	return message
}

// element is the place in a list that a part of a path names: as it stands, or the element that is called so. Elements
// that are objects are called by the API that they are about, and what the path says of one is in their fields' words.
func element(value any, rest string) string {
	list, ok := value.([]any)
	if !ok {
		return rest
	}
	if strings.HasPrefix(rest, "[") {
		if len(list) > 0 {
			if _, object := list[0].(map[string]any); object {
				return camelCase(rest)
			}
		}
		return rest
	}
	for i, v := range list {
		if fields, object := v.(map[string]any); object {
			if inner, ok := strings.CutPrefix(rest+".", "."+fmt.Sprint(fields["apiId"])+"."); ok {
				return strings.TrimSuffix(fmt.Sprintf("[%d].%s", i, camelCase(inner)), ".")
			}
			continue
		}
		if "."+fmt.Sprint(v) == rest {
			return fmt.Sprintf("[%d]", i)
		}
	}
	return ""
}

// camelCase is a path of a document in the words of the schema: allowed_urls[0].url is allowedUrls[0].url there.
func camelCase(path string) string {
	words := strings.Split(path, "_")
	for i, word := range words[1:] {
		if word != "" {
			words[i+1] = strings.ToUpper(word[:1]) + word[1:]
		}
	}
	return strings.Join(words, "")
}

// inputPath is the path of an error in the arguments of the field that is being resolved; "" for one that is not about
// them.
func inputPath(ctx context.Context, at *gqlerror.Error) string {
	path := graphql.GetPath(ctx)
	if len(at.Path) <= len(path) {
		return ""
	}
	var out strings.Builder
	for _, part := range at.Path[len(path):] {
		switch part := part.(type) {
		case ast.PathName:
			if out.Len() > 0 {
				out.WriteByte('.')
			}
			out.WriteString(string(part))
		case ast.PathIndex:
			fmt.Fprintf(&out, "[%d]", int(part))
		}
	}
	return out.String()
}
