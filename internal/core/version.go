package core

import "strings"

// Version is an API as a version of another, its base.
type Version struct {
	// Name is the name of the version, ApiID the public id of the API that it is.
	Name, ApiID string
	// BaseName names the base itself as a version, where it has no name yet.
	BaseName string
	// Default makes it the version that requests get which name none.
	Default bool
}

// WithVersion is the API with one version more.
func (a *Api) WithVersion(v Version) (*Api, error) {
	if v.Name == "" {
		return nil, Errorf(CodeInvalid, "version name header should be set with base API ID: give new_version_name")
	}
	if strings.ContainsAny(v.Name, ".*?|#@\\\"") {
		return nil, Errorf(CodeInvalid, "the version name must not hold any of . * ? | # @ \\ \"")
	}
	const definition = "api_definition.definition."
	doc := a.Definition
	if doc.Get(definition + "versions." + v.Name).Exists() {
		return nil, Errorf(CodeConflict, "the base API has a version %q already", v.Name)
	}
	own := v.BaseName
	if own == "" {
		own = doc.Text(definition + "name")
	}
	if own == "" {
		return nil, Errorf(CodeInvalid, "the base API has no versions yet: name its own one, base_api_version_name")
	}
	doc = doc.Set(definition+"enabled", true).Set(definition+"name", own)
	if !doc.Get(definition + "versions").IsObject() {
		// Made first: a version named 2 is a name, and no place in a list.
		doc = doc.SetRaw(definition+"versions", []byte("{}"))
	}
	doc = doc.Set(definition+"versions."+v.Name, v.ApiID)
	switch {
	case v.Default:
		doc = doc.Set(definition+"default", v.Name)
	case doc.Text(definition+"default") == "":
		doc = doc.Set(definition+"default", own)
	}
	return ParseApi(a.Meta, doc)
}
