// Package sharing holds organisations that share gateways to what they may have them do: what a definition, a webhook
// or a session asks of a gateway, all organisations on it live with.
//
// It judges what a save adds. What was there before may stay, so that the rest can be changed, and those who run
// Gatehouse may add everything. The rules of what a document asks for are those of the packages definition and core.
package sharing

import (
	"context"
	"slices"

	"gatehouse/internal/authz"
	"gatehouse/internal/core"
	"gatehouse/internal/gateway/definition"
	"gatehouse/store"
)

// Options say what is refused to whom.
type Options struct {
	// Denied are the subjects that organisations which share gateways may not add, and Shared when gateways are: "auto",
	// "always" or "never".
	Denied []string
	Shared string
	// MasterKeys allows keys without access rights and policies, which open every API.
	MasterKeys bool
}

// Judge refuses what organisations may not have shared gateways do. It is safe for concurrent use.
type Judge struct {
	store *store.Store
	o     Options
}

// New makes a Judge.
func New(s *store.Store, o Options) *Judge { return &Judge{store: s, o: o} }

// Api refuses a definition by which an organisation that shares gateways would have them do what it may not. What
// the API had already may stay. Those who are bound to no organisation may have them do everything.
func (j *Judge) Api(ctx context.Context, doc core.Document, old *core.Api) error {
	var before core.Document
	if old != nil {
		before = old.Definition
	}
	return j.mayAdd(ctx, func(denied []string) []definition.Access { return definition.NewAccess(doc, before, denied) })
}

// Webhook does so for a webhook, which becomes a part of the definitions that refer to it, without another
// save of theirs.
func (j *Judge) Webhook(ctx context.Context, doc core.Document, old *core.Webhook) error {
	var before core.Document
	if old != nil {
		before = old.Document
	}
	return j.mayAdd(
		ctx,
		func(denied []string) []definition.Access { return definition.NewWebhookAccess(doc, before, denied) },
	)
}

// mayAdd refuses what a save adds of the subjects that are denied.
func (j *Judge) mayAdd(ctx context.Context, added func(denied []string) []definition.Access) error {
	if len(j.o.Denied) == 0 || boundless(ctx) {
		return nil
	}
	found := added(j.o.Denied)
	if len(found) == 0 {
		return nil
	}
	if shared, err := j.store.SharesGateways(ctx, j.o.Shared); err != nil || !shared {
		return err
	}
	return found[0].Refusal()
}

// MasterKey holds for a key without access rights and policies: gateways let it into the APIs of every organisation.
// old is what it replaces, nil for a new one; what is such a key already may stay one.
func (j *Judge) MasterKey(ctx context.Context, old *core.Key) error {
	if !j.o.MasterKeys {
		return core.Errorf(
			core.CodeInvalid,
			"the key has neither access_rights nor apply_policies: name at least one API or one policy (a master key for every API needs enable_master_keys)",
		).In(
			"access_rights",
		)
	}
	if authz.From(ctx).Admin || old != nil && len(old.ApiIDs)+len(old.PolicyIDs) == 0 {
		return nil
	}
	organisations, err := j.store.Organisations.Count(ctx, store.AllTenants())
	if err != nil || organisations < 2 {
		return err
	}
	return core.Errorf(
		core.CodeForbidden,
		"a key without access_rights and apply_policies opens the APIs of every organisation on the gateways: name at least one API or one policy; only the admin secret can make a key for all",
	).In(
		"access_rights",
	)
}

// boundless tells whether the caller is bound to no organisation.
func boundless(ctx context.Context) bool {
	return authz.From(ctx).CrossesOrganisations() || authz.From(ctx).Admin
}

// files is the subject of what gateways read from their own disks.
const files = "files"

// Certificates refuses a document by which an organisation that shares gateways would have them use certificates
// that are not its own. refs are those that the document names; what was named before may stay. Ids of others are for
// nobody, since gateways would not be told them; what gateways have of their own, such as files, is for those who may
// have gateways read files. Whether the organisation has such a certificate is not asked: it may be uploaded later, and
// until then gateways find none.
func (j *Judge) Certificates(ctx context.Context, org string, refs, before []core.CertificateRef) error {
	had := make(map[[2]string]bool, len(before))
	for _, ref := range before {
		had[ref.Key()] = true
	}
	for _, ref := range refs {
		name := ref.Of(org)
		if name == core.CertificateOwn || name == core.CertificateDeferred || had[ref.Key()] {
			continue
		}
		file := name == core.CertificateOther && ref.Readable
		if file && (boundless(ctx) || !slices.Contains(j.o.Denied, files)) {
			continue
		}
		if shared, err := j.store.SharesGateways(ctx, j.o.Shared); err != nil || !shared {
			return err
		}
		if file {
			return core.InField(
				ref.Field,
				"has the gateways read a file or a certificate of theirs, which organisations that share them may not: "+
					"upload the certificate, and give its id; or ask whoever runs Gatehouse, whose setting gatehouse.shared_gateways.deny has %q",
				files,
			)
		}
		return core.InField(
			ref.Field,
			"must be the id of a certificate of the organisation: upload the certificate, and give the id that it gets",
		)
	}
	return nil
}
