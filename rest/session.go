package rest

import (
	"bytes"
	"net/http"
	"net/url"
	"time"

	"gatehouse/graph/model"
	"gatehouse/internal/core"
)

var sessionRoutes = []route{
	{"POST", "/login", "logIn", (*call).logIn, nil},
	{"POST", "/logout", "logOut", (*call).logOut, nil},
	{"GET", "/api/sessions", "mySessions", (*call).mySessions, nil},
	{"POST", "/api/sessions/organisation", "switchOrganisation", (*call).switchOrganisation, nil},
	{"DELETE", "/api/sessions/{id}", "endSession", (*call).endSession, nil},
	{"GET", "/api/users/{id}/sessions", "userSessions", (*call).userSessions, userErrors},
	{"DELETE", "/api/users/{id}/sessions", "endSessions", (*call).endSessions, userErrors},
}

// sessionShown is what REST shows of a session.
type sessionShown struct {
	ID        string    `json:"id"`
	OrgID     string    `json:"org_id"`
	UserID    string    `json:"user_id"`
	How       string    `json:"how"`
	CreatedAt time.Time `json:"created_at"`
	LastSeen  time.Time `json:"last_seen_at"`
	Ends      time.Time `json:"ends_at"`
	Address   string    `json:"address"`
	Agent     string    `json:"agent"`
	Current   bool      `json:"current"`
}

func (c *call) sessions(list []*core.Session, err error) (reply, error) {
	if err != nil {
		return nil, err
	}
	out := struct {
		Sessions []sessionShown `json:"sessions"`
	}{[]sessionShown{}}
	for _, s := range list {
		current, err := c.Fields.Session.Current(c.ctx, s)
		if err != nil {
			return nil, err
		}
		out.Sessions = append(out.Sessions, sessionShown{
			s.ID, s.OrgID, s.UserID, s.How, s.CreatedAt, s.LastSeen, s.Ends(), s.Address, s.Agent, current,
		})
	}
	return shown(out), nil
}

func (c *call) mySessions() (reply, error) { return c.sessions(c.Query.MySessions(c.ctx)) }

func (c *call) userSessions() (reply, error) {
	return c.sessions(c.Query.UserSessions(c.ctx, c.vars["id"]))
}

// logIn takes a JSON object, or what a form of a page sends: a form is answered by the way to the next page.
func (c *call) logIn() (reply, error) {
	raw, err := c.body()
	if err != nil {
		return nil, err
	}
	if body := bytes.TrimSpace(raw); len(body) > 0 && body[0] != '{' {
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return nil, core.Wrap(core.CodeMalformed, err, "the form could not be read")
		}
		s, err := c.Mutation.LogIn(c.ctx, form.Get("username"), form.Get("password"), optionalVar(form.Get("org_id")), optionalVar(form.Get("new_password")))
		switch {
		case core.CodeOf(err) == core.CodeUnauthenticated:
			return redirect("/?fail=true"), nil
		case err != nil || s.Session == nil:
			return c.signedIn(s, err)
		}
		return redirect("/"), nil
	}
	doc, err := core.ParseDocument(raw)
	if err != nil {
		return nil, err
	}
	if doc.Text("username") == "" {
		return nil, core.InField("username", "is required: the e-mail address")
	}
	return c.signedIn(c.Mutation.LogIn(c.ctx, doc.Text("username"), doc.Text("password"), optionalVar(doc.Text("org_id")), optionalVar(doc.Text("new_password"))))
}

// redirect has a browser ask for a page of ours.
func redirect(to string) reply {
	return func(w http.ResponseWriter) {
		w.Header().Set("Location", to)
		w.WriteHeader(http.StatusSeeOther)
	}
}

// signedIn answers with who has signed in, or with the organisations to choose from.
func (c *call) signedIn(s *model.SignIn, err error) (reply, error) {
	if err != nil {
		return nil, err
	}
	type organisation struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	}
	meta := struct {
		UserID        string         `json:"user_id"`
		OrgID         string         `json:"org_id"`
		Organisations []organisation `json:"organisations"`
	}{Organisations: []organisation{}}
	for _, o := range s.Organisations {
		meta.Organisations = append(meta.Organisations, organisation{o.ID, o.Name})
	}
	if s.Session == nil {
		return done("Choose an organisation", meta), nil
	}
	meta.UserID, meta.OrgID = s.User.ID, s.User.OrgID
	return done("Signed in", meta), nil
}

func (c *call) logOut() (reply, error) {
	if _, err := c.Mutation.LogOut(c.ctx); err != nil {
		return nil, err
	}
	return done("Signed out", nil), nil
}

func (c *call) switchOrganisation() (reply, error) {
	doc, err := c.document()
	if err != nil {
		return nil, err
	}
	return c.signedIn(c.Mutation.SwitchOrganisation(c.ctx, doc.Text("org_id")))
}

func (c *call) endSession() (reply, error) {
	if _, err := c.Mutation.EndSession(c.ctx, c.vars["id"]); err != nil {
		return nil, err
	}
	return done("Session ended", nil), nil
}

func (c *call) endSessions() (reply, error) {
	if _, err := c.Mutation.EndSessions(c.ctx, c.vars["id"]); err != nil {
		return nil, err
	}
	return done("Sessions ended", nil), nil
}
