package nodes

import (
	"bufio"
	"context"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/tidwall/gjson"

	"gatehouse/internal/core"
	"gatehouse/internal/httpserver"
	"gatehouse/store"
)

const (
	// feedPage is how many documents of a feed are sent at a time, while as many more are read.
	feedPage = 100
	// feedBuffer is how many bytes are sent at once.
	feedBuffer = 64 << 10
)

// version names one state of a document.
type version struct {
	id       string
	revision int64
	// updated tells an object from a later one that was given the same id.
	updated time.Time
}

// source is where a feed comes from.
type source[T any] struct {
	list func(context.Context, store.Query) (*store.List[T], error)
	// where picks what is sent.
	where []store.Cond
	// elements returns what is sent of a page.
	elements func(context.Context, []*T) ([][]byte, error)
	// open and close are the text around an element.
	open, close string
}

// feedApis sends the definitions of the active APIs of all organisations. Gateways serve whatever they are sent, so
// those that are switched off are not.
func (r *Registry) feedApis(w http.ResponseWriter, c *call) error {
	sent, err := send(r, w, c, source[core.Api]{
		list: r.o.Store.Apis.List, where: []store.Cond{store.Between("active", 1, 1)}, elements: r.definitions,
		open: `{"api_definition":`, close: `,"oas":null}`,
	})
	if err == nil {
		r.loaded(c, func(n *node) { n.ApisLoadedAt, n.ApisServed = &c.at, sent })
	}
	return err
}

// feedPolicies sends all policies; gateways tell by their fields which of them count.
func (r *Registry) feedPolicies(w http.ResponseWriter, c *call) error {
	_, err := send(r, w, c, source[core.Policy]{list: r.o.Store.Policies.List, elements: r.policyDocuments})
	if err == nil {
		r.loaded(c, func(n *node) { n.PoliciesLoadedAt = &c.at })
	}
	return err
}

func (r *Registry) loaded(c *call, note func(*node)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	note(c.node)
	c.node.LastSeen, c.node.dirty = r.now(), true
}

// send streams a feed, and returns how many elements it has. The next page is read while one is sent. What fails before
// the first byte has its status; what fails later breaks the connection, since gateways would drop what a short list
// lacks.
func send[T any](r *Registry, w http.ResponseWriter, c *call, from source[T]) (int, error) {
	// A feed is as long as the installation is large, and a gateway may be far away: it is bounded by its progress.
	ctx, cancel := context.WithCancel(httpserver.Streaming(c.Context()))
	defer cancel()
	pages := read(ctx, from)
	next := func() ([][]byte, bool, error) {
		p, ok := <-pages
		if !ok || p.err != nil {
			return nil, ok, p.err
		}
		elements, err := from.elements(ctx, p.objects)
		return elements, true, err
	}
	elements, more, err := next()
	if err != nil {
		return 0, err
	}
	w.Header().Set("Content-Type", "application/json")
	out := bufio.NewWriterSize(w, feedBuffer)
	_, _ = out.WriteString(`{"Message":[`) // a bufio.Writer keeps its first error for Flush
	sent := 0
	for more {
		for _, element := range elements {
			if sent > 0 {
				_ = out.WriteByte(',')
			}
			sent++
			_, _ = out.WriteString(from.open)
			_, _ = out.Write(element)
			_, _ = out.WriteString(from.close)
		}
		if elements, more, err = next(); err != nil {
			r.o.Log.ErrorContext(
				ctx,
				"what a gateway loads broke off",
				slog.String("node_id", c.node.ID),
				slog.Any("error", err),
			)
			panic(http.ErrAbortHandler)
		}
	}
	if ctx.Err() != nil {
		panic(http.ErrAbortHandler) // the reader may have ended with the context, not with the list
	}
	r.mu.Lock()
	counter := c.node.nextOfFeed()
	r.mu.Unlock()
	_, _ = out.WriteString(`],"Nonce":"` + r.nonces.sign(c.node.ID, counter) + `","Status":"OK"}`)
	if out.Flush() != nil {
		panic(http.ErrAbortHandler) // the gateway went away; it has not loaded this
	}
	return sent, nil
}

type page[T any] struct {
	objects []*T
	err     error
}

// read reads a source page by page, ahead of its reader by one. The channel ends with the source, after an error, and
// with ctx.
func read[T any](ctx context.Context, from source[T]) <-chan page[T] {
	pages := make(chan page[T])
	go func() {
		defer close(pages)
		q := store.Query{Tenant: store.AllTenants(), Where: from.where, Sort: "id", Limit: feedPage}
		for more := true; more; {
			l, err := from.list(ctx, q)
			p := page[T]{err: err}
			if err == nil {
				p.objects = l.Objects
			}
			select {
			case pages <- p:
			case <-ctx.Done():
				return
			}
			if more = err == nil && l.More; more {
				q.After = l.Cursors[len(l.Cursors)-1]
			}
		}
	}()
	return pages
}

// definitions are the API definitions out of a page of APIs. Webhooks that an API refers to are in it as they are now:
// they may have changed since the API was saved.
func (r *Registry) definitions(ctx context.Context, page []*core.Api) ([][]byte, error) {
	out := make([][]byte, 0, len(page))
	hooked := map[int]*core.Api{} // by their place in out
	var ids []string
	var sent []*core.Api
	for _, a := range page {
		if !r.fits(ctx, "API", &a.Meta, a.Definition, r.o.Rules.CheckApi) {
			continue
		}
		var definition []byte
		refers := false
		gjson.ParseBytes(a.Definition).ForEach(func(key, value gjson.Result) bool { // one walk for both: a definition is long
			switch key.Str {
			case "api_definition":
				definition = a.Definition[value.Index : value.Index+len(value.Raw)]
			case "hook_references":
				refers = value.Get("0").Exists()
			}
			return true
		})
		if refers {
			hooked[len(out)] = a
			for _, ref := range core.HookReferences(a.Definition) {
				ids = append(ids, ref.ID)
			}
		}
		out, sent = append(out, definition), append(sent, a)
	}
	if len(ids) > 0 {
		slices.Sort(ids)
		found, err := r.o.Store.Webhooks.FindMany(ctx, store.AllTenants(), "id", slices.Compact(ids))
		if err != nil {
			return nil, err
		}
		hooks := make(map[string]*core.Webhook, len(found))
		for _, w := range found {
			hooks[w.ID] = w
		}
		for i, a := range hooked {
			out[i] = []byte(embed(a, hooks).Get("api_definition").Raw)
		}
	}
	if err := r.bound(ctx, sent, out); err != nil {
		return nil, err
	}
	return out, nil
}

// bound keeps definitions within their organisations: the certificates that they name, the APIs that they hand requests
// to, and what else they name. apis[i] is the API of out[i].
func (r *Registry) bound(ctx context.Context, apis []*core.Api, out [][]byte) error {
	if err := r.ownCertificates(ctx, apis, out); err != nil {
		return err
	}
	if err := r.loop(ctx, apis, out); err != nil {
		return err
	}
	return r.confine(ctx, apis, out)
}

// Definition is the definition of an API as gateways are told it, whether it is active or not; nil for one that they
// must not be given.
func (r *Registry) Definition(ctx context.Context, a *core.Api) (core.Document, error) {
	told, err := r.definitions(ctx, []*core.Api{a})
	if err != nil || len(told) == 0 {
		return nil, err
	}
	return told[0], nil
}

// embed returns the document of an API with the webhooks that it refers to.
func embed(a *core.Api, hooks map[string]*core.Webhook) core.Document {
	var embedded []core.EmbeddedHook
	for _, ref := range core.HookReferences(a.Definition) {
		if w := hooks[ref.ID]; w != nil && w.OrgID == a.OrgID && core.IsEvent(ref.Event) {
			embedded = append(embedded, core.EmbeddedHook{Event: ref.Event, Timeout: ref.Timeout, Hook: w.Document})
		}
	}
	return a.Definition.EmbedHooks(embedded)
}

func (r *Registry) policyDocuments(ctx context.Context, page []*core.Policy) ([][]byte, error) {
	out := make([][]byte, 0, len(page))
	documents, err := r.confinedPolicies(ctx, page)
	if err != nil {
		return nil, err
	}
	for i, p := range page {
		if r.fits(ctx, "policy", &p.Meta, p.Document, r.o.Rules.CheckPolicy) {
			out = append(out, documents[i])
		}
	}
	return out, nil
}

// fits tells whether gateways can read a document. One that they cannot read would make them refuse the whole feed, so
// it is left out, with a line in the log for each of its revisions. What is saved is checked; this is for what was
// saved before.
func (r *Registry) fits(
	ctx context.Context,
	kind string,
	m *core.Meta,
	doc core.Document,
	check func(core.Document) ([]string, error),
) bool {
	v := version{m.ID, m.Revision, m.UpdatedAt}
	refused, seen := r.refused.Get(v)
	if !seen {
		_, err := check(doc)
		refused = err != nil
		r.refused.Add(v, refused)
		if refused {
			r.o.Log.WarnContext(ctx, "gateways must not be given a document: it is kept from them until it is corrected",
				slog.String("kind", kind), slog.String("id", m.ID), slog.String("org_id", m.OrgID), slog.Any("error", err))
		}
	}
	return !refused
}
