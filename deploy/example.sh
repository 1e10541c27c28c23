#!/bin/sh
# Makes an API that proxies to UPSTREAM, keyless, as /echo/, in the first organisation. It may run any number of times.
set -eu
: "${GATEHOUSE:=http://127.0.0.1:3000}" "${ADMIN_SECRET:?is not set}" "${UPSTREAM:?is not set}"

ask() { # query
	curl -sS --fail -H "admin-auth: $ADMIN_SECRET" -H 'Content-Type: application/json' -d "$1" "$GATEHOUSE/graphql"
}

organisation=$(ask '{"query": "{ organisations(first: 1) { nodes { id } } }"}' | grep -o '[0-9a-f]\{24\}' | head -n 1)
: "${organisation:?there is no organisation}"
ask '{"query": "mutation($apis: [JSON!]!) { importApis(apis: $apis) { id } }", "variables": {"apis": [{"api_definition": {
	"api_id": "echo", "org_id": "'"$organisation"'", "name": "echo", "slug": "echo", "active": true, "use_keyless": true,
	"version_data": {"not_versioned": true, "versions": {"Default": {"name": "Default"}}},
	"proxy": {"listen_path": "/echo/", "target_url": "'"$UPSTREAM"'", "strip_listen_path": true}}}]}}'
echo
