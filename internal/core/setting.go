package core

// Setting is a value that this installation keeps for itself, such as how far an index is. ID is its name.
type Setting struct {
	Meta
	Value Document
}

// ApiIDSetting is the name of the setting that says to which organisation the public id of an API belongs: the one
// whose APIs, policies or keys were the first to use it. It stays when these go, since rights to the API may be left
// with gateways, and ends with the organisation.
func ApiIDSetting(apiID string) string { return "api-id:" + apiID }

// PolicyIDSetting is the same for the id of a policy, the explicit one or that of the database: gateways know both in
// one space, and let a key into APIs of whichever organisation the policy of that id has.
func PolicyIDSetting(id string) string { return "policy-id:" + id }
