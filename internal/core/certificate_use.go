package core

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"
)

// The uses that an API has for a certificate.
const (
	certificateClient   = "client"   // clients that show it are let in
	certificateUpstream = "upstream" // the gateway shows it to the upstream, or signs requests with it
	certificateServer   = "server"   // the gateway serves the domain of the API with it
	certificatePinned   = "pinned"   // the upstream must show its public key
)

// certificateField is a field by which gateways are told to use certificates.
type certificateField struct {
	// path are the names that lead to it.
	path []string
	// named is how it names them.
	named certificateNaming
	// use is what an API uses them for; "" in sessions.
	use string
	// files tells that gateways read a file where the name is no id that they know.
	files bool
}

// certificateNaming is how a field names certificates.
type certificateNaming uint8

const (
	oneCertificate certificateNaming = iota
	listOfCertificates
	// One for each host, and several for each host with commas between them.
	certificateByHost
	certificatesByHost
)

// apiCertificates and sessionCertificates are all fields of definitions and of sessions by which gateways are told to
// use certificates, in releases 5.5 to 5.15. Policies have none.
var (
	apiCertificates = []certificateField{
		{[]string{"client_certificates"}, listOfCertificates, certificateClient, true},
		{[]string{"certificates"}, listOfCertificates, certificateServer, true},
		{[]string{"upstream_certificates"}, certificateByHost, certificateUpstream, true},
		{[]string{"request_signing", "certificate_id"}, oneCertificate, certificateUpstream, true},
		{[]string{"pinned_public_keys"}, certificatesByHost, certificatePinned, true},
	}
	sessionCertificates = []certificateField{
		// The one that the key stands for, those that it is bound to, and the one that checks its signatures.
		{[]string{"certificate"}, oneCertificate, "", false},
		{[]string{"mtls_static_certificate_bindings"}, listOfCertificates, "", false},
		{[]string{"rsa_certificate_id"}, oneCertificate, "", true},
	}
)

// CertificateFields are the paths of all fields of definitions and of sessions by which gateways are told to use
// certificates.
func CertificateFields() (definitions, sessions []string) {
	for _, f := range apiCertificates {
		definitions = append(definitions, strings.Join(f.path, "."))
	}
	for _, f := range sessionCertificates {
		sessions = append(sessions, strings.Join(f.path, "."))
	}
	return definitions, sessions
}

// CertificateRef is a place where a definition or a session names a certificate.
type CertificateRef struct {
	// ID is what stands there, without white space around it; never "".
	ID string
	// Use is what an API uses it for: "client", "upstream", "server" or "pinned"; "" in sessions.
	Use string
	// Field is the place, as a path in the document.
	Field string
	// Readable tells that gateways read a file of that name where they know no certificate of it.
	Readable bool

	// slot is the place without the number in a list.
	slot string
}

// Key is the same for references that say the same, wherever in a list they stand.
func (c CertificateRef) Key() [2]string { return [2]string{c.slot, c.ID} }

// CertificateName says what the name of a certificate is.
type CertificateName uint8

// What a name may be, as gateways read it.
const (
	// CertificateOwn is the id of a certificate of the organisation, whether there is one or not.
	CertificateOwn CertificateName = iota
	// CertificateDeferred is put in by the gateway, from its environment or a store of secrets.
	CertificateDeferred
	// CertificateForeign looks like the id of a certificate that is not the organisation's.
	CertificateForeign
	// CertificateOther is what the gateways have of their own: a file, or a certificate that is no organisation's.
	CertificateOther
)

// foreignCertificate is an id: whose it is, and a fingerprint. Names of files with a fingerprint in them are none.
var foreignCertificate = regexp.MustCompile(`^[^/\\.]+[0-9a-fA-F]{64}$`)

// fingerprintLength is that of a SHA-256 in hex.
const fingerprintLength = 64

// Of says what the name is to an organisation.
func (c CertificateRef) Of(org string) CertificateName {
	switch {
	case org != "" && strings.HasPrefix(c.ID, org) && len(c.ID) == len(org)+fingerprintLength && isHex(c.ID[len(org):]):
		return CertificateOwn
	case deferredName.MatchString(c.ID):
		return CertificateDeferred
	case foreignCertificate.MatchString(c.ID):
		return CertificateForeign
	}
	return CertificateOther
}

// deferredName is a reference that gateways replace.
var deferredName = regexp.MustCompile(`^(?:(?:env|secrets|consul|vault|kv|file)://|\$secret_|\$kv\{|\$env\{)`)

func isHex(s string) bool {
	return !strings.ContainsFunc(s, func(c rune) bool {
		return !(c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F')
	})
}

// CertificateRefs are the places where the definition names certificates. What is named counts even while it is
// switched off in the definition, since switching it on names nothing new.
func (a *Api) CertificateRefs() []CertificateRef {
	return certificateRefs(a.Definition.Get("api_definition"), apiCertificates, "api_definition.")
}

// CertificateRefs are the places where the session names certificates.
func (k *Key) CertificateRefs() []CertificateRef {
	return certificateRefs(gjson.ParseBytes(k.Session), sessionCertificates, "")
}

// CertificateUses lists what an API can use a certificate for.
func CertificateUses() []string {
	return []string{certificateClient, certificateUpstream, certificateServer, certificatePinned}
}

// Certificates returns the ids of the certificates that the definition names, with what for: any of "client",
// "upstream", "server" and "pinned", sorted.
func (a *Api) Certificates() map[string][]string {
	out := map[string][]string{}
	for _, ref := range a.CertificateRefs() {
		if !slices.Contains(out[ref.ID], ref.Use) {
			out[ref.ID] = append(out[ref.ID], ref.Use)
		}
	}
	for _, uses := range out {
		slices.Sort(uses)
	}
	return out
}

// Certificates returns the ids of the certificates that the session names, sorted, each once.
func (k *Key) Certificates() []string {
	var ids []string
	for _, ref := range k.CertificateRefs() {
		ids = append(ids, ref.ID)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

func certificateRefs(object gjson.Result, fields []certificateField, prefix string) (out []CertificateRef) {
	eachCertificate(object, fields, prefix, func(f certificateField, slot, place string, value gjson.Result) {
		for id := range f.names(value.Str) {
			if id = strings.TrimSpace(id); id != "" {
				out = append(out, CertificateRef{ID: id, Use: f.use, Field: place, Readable: f.files, slot: slot})
			}
		}
	})
	return out
}

// names are the names in one text.
func (f certificateField) names(text string) func(func(string) bool) {
	if f.named == certificatesByHost {
		return strings.SplitSeq(text, ",")
	}
	return func(yield func(string) bool) { yield(text) }
}

// eachCertificate calls f for each text in the fields, under whatever spelling gateways read them, with its place,
// without and with the number in a list. An object is walked through once, and only fields that are there are read.
func eachCertificate(
	object gjson.Result,
	fields []certificateField,
	prefix string,
	f func(field certificateField, slot, place string, value gjson.Result),
) {
	object.ForEach(func(name, value gjson.Result) bool {
		for _, field := range fields {
			if !strings.EqualFold(name.Str, field.path[0]) {
				continue
			}
			place := prefix + name.Str
			if len(field.path) > 1 {
				inner := field
				inner.path = field.path[1:]
				if value.IsObject() {
					eachCertificate(value, []certificateField{inner}, place+".", f)
				}
				continue
			}
			field.each(value, place, f)
		}
		return true
	})
}

// each calls visit for each text in a field.
func (f certificateField) each(
	value gjson.Result,
	place string,
	visit func(field certificateField, slot, place string, value gjson.Result),
) {
	switch {
	case f.named == oneCertificate:
		if value.Type == gjson.String {
			visit(f, place, place, value)
		}
	case f.named == listOfCertificates && value.IsArray():
		i := 0
		value.ForEach(func(_, id gjson.Result) bool {
			if id.Type == gjson.String {
				visit(f, place, place+"["+strconv.Itoa(i)+"]", id)
			}
			i++
			return true
		})
	case f.named != listOfCertificates && value.IsObject():
		value.ForEach(func(host, id gjson.Result) bool {
			if id.Type == gjson.String {
				visit(f, place+"."+host.Str, place+"."+excerpt(host.Str), id)
			}
			return true
		})
	}
}

// NoCertificate is an id of the organisation that no certificate has. Gateways find nothing under it, and so let nobody
// in, show nothing and take no upstream for the right one; without a name at all, a pinned upstream would be any.
func NoCertificate(org string) string { return org + strings.Repeat("0", fingerprintLength) }

// WithoutForeignCertificates returns a definition, as gateways are sent it, with NoCertificate in the place of what
// looks like a certificate that is not the organisation's, and how many it replaced. Where there is none it is the
// definition itself.
func WithoutForeignCertificates(definition Document, org string) (out Document, replaced int) {
	var text bytes.Buffer
	last := 0
	eachCertificate(
		gjson.ParseBytes(definition),
		apiCertificates,
		"",
		func(f certificateField, _, _ string, value gjson.Result) {
			var names []string
			before := replaced
			for name := range f.names(value.Str) {
				if (CertificateRef{ID: strings.TrimSpace(name)}).Of(org) == CertificateForeign {
					name = NoCertificate(org)
					replaced++
				}
				names = append(names, name)
			}
			if replaced == before {
				return
			}
			text.Write(definition[last:value.Index])
			raw, err := json.Marshal(strings.Join(names, ","))
			if err != nil {
				panic("core: certificates: " + err.Error()) // a string always is JSON
			}
			text.Write(raw)
			last = value.Index + len(value.Raw)
		},
	)
	if replaced == 0 {
		return definition, 0
	}
	text.Write(definition[last:])
	return text.Bytes(), replaced
}

// WithoutCertificate is the definition with a certificate taken out of client_certificates and upstream_certificates,
// under whatever spelling gateways read them.
func (a *Api) WithoutCertificate(id string) (Document, error) {
	doc := a.Definition
	patch := map[string]any{}
	doc.Get("api_definition").ForEach(func(name, value gjson.Result) bool {
		switch {
		case strings.EqualFold(name.Str, "client_certificates") && value.IsArray():
			kept := []json.RawMessage{}
			for _, entry := range value.Array() {
				if strings.TrimSpace(entry.Str) != id {
					kept = append(kept, json.RawMessage(entry.Raw))
				}
			}
			if len(kept) < len(value.Array()) {
				patch[name.Str] = kept
			}
		case strings.EqualFold(name.Str, "upstream_certificates"):
			hosts := map[string]any{}
			for host, entry := range value.Map() {
				if strings.TrimSpace(entry.Str) == id {
					hosts[host] = nil
				}
			}
			if len(hosts) > 0 {
				patch[name.Str] = hosts
			}
		}
		return true
	})
	if len(patch) == 0 {
		return doc, nil
	}
	raw, err := json.Marshal(map[string]any{"api_definition": patch})
	if err != nil {
		return nil, err
	}
	return ParseDocument(doc.MergePatch(raw))
}
