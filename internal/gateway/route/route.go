// Package route says what APIs take of the routes of gateways, and when those of two organisations clash.
//
// It exists because gateways know one space of routes for all organisations, and let whoever comes last have one. A
// route is a listener (port and protocol), a domain, a path and the tags of the gateways that load the API. What an API
// takes of that space are its claims, and each claim is kept with the API as a few labels, so that who else claims a
// route, what lies inside of it and what it lies in are look-ups. It needs no I/O, and is a part of the domain, as
// core: the store keeps the labels.
//
// Of a path that holds a pattern, such as /shops/{id}/, the part before the pattern is claimed with everything inside:
// which requests the rest of it meets, and whether before or after the paths of others, is up to regular expressions
// and to lengths.
package route

import (
	"hash/fnv"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"

	"gatehouse/internal/core"
)

const (
	// maxClaimDepth is how many parts of a path are told apart. A longer path claims everything inside of its first ones.
	maxClaimDepth = 32
	// maxSegments is how many tags are told apart. An API with more is taken for one that every gateway loads.
	maxSegments = 200
	// lockCount is how many locks there are for routes; see Locks.
	lockCount = 512
)

// anySegment is the label of an API that any gateway may load.
const anySegment = "any"

// Rules say when the routes of two organisations clash.
type Rules struct {
	// Port is the port of the gateways, which 0 in a definition stands for; Host is their host name, at which APIs without
	// a domain are reached. 0 and "" are not known.
	Port int
	Host string
	// Strict has paths clash with a foreign / that they lie in, and APIs without a domain with those that have one.
	Strict bool
}

// Serves tells whether gateways route requests to the API: it is active, and not internal.
func Serves(a *core.Api) bool { return a.Active && (!a.Internal || overTCP(a)) }

// Listens is the label of the route of the API, and off of one whose API gateways do not serve.
func Listens(a *core.Api) string {
	if !Serves(a) {
		return off(a.Route())
	}
	return a.Route()
}

// off is the label of a route whose API gateways do not serve.
func off(route string) string { return "off " + route }

// overTCP tells whether the API is a plain connection. Gateways do not ask whether such a one is internal.
func overTCP(a *core.Api) bool { return a.Protocol == "tcp" || a.Protocol == "tls" }

// Segments are the labels of the gateways that may load the API: one for each tag, or one for all gateways where there
// is no tag. Those that are not segmented load all APIs, so that two clash when they share a tag, or one of them has
// none.
func Segments(a *core.Api) []string {
	if !Serves(a) {
		return nil
	}
	if a.TagsDisabled || len(a.Tags) == 0 || len(a.Tags) > maxSegments {
		return []string{anySegment}
	}
	out := make([]string, len(a.Tags))
	for i, tag := range a.Tags {
		out[i] = "tag " + tag
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// SharingSegments are the labels of which an API must carry one to be loaded by a gateway that loads one with these;
// nil is any.
func SharingSegments(segments []string) []string {
	if slices.Contains(segments, anySegment) {
		return nil
	}
	return append([]string{anySegment}, segments...)
}

// CoversSegments tells whether an API with the labels have is loaded wherever one with the labels want is.
func CoversSegments(have, want []string) bool {
	return slices.Contains(have, anySegment) ||
		!slices.ContainsFunc(want, func(s string) bool { return !slices.Contains(have, s) })
}

// claim is a path that an API takes on a listener and a domain.
type claim struct {
	port string
	// host is the domain, in the form that labels hold.
	host string
	// parts are those of the path before the first pattern; whole claims everything inside of them, too, and of / this,
	// too.
	parts []string
	whole bool
}

// The hosts that are no domain. A space is in no domain.
const (
	hostNone    = "none"    // any host that no API is bound to
	hostPattern = "pattern" // a domain that is a pattern, which may match any
	hostAll     = "all"     // what every API claims, whatever its domain
)

// claims are what an API takes: its listen path, and the path made of its public id, under which gateways serve each
// API, too.
func claims(a *core.Api) []claim {
	if !Serves(a) {
		return nil
	}
	host := hostOf(a)
	if overTCP(a) {
		return []claim{{port: "tcp:" + strconv.Itoa(a.ListenPort), host: host, whole: true}}
	}
	port := strconv.Itoa(a.ListenPort)
	parts, whole := claimedPath(a.ListenPath)
	out := []claim{{port, host, parts, whole}}
	if own, _ := claimedPath("/" + a.ApiID); a.ApiID != "" && !slices.Equal(own, parts) {
		out = append(out, claim{port, host, own, false})
	}
	return out
}

// hostOf is the domain as labels hold it. A host matches without its port and whatever the case.
func hostOf(a *core.Api) string {
	domain := strings.ToLower(a.Domain)
	if a.DomainDisabled {
		domain = ""
	}
	if strings.Contains(domain, "{") || strings.Contains(domain, "://") || strings.Contains(domain, "$secret_") {
		return hostPattern
	}
	return literalHost(domain)
}

func literalHost(domain string) string {
	domain = strings.ToLower(domain)
	if name, port, ok := strings.Cut(domain, ":"); ok && strings.Trim(port, "0123456789") == "" {
		domain = name
	}
	if domain = strings.TrimSuffix(domain, "."); domain == "" {
		return hostNone
	}
	return "host " + domain
}

// claimedPath is the part of a listen path before its first pattern, or before what gateways replace by a value of
// theirs, such as env://NAME, in parts; whole tells that there is such a thing.
func claimedPath(listenPath string) (parts []string, whole bool) {
	if at := strings.IndexByte(listenPath, '{'); at >= 0 {
		listenPath, whole = listenPath[:strings.LastIndexByte(listenPath[:at], '/')+1], true
	}
	for _, mark := range []string{"://", "$secret_"} {
		if at := strings.Index(listenPath, mark); at >= 0 {
			listenPath, whole = listenPath[:strings.LastIndexByte(listenPath[:at], '/')+1], true
		}
	}
	if plain, err := url.PathUnescape(listenPath); err == nil {
		listenPath = plain
	}
	for part := range strings.SplitSeq(path.Clean("/"+listenPath), "/") {
		if part == "" {
			continue
		}
		if len(parts) == maxClaimDepth {
			return parts, true
		}
		parts = append(parts, part)
	}
	return parts, whole
}

// at is the label of a claim of a path, or of what lies in one. A / that claims no more than what nobody else does has
// a label of its own.
func (c claim) at(host string) string {
	if len(c.parts) == 0 && !c.whole {
		return "root " + c.port + " " + host
	}
	return "at " + c.port + " " + host + " " + joined(c.parts)
}

func within(port, host string, parts []string) string {
	return "in " + port + " " + host + " " + joined(parts)
}

func joined(parts []string) string { return "/" + strings.Join(parts, "/") }

// Claims are the labels by which APIs find the claims of one.
func Claims(a *core.Api) []string {
	var out []string
	for _, c := range claims(a) {
		for _, host := range []string{c.host, hostAll} {
			out = append(out, c.at(host))
			for n := range c.parts {
				out = append(out, within(c.port, host, c.parts[:n]))
			}
		}
	}
	if Serves(a) && a.ListenPort > 0 {
		out = append(out, portLabel(a.ListenPort, a.Protocol))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func portLabel(port int, protocol string) string {
	return "port " + strconv.Itoa(port) + " " + protocol
}

// Clashes are the labels of which an API of another organisation that takes a route of this one, or gives it one of its
// own, has at least one.
func Clashes(a *core.Api, rules Rules) []string {
	var out []string
	for _, c := range claims(a) {
		for _, port := range rules.ports(c.port) {
			for _, host := range rules.hosts(c.host) {
				out = append(out, c.clashes(port, host, rules.Strict)...)
			}
		}
	}
	if Serves(a) && a.ListenPort > 0 {
		// A port speaks one protocol. "" is http or https.
		for _, p := range []string{"", "http", "https", "h2c", "tcp", "tls"} {
			if p == a.Protocol || p == "" && strings.HasPrefix(a.Protocol, "http") ||
				a.Protocol == "" && strings.HasPrefix(p, "http") {
				continue
			}
			out = append(out, portLabel(a.ListenPort, p))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Sharing are the labels of which an API of another organisation that shares the listen path of this one, without a
// clash, has at least one: a / that the path lies in or, where this one has the / itself, which root tells, paths
// inside of it.
func Sharing(a *core.Api, rules Rules) (labels []string, root bool) {
	taken := claims(a)
	if len(taken) == 0 || overTCP(a) || taken[0].whole && len(taken[0].parts) == 0 {
		return nil, false
	}
	rules.Strict = false
	c := taken[0]
	root = len(c.parts) == 0
	for _, port := range rules.ports(c.port) {
		for _, host := range rules.hosts(c.host) {
			if root {
				labels = append(labels, within(port, host, nil))
			} else {
				labels = append(labels, claim{port: port}.at(host))
			}
		}
	}
	return labels, root
}

func (c claim) clashes(port, host string, strict bool) []string {
	root, everything := claim{port: port}, claim{port: port, whole: true}
	out := []string{everything.at(host)}
	if len(c.parts) == 0 || strict {
		out = append(out, root.at(host))
	}
	for n := range c.parts {
		out = append(out, claim{port: port, parts: c.parts[:n+1]}.at(host))
	}
	if len(c.parts) > 0 || c.whole || strict {
		out = append(out, within(port, host, c.parts))
	}
	return out
}

// ports are those that are the same listener as port.
func (r Rules) ports(port string) []string {
	if own := strconv.Itoa(r.Port); r.Port > 0 && (port == "0" || port == own) {
		return []string{"0", own}
	}
	return []string{port}
}

// hosts are those at which a request may be for either of two APIs.
func (r Rules) hosts(host string) []string {
	own := literalHost(r.Host)
	switch {
	case host == hostPattern, host == hostNone && r.Strict:
		return []string{hostAll}
	case own != hostNone && (host == own || host == hostNone):
		return []string{hostNone, own, hostPattern}
	case r.Strict:
		return []string{host, hostNone, hostPattern}
	}
	return []string{host, hostPattern}
}

// Locks are the numbers, from 0 to lockCount-1, of the locks that whoever gives the API its routes has to hold: of two
// APIs that may clash, both need at least one. They are sorted.
func Locks(a *core.Api, strict bool) []int {
	var out []int
	for _, c := range claims(a) {
		if len(c.parts) == 0 && (c.whole && !overTCP(a) || strict) {
			for n := range lockCount {
				out = append(out, n)
			}
			break
		}
		first := ""
		if len(c.parts) > 0 {
			first = c.parts[0]
		}
		out = append(out, lockOf("/"+first))
	}
	if Serves(a) && a.ListenPort > 0 {
		out = append(out, lockOf("port "+strconv.Itoa(a.ListenPort)))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func lockOf(name string) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(name)) // never fails
	return int(h.Sum32() % lockCount)
}

// Address is where gateways at an address, such as http://gateway:8080, serve the API, and the host in it.
func Address(a *core.Api, gateways string) (address, host string) {
	at, err := url.Parse(gateways)
	if err != nil {
		at = &url.URL{Scheme: "http", Host: "localhost:8080"}
	}
	host = at.Host
	if a.Domain != "" {
		host = a.Domain
		if port := at.Port(); port != "" && !strings.Contains(host, ":") {
			host += ":" + port
		}
	}
	scheme := at.Scheme
	if a.Protocol == "https" || overTCP(a) {
		scheme = a.Protocol
	}
	return scheme + "://" + host + a.ListenPath, host
}

// At are the routes of the APIs that may serve a request for a path at a host and port, whether they are served or
// not, as Listens has them. Of a path that is deep, the first parts count.
func At(host, port, path string) []string {
	var routes []string
	segments := strings.Split(strings.Trim(path, "/"), "/")
	for n := range min(len(segments), maxClaimDepth) + 1 {
		path := "/" + strings.Join(segments[:n], "/")
		for _, domain := range []string{"", host} {
			for _, port := range []string{"0", port} {
				route := domain + ":" + port + path
				routes = append(routes, route, off(route))
			}
		}
	}
	return routes
}

// Nearer tells whether requests that fit an API and another go to the first: the path is longer, or as long on a
// domain of its own. Where nothing tells them apart, the id does.
func Nearer(a, other *core.Api) bool {
	if len(a.ListenPath) != len(other.ListenPath) {
		return len(a.ListenPath) > len(other.ListenPath)
	}
	if a.Domain != other.Domain {
		return a.Domain != ""
	}
	return a.ID < other.ID
}
