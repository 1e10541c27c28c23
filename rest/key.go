package rest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"io"
	"net/http"

	"gatehouse/graph/model"
	"gatehouse/internal/core"
)

var keyRoutes = []route{
	{"GET", "/api/keys", "keys", (*call).listKeys, keysUnlistable},
	{"GET", "/api/keys/detailed", "keys", (*call).listKeysDetailed, keysUnlistable},
	{"GET", "/api/keys/{id}", "key", (*call).getKey, keyErrors},
	{"POST", "/api/keys/preview", "previewKey", (*call).previewKey, keyErrors},
	{"POST", "/api/keys", "createKey", (*call).createKey, keyErrors},
	{"POST", "/api/keys/{id}", "createKey", (*call).createKey, keyErrors},
	{"PUT", "/api/keys/{id}", "updateKey", (*call).updateKey, keyErrors},
	{"PATCH", "/api/keys/{id}", "patchKey", (*call).patchKey, keyErrors},
	{"PUT", "/api/keys/{id}/reset-quota", "resetKeyQuota", (*call).resetKeyQuota, keyErrors},
	{"DELETE", "/api/keys/{id}", "deleteKey", (*call).deleteKey, keyErrors},
	{"POST", "/api/apis/keys/basic/{username}", "createBasicAuthUser", (*call).createBasicAuthUser, keyErrors},
	{"GET", "/api/apis/{api}/keys", "keys", (*call).listKeys, keysUnlistable},
	{"GET", "/api/apis/{api}/keys/search", "keys", (*call).listKeys, keysUnsearchable},
	{"GET", "/api/apis/{api}/keys/{id}", "key", (*call).getKey, keyErrors},
	{"PUT", "/api/apis/{api}/keys/{id}", "updateKey", (*call).updateKey, keyErrors},
	{"DELETE", "/api/apis/{api}/keys/{id}", "deleteKey", (*call).deleteKey, keyErrors},
}

var (
	keyErrors = legacyErrors{
		core.CodeMalformed: malformed403,
		core.CodeNotFound:  {http.StatusNotFound, "Could not retrieve key detail.", false},
	}
	// keysUnlistable answers where the configuration forbids to list hashes, and for an unknown API.
	keysUnlistable = legacyErrors{
		core.CodeNotFound:  {http.StatusNotFound, "Could not retrieve keys.", false},
		core.CodeForbidden: {http.StatusNotFound, "Could not retrieve keys", true},
	}
	// keysUnsearchable is the same for the search.
	keysUnsearchable = legacyErrors{
		core.CodeNotFound:  {http.StatusBadRequest, "Could not search keys.", false},
		core.CodeForbidden: {http.StatusBadRequest, "Could not search keys", true},
	}
)

// keyData is a key as the legacy API shows it.
type keyData struct {
	Model   struct{}      `json:"api_model"`
	ID      string        `json:"key_id"`
	Session core.Document `json:"data"`
	Hash    string        `json:"key_hash,omitempty"`
	// Warnings are in the answers to those who make a key, as in those to imports.
	Warnings []string `json:"Warnings,omitempty"`
}

func (c *call) keyData(id string, k *core.Key) (keyData, error) {
	hash, err := c.Fields.Key.KeyHash(c.ctx, k)
	return keyData{ID: id, Session: k.Public(), Hash: hash}, err
}

func (c *call) keys() fetch[core.Key] {
	filter := &model.KeyFilter{APIID: optionalVar(c.vars["api"]), ID: c.optional("q")}
	return func(first *int, after *string) (fetched[core.Key], error) {
		l, err := c.Query.Keys(c.ctx, first, after, filter, nil)
		if err != nil {
			return fetched[core.Key]{}, err
		}
		return fetched[core.Key]{l.Nodes, l.TotalCount, l.PageInfo}, nil
	}
}

func optionalVar(v string) *string {
	if v == "" {
		return nil
	}
	return &v
}

// listKeys answers with ids: hashes, where keys are hashed.
func (c *call) listKeys() (reply, error) {
	return listing(c, shape{`{"data":{"keys":[`, `]},"pages":`}, c.keys(), func(w io.Writer, k *core.Key) error {
		return writeValue(w, k.ID)
	})
}

func (c *call) listKeysDetailed() (reply, error) {
	return listing(c, shape{`{"keys":[`, `],"pages":`}, c.keys(), func(w io.Writer, k *core.Key) error {
		data, err := c.keyData(k.ID, k)
		if err != nil {
			return err
		}
		return writeValue(w, data)
	})
}

// writeValue writes a value as JSON, with what is a document in it spelled as it is.
func writeValue(w io.Writer, v any) error {
	var raw bytes.Buffer
	enc := json.NewEncoder(&raw)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	if err == nil {
		_, err = w.Write(bytes.TrimSuffix(raw.Bytes(), []byte("\n")))
	}
	return err
}

// identifier says what the id in the path is, by the parameters hashed, username and auto_guess.
func (c *call) identifier() *model.KeyIdentifier {
	by := model.KeyIdentifierToken
	switch {
	case c.flag("auto_guess"):
		by = model.KeyIdentifierAuto
	case c.flag("hashed"):
		by = model.KeyIdentifierHash
	case c.flag("username"):
		by = model.KeyIdentifierUsername
	}
	return &by
}

// underApi checks the API in the path of /api/apis/{api}/keys/...
func (c *call) underApi() error {
	if c.vars["api"] == "" {
		return nil
	}
	_, err := found(c.Query.API(c.ctx, c.vars["api"]))
	return err
}

func (c *call) getKey() (reply, error) {
	if err := c.underApi(); err != nil {
		return nil, err
	}
	k, err := found(c.Query.Key(c.ctx, c.vars["id"], c.identifier()))
	if err != nil {
		return nil, err
	}
	c.tag(&k.Meta)
	data, err := c.keyData(c.vars["id"], k)
	if err != nil {
		return nil, err
	}
	data.Session, err = c.counted(k, data.Session)
	return shown(data), err
}

// counted is a session with what is left of its quotas, as gateways have counted them, in the places where gateways
// show it.
func (c *call) counted(k *core.Key, session core.Document) (core.Document, error) {
	usage, err := c.Fields.Key.Usage(c.ctx, k)
	if err != nil || usage == nil {
		return session, err
	}
	var whole *model.KeyCounter
	counters := map[string]*model.KeyCounter{}
	err = every(c, func(first *int, after *string) (fetched[model.KeyCounter], error) {
		l, err := c.Fields.KeyUsage.Counters(c.ctx, usage, first, after)
		if err != nil {
			return fetched[model.KeyCounter]{}, err
		}
		return fetched[model.KeyCounter]{l.Nodes, l.TotalCount, l.PageInfo}, nil
	}, func(n *model.KeyCounter) error {
		switch {
		case n.QuotaMax < 0 || n.QuotaRemaining == n.QuotaMax && n.QuotaRenews == nil: // nothing was counted
		case n.Scope == "":
			whole = n
		default:
			counters[n.Scope] = n
		}
		return nil
	})
	if core.CodeOf(err) == core.CodeUnavailable {
		return session, nil
	}
	if err != nil {
		return nil, err
	}
	session = withCounter(session, whole)
	if len(counters) == 0 {
		return session, nil
	}
	return session.EachOf("access_rights", func(api string, right core.Document) core.Document {
		limit := right.Get("limit")
		if counters[api] == nil || !limit.Get("quota_max").Exists() {
			return right
		}
		return right.SetRaw("limit", withCounter(core.Document(limit.Raw), counters[api]))
	}), nil
}

// withCounter puts what was counted into a session, or a limit in one; nil is nothing.
func withCounter(doc core.Document, n *model.KeyCounter) core.Document {
	if n == nil {
		return doc
	}
	doc = doc.Set("quota_remaining", n.QuotaRemaining)
	if n.QuotaRenews != nil {
		doc = doc.Set("quota_renews", n.QuotaRenews.Unix())
	}
	return doc
}

// resetKeyQuota answers as a change of the key does.
func (c *call) resetKeyQuota() (reply, error) {
	k, err := c.Mutation.ResetKeyQuota(c.ctx, c.vars["id"], c.identifier())
	if err != nil {
		return nil, err
	}
	c.tag(&k.Meta)
	return done("Quota reset", ""), nil
}

func (c *call) previewKey() (reply, error) {
	doc, err := c.document()
	if err != nil {
		return nil, err
	}
	k, err := c.Query.PreviewKey(c.ctx, model.KeyInput{Session: doc})
	if err != nil {
		return nil, err
	}
	return shown(keyData{Session: k.Public(), Warnings: k.Warnings()}), nil
}

func (c *call) createKey() (reply, error) {
	doc, err := c.document()
	if err != nil {
		return nil, err
	}
	in := model.KeyInput{Session: doc, CustomID: optionalVar(c.vars["id"])}
	if c.flag("basic_auth") && in.CustomID == nil {
		user := doc.Text("basic_auth_data.user")
		if user == "" {
			return nil, core.Errorf(core.CodeInvalid, "basic_auth_data.user is required with basic_auth=true")
		}
		return c.created(c.Mutation.CreateBasicAuthUser(c.ctx, user, nil, in))
	}
	return c.created(c.Mutation.CreateKey(c.ctx, in))
}

func (c *call) createBasicAuthUser() (reply, error) {
	doc, err := c.document()
	if err != nil {
		return nil, err
	}
	return c.created(c.Mutation.CreateBasicAuthUser(c.ctx, c.vars["username"], nil, model.KeyInput{Session: doc}))
}

func (c *call) created(k *model.CreatedKey, err error) (reply, error) {
	if err != nil {
		return nil, err
	}
	c.tag(&k.Key.Meta)
	data, err := c.keyData(k.Token, &k.Key)
	if err != nil {
		return nil, err
	}
	data.Warnings = k.Key.Warnings()
	return shown(data), nil
}

// updateKey answers in both of the shapes that clients know: the status of old, and the key of newer servers.
func (c *call) updateKey() (reply, error) {
	if err := c.underApi(); err != nil {
		return nil, err
	}
	return changing(c, func(doc core.Document, revision *int) (*core.Key, error) {
		reset := c.param("suppress_reset") != "1"
		return c.Mutation.UpdateKey(c.ctx, c.vars["id"], c.identifier(), model.KeyInput{Session: doc}, revision, &reset)
	}, c.keyUpdated)
}

func (c *call) patchKey() (reply, error) {
	return changing(c, func(doc core.Document, revision *int) (*core.Key, error) {
		return c.Mutation.PatchKey(c.ctx, c.vars["id"], c.identifier(), doc, revision)
	}, c.keyUpdated)
}

// keyUpdated shows a key under the name by which it was asked for or, where the change gave it another token, under
// that, as keys that are created.
func (c *call) keyUpdated(k *core.Key) (reply, error) {
	data, err := c.keyData(cmp.Or(k.NewToken, c.vars["id"]), k)
	data.Warnings = k.Warnings()
	return shown(struct {
		answer
		keyData
	}{answer{Status: "OK", Message: "Key updated", Meta: ""}, data}), err
}

func (c *call) deleteKey() (reply, error) {
	if err := c.underApi(); err != nil {
		return nil, err
	}
	// The legacy text, as it is spelled there.
	return c.deleting(func(revision *int) (*model.Deleted, error) {
		return c.Mutation.DeleteKey(c.ctx, c.vars["id"], c.identifier(), revision)
	}, "Key deleted succesfully", "")
}
