package definition

import (
	"strings"

	"github.com/tidwall/gjson"

	"gatehouse/internal/core"
)

// A rule looks at a value of one type of fields.txt, whose fields are there by the names that gateways know them by,
// for what gateways read well and go down with nevertheless: when they load it, when they serve it, or when they let go
// of it. It only reports; a value of the wrong type was refused before.
type rule func(*checker, map[string]gjson.Result) error

// ruleOf is the rule for a type; nil for most.
func ruleOf(typeName string) rule {
	switch typeName {
	case "GraphQLConfig":
		return (*checker).graphQL
	case "GraphQLEngineDataSource":
		return (*checker).dataSource
	case "APIDefinition":
		return (*checker).api
	case "EventHandlerTriggerConfig":
		return (*checker).eventHandler
	case "UptimeTestsConfig":
		return (*checker).uptimeTests
	case "TemplateData":
		return (*checker).template
	case "VirtualMeta":
		return (*checker).virtual
	case "ValidatePathMeta":
		return (*checker).validation
	case "HardTimeoutMeta":
		return (*checker).hardTimeout
	case "GraphQLEngineConfig":
		return (*checker).engine
	case "UpstreamAuth":
		return (*checker).upstreamAuth
	case "URLRewriteMeta", "RoutingTrigger":
		return (*checker).rewrite
	}
	return nil
}

// rewritten tells whether a field is one of those by which a definition names its versions. What gateways are told
// there is written anew, so that they are APIs of the same organisation.
func rewritten(typeName, field string) bool {
	switch typeName {
	case "APIDefinition":
		return field == "definition"
	case "VersionDefinition":
		return field == "enabled" || field == "versions"
	}
	return false
}

// at is the field of an object that gateways read as one of a name, whatever its case; the last one counts.
func at(object gjson.Result, name string) (found gjson.Result) {
	object.ForEach(func(key, value gjson.Result) bool {
		if key.Str == name || fold(key.Str) == name {
			found = value
		}
		return true
	})
	return found
}

// within does something at a field below the place of the walk.
func (c *checker) within(field string, do func()) {
	c.path = append(c.path, step{name: field})
	do()
	c.path = c.path[:len(c.path)-1]
}

// taken is how an error ends that is about a hazard.
const taken = ": it would take down gateways, those of every organisation"

// hazard is an error about the field at a path below the place of the walk.
func (c *checker) hazard(path, format string, args ...any) error {
	place := c.place()
	if path != "" && place != "" {
		place += "."
	}
	return core.Errorf(core.CodeInvalid, "%s%s "+format+taken, append([]any{place, path}, args...)...).In(place + path)
}

// deferred tells whether a text, or a part of it, is put in by the gateway: it is not judged as if it were the value.
func deferred(text string) bool {
	for _, scheme := range []string{
		"env://", "secrets://", "consul://", "vault://", "kv://", "$secret_", "$kv{", "$env{",
	} {
		if strings.Contains(text, scheme) {
			return true
		}
	}
	return false
}
