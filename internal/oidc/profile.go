package oidc

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"

	"gatehouse/internal/core"
)

// Profile says how people of an organisation sign in with one provider. Its names are those of the identity broker's
// profiles, so that one of them can be taken as it is; what it has besides is passed over.
type Profile struct {
	// ID is in the addresses: /auth/{id}/openid-connect.
	ID    string `json:"ID"`
	OrgID string `json:"OrgID"`
	// ProviderName is SocialProvider, which is the broker's name for it, or OpenIDConnect.
	ProviderName   string         `json:"ProviderName"`
	ProviderConfig ProviderConfig `json:"ProviderConfig"`
	// Constraints hold back whose e-mail address is of another domain, or who is in no such group.
	Constraints Constraints `json:"ProviderConstraints"`
	// EmailField, UserIDField and GroupField are the claims with the e-mail address, the id and the groups; "" are email,
	// sub and none. What is in EmailField counts where the provider says that it verified the address (email_verified).
	EmailField  string `json:"CustomEmailField"`
	UserIDField string `json:"CustomUserIDField"`
	GroupField  string `json:"CustomUserGroupField"`
	// GroupMapping are the ids of user groups by what the claim says; GroupSeparator is what is between several in one
	// text, a space where it is "". DefaultGroup is the one of people without any.
	GroupMapping   map[string]string `json:"UserGroupMapping"`
	GroupSeparator string            `json:"UserGroupSeparator"`
	DefaultGroup   string            `json:"DefaultUserGroupID"`
	// OnlyRegistered refuses people without an account.
	OnlyRegistered bool `json:"SSOOnlyForRegisteredUsers"`
}

// ProviderConfig is where a provider is, and who we are there.
type ProviderConfig struct {
	// CallbackBaseURL is the address of this server, as browsers reach it.
	CallbackBaseURL string `json:"CallbackBaseURL"`
	// FailureRedirect is where people go who could not sign in; "" shows them why on a page of ours.
	FailureRedirect string     `json:"FailureRedirect"`
	UseProviders    []Provider `json:"UseProviders"`
}

// Provider is an OpenID provider, and the client that we are there.
type Provider struct {
	Name   string `json:"Name"`
	Key    string `json:"Key"`
	Secret string `json:"Secret"`
	// DiscoverURL is the address of its description, with or without /.well-known/openid-configuration.
	DiscoverURL         string   `json:"DiscoverURL"`
	Scopes              []string `json:"Scopes"`
	SkipUserInfoRequest bool     `json:"SkipUserInfoRequest"`
}

// Constraints are who may sign in.
type Constraints struct {
	Domain string `json:"Domain"`
	Group  string `json:"Group"`
}

// openIDConnect is the name of a provider that this package is for.
const openIDConnect = "openid-connect"

// wellKnown is where a provider describes itself.
const wellKnown = "/.well-known/openid-configuration"

// ReadProfiles reads a file with a list of profiles.
func ReadProfiles(path string) ([]*Profile, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var all []*Profile
	if err := json.Unmarshal(raw, &all); err != nil {
		return nil, fmt.Errorf("%s is no list of profiles: %w", path, err)
	}
	seen := map[string]bool{}
	for i, p := range all {
		if p == nil {
			return nil, fmt.Errorf("%s: profile %d is null", path, i+1)
		}
		if err := p.check(); err != nil {
			return nil, fmt.Errorf("%s: profile %q: %w", path, core.Clip(p.ID), err)
		}
		if seen[p.ID] {
			return nil, fmt.Errorf("%s: profile %q is there twice", path, p.ID)
		}
		seen[p.ID] = true
	}
	return all, nil
}

var plainID = regexp.MustCompile(`^[A-Za-z0-9._~-]{1,100}$`)

// check says what is wrong with a profile, and makes it whole.
func (p *Profile) check() error {
	switch {
	case !plainID.MatchString(p.ID):
		return errors.New("ID must be 1 to 100 letters, digits or one of . _ ~ -, since it is part of an address")
	case p.OrgID == "":
		return errors.New("OrgID is required: the organisation that people sign in to")
	case p.ProviderName != "SocialProvider" && p.ProviderName != "OpenIDConnect":
		return fmt.Errorf("ProviderName %q is not built in: run the identity broker for it", core.Clip(p.ProviderName))
	case len(p.ProviderConfig.UseProviders) != 1 || p.provider().Name != openIDConnect:
		return errors.New("ProviderConfig.UseProviders must hold one provider whose Name is openid-connect: " +
			"others are not built in, run the identity broker for them")
	case p.provider().Key == "":
		return errors.New("ProviderConfig.UseProviders[0].Key is required: the id of the client at the provider")
	}
	if err := absolute("ProviderConfig.CallbackBaseURL", p.ProviderConfig.CallbackBaseURL); err != nil {
		return err
	}
	if err := absolute("ProviderConfig.UseProviders[0].DiscoverURL", p.provider().DiscoverURL); err != nil {
		return err
	}
	if p.ProviderConfig.FailureRedirect != "" {
		if err := absolute("ProviderConfig.FailureRedirect", p.ProviderConfig.FailureRedirect); err != nil {
			return err
		}
	}
	if len(p.provider().Scopes) == 0 {
		p.provider().Scopes = []string{"openid", "email", "profile"}
	}
	if !slices.Contains(p.provider().Scopes, "openid") {
		p.provider().Scopes = append(p.provider().Scopes, "openid")
	}
	if p.GroupSeparator == "" {
		p.GroupSeparator = " "
	}
	return nil
}

func absolute(name, address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("%s must be an address, such as https://example.org", name)
	}
	return nil
}

func (p *Profile) provider() *Provider { return &p.ProviderConfig.UseProviders[0] }

// issuer is the provider's, as its description must say.
func (p *Profile) issuer() string {
	return strings.TrimRight(strings.TrimSuffix(p.provider().DiscoverURL, wellKnown), "/")
}

// callback is where a provider sends people back to.
func (p *Profile) callback() string {
	return strings.TrimRight(p.ProviderConfig.CallbackBaseURL, "/") + "/auth/" + p.ID + "/" + openIDConnect + "/callback"
}

// person is whom the claims are about.
func (p *Profile) person(claims map[string]any) (Person, error) {
	out := Person{Profile: p, OrgID: p.OrgID, OnlyRegistered: p.OnlyRegistered}
	email := text(claims, or(p.EmailField, "email"))
	if isTrue(claims["email_verified"]) {
		out.Email = strings.ToLower(email)
	}
	out.ID = text(claims, or(p.UserIDField, "sub"))
	out.Name = or(text(claims, "name"), or(email, out.ID))
	if domain := p.Constraints.Domain; domain != "" {
		if _, of, _ := strings.Cut(out.Email, "@"); !strings.EqualFold(of, domain) {
			return out, core.Errorf(core.CodeForbidden,
				"this sign-in is for people whose verified e-mail address is at %s", core.Clip(domain))
		}
	}
	named := p.named(claims)
	if group := p.Constraints.Group; group != "" && !slices.Contains(named, group) {
		return out, core.Errorf(core.CodeForbidden, "this sign-in is for people in the group %s", core.Clip(group))
	}
	for _, name := range named {
		if id := p.GroupMapping[name]; id != "" && !slices.Contains(out.GroupIDs, id) {
			out.GroupIDs = append(out.GroupIDs, id)
		}
	}
	if len(out.GroupIDs) == 0 && p.DefaultGroup != "" {
		out.GroupIDs = []string{p.DefaultGroup}
	}
	return out, nil
}

// named are the groups that the claims name: a list, or one text.
func (p *Profile) named(claims map[string]any) []string {
	var out []string
	switch held := claims[p.GroupField].(type) {
	case string:
		for part := range strings.SplitSeq(held, p.GroupSeparator) {
			if part = strings.TrimSpace(part); part != "" {
				out = append(out, part)
			}
		}
	case []any:
		for _, v := range held {
			if name, ok := v.(string); ok && name != "" {
				out = append(out, name)
			}
		}
	}
	return out
}

func text(claims map[string]any, name string) string {
	s, _ := claims[name].(string)
	return s
}

// isTrue reads a truth, which some providers write as a text.
func isTrue(v any) bool { return v == true || v == "true" }

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
