package rest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/rogpeppe/go-internal/txtar"
	"github.com/stretchr/testify/require"

	"gatehouse/internal/apptest"
	"gatehouse/internal/gateway/gatewaytest"
	"gatehouse/store"
)

// answerSection is the name of the sections of a golden file that hold answers; the others hold requests, under a
// sentence that says what they show.
const answerSection = "answer"

// script is a golden file: requests that follow each other on one server, each with the answer that it gets.
type script struct {
	archive *txtar.Archive
	// env are the settings of the server: the lines of the file's comment that start with "env ".
	env []string
	// gateway is for a server that has a gateway to call: a line of the comment is "gateway".
	gateway bool
	// redis is for a server that has the gateways' Redis: a line of the comment is "redis".
	redis bool
	steps []*step
}

// step is one request and its answer.
type step struct {
	name    string
	request string
	answer  string
}

// exchange is a request as it was sent, with what came back.
type exchange struct {
	method, target, body string
	header               http.Header
	reply                apptest.Reply
}

func readScript(t testing.TB, path string) *script {
	t.Helper()
	archive, err := txtar.ParseFile(path)
	require.NoError(t, err)
	s := &script{archive: archive}
	for line := range strings.Lines(string(archive.Comment)) {
		if setting, ok := strings.CutPrefix(strings.TrimSpace(line), "env "); ok {
			s.env = append(s.env, setting)
		}
		s.gateway = s.gateway || strings.TrimSpace(line) == "gateway"
		s.redis = s.redis || strings.TrimSpace(line) == "redis"
	}
	for _, f := range archive.Files {
		if f.Name != answerSection {
			s.steps = append(s.steps, &step{name: f.Name, request: string(f.Data)})
			continue
		}
		require.NotEmpty(t, s.steps, "%s: an answer comes before any request", path)
		s.steps[len(s.steps)-1].answer = string(f.Data)
	}
	return s
}

// format writes the script with the given answers.
func (s *script) format(answers []string) []byte {
	out := &txtar.Archive{Comment: s.archive.Comment}
	for i, st := range s.steps {
		out.Files = append(
			out.Files,
			txtar.File{Name: st.name, Data: []byte(st.request)},
			txtar.File{Name: answerSection, Data: []byte(answers[i])},
		)
	}
	return txtar.Format(out)
}

// play sends the requests to a fresh server and returns what happened, and each answer as a golden file holds it.
func (s *script) play(t testing.TB, more ...apptest.Option) (exchanges []exchange, answers []string) {
	t.Helper()
	if s.redis {
		more = append(more, apptest.WithRedis(miniredis.RunT(t).Addr()))
	}
	gatewayURL := ""
	if s.gateway {
		g := gatewaytest.New(t)
		gatewayURL, more = g.URL, append(more, apptest.WithEnv(g.Env()...))
	}
	srv := apptest.New(t, append(more, apptest.WithEnv(s.env...), apptest.WithStore(store.WithClock(ticking())))...)
	names := newNames(s.steps)
	names.set("org", srv.OrgID)
	names.set("user", srv.UserID)
	names.set("access-key", srv.AccessKey)
	names.set("admin-secret", apptest.AdminSecret)
	if s.gateway {
		names.set("gateway", gatewayURL)
	}
	if names.uses("<other-") {
		org, key := srv.Organisation(t, "other")
		names.set("other-org", org)
		names.set("other-access-key", key)
	}
	for _, st := range s.steps {
		e := names.parse(t, st)
		var headers []string
		for name, values := range e.header {
			headers = append(headers, name+": "+values[0])
		}
		e.reply = srv.Do(t, e.method, e.target, e.body, headers...)
		exchanges, answers = append(exchanges, e), append(answers, names.show(e.reply))
	}
	return exchanges, answers
}

// ticking is a clock that moves a second with each look at it, so that no two objects are of the same age.
func ticking() func() time.Time {
	start, ticks := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), make(chan int, 1)
	ticks <- 0
	return func() time.Time {
		n := <-ticks
		ticks <- n + 1
		return start.Add(time.Duration(n) * time.Second)
	}
}

// names stand in golden files for values that differ from run to run: ids, keys, hashes and times. A value keeps its
// name through the file, and requests use the names of values that came before.
type names struct {
	values map[string]string
	of     map[string]string
	counts map[string]int
	// requests is the text of all requests. What it holds in the open is not volatile, and is shown as it is.
	requests string
}

func newNames(steps []*step) *names {
	n := &names{values: map[string]string{}, of: map[string]string{}, counts: map[string]int{}}
	for _, st := range steps {
		n.requests += st.request
	}
	return n
}

func (n *names) uses(text string) bool { return strings.Contains(n.requests, text) }

func (n *names) set(name, value string) { n.values[name], n.of[value] = value, name }

var namePattern = regexp.MustCompile(`<[a-z]+(-[a-z0-9]+)*>`)

// expand puts the values into the place of their names.
func (n *names) expand(t testing.TB, text string, escape func(string) string) string {
	return namePattern.ReplaceAllStringFunc(text, func(name string) string {
		value, known := n.values[strings.Trim(name, "<>")]
		require.True(t, known, "%s is the name of nothing that came before", name)
		return escape(value)
	})
}

// parse reads a request: the method and the path, header lines, and behind an empty line the body. Requests carry the
// credentials of the administrator, unless they have headers of their own for that; an empty one sends none.
func (n *names) parse(t testing.TB, st *step) exchange {
	t.Helper()
	head, body, _ := strings.Cut(st.request, "\n\n")
	plain := func(s string) string { return s }
	lines := strings.Split(strings.TrimSpace(head), "\n")
	method, target, ok := strings.Cut(lines[0], " ")
	require.True(t, ok, "%s: a request starts with a method and a path", st.name)
	e := exchange{
		method: method,
		target: n.expand(t, target, url.PathEscape),
		body:   n.expand(t, strings.TrimSuffix(body, "\n"), plain),
		header: http.Header{},
	}
	for _, line := range lines[1:] {
		name, value, ok := strings.Cut(line, ":")
		require.True(t, ok, "%s: %q is no header", st.name, line)
		e.header.Set(name, n.expand(t, strings.TrimSpace(value), plain))
	}
	credentials := [2]string{"Authorization", n.values["access-key"]}
	if strings.HasPrefix(e.target, "/admin/") {
		credentials = [2]string{"admin-auth", n.values["admin-secret"]}
	}
	if _, own := e.header[http.CanonicalHeaderKey(credentials[0])]; !own {
		e.header.Set(credentials[0], credentials[1])
	}
	return e
}

// shownHeaders are the headers of an answer that are contract. A Content-Type of JSON goes without saying.
var shownHeaders = []string{"Allow", "Content-Type", "ETag", "Location"}

// show writes an answer as golden files hold it: status, headers, and the body with its fields in their order.
func (n *names) show(r apptest.Reply) string {
	var out bytes.Buffer
	fmt.Fprintf(&out, "%d\n", r.Status)
	if token := r.Get("Meta").Str; regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`).MatchString(token) {
		n.set("nonce", token)
		r.Body = bytes.Replace(r.Body, []byte(token), []byte("<nonce>"), 1)
	}
	if set, err := http.ParseSetCookie(r.Header.Get("Set-Cookie")); err == nil {
		n.set("cookie", set.Value)
		fmt.Fprintf(&out, "Set-Cookie: %s\n", strings.Replace(set.String(), "="+set.Value, "=<cookie>", 1))
	}
	for _, name := range shownHeaders {
		if v := r.Header.Get(name); v != "" && v != "application/json" {
			fmt.Fprintf(&out, "%s: %s\n", name, v)
		}
	}
	out.WriteByte('\n')
	if err := json.Indent(&out, r.Body, "", "  "); err != nil {
		out.Write(r.Body)
	}
	out.WriteByte('\n')
	return volatile.ReplaceAllStringFunc(out.String(), n.nameOf)
}

// volatile finds what may differ from run to run; the groups are in the order of kinds.
var volatile = regexp.MustCompile(`\b(?:` + strings.Join([]string{
	`(eyJ[A-Za-z0-9+/]{20,}={0,2})`,
	`([12]\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z)`,
	`([A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d [A-Z]{3})`,
	`(1[5-9]\d{8})\b`,
	`([0-9a-f]{88})\b`,
	`([0-9a-f]{24})\b`,
	`([0-9a-f]{32})\b`,
	`([0-9a-f]{16})\b`,
}, "|") + `)`)

var kinds = []string{"token", "time", "date", "timestamp", "certificate", "id", "hex", "hash"}

// nameOf returns the name of a volatile value, a new one at its first appearance.
func (n *names) nameOf(value string) string {
	if n.uses(value) {
		return value
	}
	name, known := n.of[value]
	if !known {
		kind := kinds[slices.IndexFunc(volatile.FindStringSubmatch(value)[1:], func(group string) bool { return group != "" })]
		n.counts[kind]++
		name = kind + "-" + strconv.Itoa(n.counts[kind])
		n.set(name, value)
	}
	return "<" + name + ">"
}
