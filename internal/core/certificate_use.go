package core

import (
	"slices"
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

// Certificates returns the ids of the certificates that the definition names, with what for: any of "client", "upstream", "server"
// and "pinned", sorted. What is named counts even while it is switched off in the definition, since switching it on names nothing new.
func (a *Api) Certificates() map[string][]string {
	out := map[string][]string{}
	add := func(id, use string) {
		if id = strings.TrimSpace(id); id != "" && !slices.Contains(out[id], use) {
			out[id] = append(out[id], use)
		}
	}
	addEach := func(ids gjson.Result, use string) {
		ids.ForEach(func(_, id gjson.Result) bool {
			if id.Type == gjson.String {
				add(id.Str, use)
			}
			return true
		})
	}
	// A field of the definition is one walk; only those that are there are read.
	a.Definition.Get("api_definition").ForEach(func(name, value gjson.Result) bool {
		switch name.Str {
		case "client_certificates":
			addEach(value, certificateClient)
		case "certificates":
			addEach(value, certificateServer)
		case "upstream_certificates":
			addEach(value, certificateUpstream)
		case "request_signing":
			add(value.Get("certificate_id").Str, certificateUpstream)
		case "pinned_public_keys":
			// For each host, ids with commas between them.
			value.ForEach(func(_, ids gjson.Result) bool {
				for id := range strings.SplitSeq(ids.Str, ",") {
					add(id, certificatePinned)
				}
				return true
			})
		}
		return true
	})
	for _, uses := range out {
		slices.Sort(uses)
	}
	return out
}

// Certificates returns the ids of the certificates that the session names, sorted, each once: the one that the key stands for, those
// that it is bound to, and the one that checks its signatures.
func (k *Key) Certificates() []string {
	fields := gjson.GetManyBytes(k.Session, "certificate", "mtls_static_certificate_bindings", "rsa_certificate_id")
	ids := append(texts(fields[1]), fields[0].Str, fields[2].Str)
	slices.Sort(ids)
	ids = slices.DeleteFunc(slices.Compact(ids), func(id string) bool { return id == "" })
	if len(ids) == 0 {
		return nil
	}
	return ids
}
