# The rules of Gatehouse: those that hold where neither the organisation nor schemas/dashboard.rego has others.
#
# They are in the syntax that rules of the legacy dashboard are in, and call the parts by the same names, so that rules
# which were written for that can be put at the end of them.

package dashboard_users

# What a request wants: "read", "delete", or else "write".
default request_intent = "write"

request_intent = "read" { input.request.method == "GET" }

request_intent = "read" { input.request.method == "HEAD" }

request_intent = "delete" { input.request.method == "DELETE" }

# The levels of a permission that let do it.
intent_match("read", "read")

intent_match("read", "write")

intent_match("read", "admin")

intent_match("write", "write")

intent_match("write", "admin")

intent_match("delete", "write")

intent_match("delete", "admin")

# Administrators may do all that no "deny" on their own record forbids.
default is_admin = false

is_admin { input.user.user_permissions.IsAdmin == "admin" }

# The permissions that the request needs: of each row of input.permissions whose expression matches the path.
request_permission[name] {
	row := input.permissions[_]
	regex.match(row.rx, input.request.path)
	name := row.permission
}

# The user whom a request is about whose path is /api/users/{id}, or begins with that.
default subject = ""

subject = id {
	parts := split(input.request.path, "/")
	parts[2] == "users"
	id := parts[3]
}

# The level that the user has of a permission; "" without one.
level(name) = object.get(input.user.user_permissions, name, "")

default allow = false

allow { count(deny) == 0 }

deny["User is not active"] { not input.user.active }

deny[reason] {
	count(request_permission) == 0
	reason := sprintf("This action is unknown. You do not have permission to access '%v'.", [input.request.path])
}

# Whoever is no administrator needs the level that the request asks for, of each permission.
deny[reason] {
	not is_admin
	request_permission[name]
	name != "ResetPassword"
	not intent_match(request_intent, level(name))
	reason := sprintf("You do not have permission to access '%v'.", [input.request.path])
}

# What is denied to administrators in so many words is denied.
deny[reason] {
	is_admin
	request_permission[name]
	level(name) == "deny"
	reason := sprintf("You do not have permission to carry out '%v' operation.", [request_intent])
}

# The passwords of others are for administrators who have ResetPassword, or whom the configuration lets.
deny["You do not have permission to reset the password for other users."] {
	request_permission.ResetPassword
	subject != input.user.id
	not may_reset_passwords
}

may_reset_passwords {
	is_admin
	input.config.security.allow_admin_reset_password
}

may_reset_passwords {
	is_admin
	level("ResetPassword") != ""
}
