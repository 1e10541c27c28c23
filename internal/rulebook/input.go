package rulebook

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/tidwall/gjson"

	"gatehouse/internal/authz"
	"gatehouse/internal/core"
)

// user is who calls, as REST shows users, without secrets, with the name of the group, and with the permissions that
// they have in all.
func (b *Book) user(ctx context.Context, a authz.Actor) (core.Document, error) {
	u := a.User
	group := ""
	if id := u.GroupID(); id != "" {
		var err error
		if group, err = b.o.GroupName(ctx, u.OrgID, id); err != nil {
			return nil, err
		}
	}
	var out bytes.Buffer
	out.WriteByte('{')
	field := func(name string, value []byte) {
		if out.Len() > 1 {
			out.WriteByte(',')
		}
		out.WriteString(name)
		out.WriteByte(':')
		out.Write(value)
	}
	gjson.ParseBytes(u.Document).ForEach(func(name, v gjson.Result) bool {
		switch strings.ToLower(name.Str) {
		case "id", "org_id", "active", "email_address", "group_id", "group_name", "user_permissions", "access_key",
			"password":
		default:
			field(name.Raw, []byte(v.Raw))
		}
		return true
	})
	field(`"id"`, quote(u.ID))
	field(`"org_id"`, quote(u.OrgID))
	field(`"active"`, []byte(map[bool]string{true: "true", false: "false"}[u.Active]))
	field(`"email_address"`, quote(u.Email))
	field(`"group_id"`, quote(u.GroupID()))
	field(`"group_name"`, quote(group))
	field(`"user_permissions"`, a.Permissions().Document())
	out.WriteByte('}')
	return out.Bytes(), nil
}

func quote(s string) []byte {
	raw, _ := json.Marshal(s) // a text can always be written
	return raw
}

// shown is what rules are told of the header of a request: nothing that opens a door.
func shown(h http.Header) map[string][]string {
	out := map[string][]string{}
	for name, values := range h {
		lower := strings.ToLower(name)
		secret := false
		for _, part := range []string{"auth", "cookie", "secret", "token", "key", "session"} {
			secret = secret || strings.Contains(lower, part)
		}
		if !secret {
			out[name] = values
		}
	}
	return out
}
