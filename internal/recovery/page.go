package recovery

import (
	_ "embed"
	"html/template"
	"net/http"
)

//go:embed page.html
var pageText string

var page = template.Must(template.New("page").Parse(pageText))

// Page is the page that a link leads to: a form for the new password, or what became of it. It works without scripts.
// Opening it uses no link, since programs that look for harm in mail do.
type Page struct {
	// Token is that of the link; without it, the page has no form.
	Token string
	// Message is what there is to tell.
	Message string
	// Status is that of the answer; 0 is 200.
	Status int
}

// Write answers with the page.
func (p Page) Write(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	// The address holds the token.
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Security-Policy", "default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	if p.Status != 0 {
		w.WriteHeader(p.Status)
	}
	_ = page.Execute(w, p) // the client may be gone
}

// ServePage answers GET /reset?token=...
func ServePage(w http.ResponseWriter, r *http.Request) {
	p := Page{Token: r.URL.Query().Get("token")}
	if p.Token == "" {
		p.Message = "This address lacks the token of a link: open the link of the e-mail as it is."
	}
	p.Write(w)
}
