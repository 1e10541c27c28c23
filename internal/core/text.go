package core

// The texts of documents, for the fields of GraphQL beside those that show documents as JSON. A program whose JSON
// numbers lose digits reads and sends these, and changes nothing that it did not mean to.

// DefinitionText is the text of Definition.
func (a *Api) DefinitionText() string { return string(a.Definition) }

// DocumentText is the text of Document.
func (p *Policy) DocumentText() string { return string(p.Document) }

// SessionText is the text of Public.
func (k *Key) SessionText() string { return string(k.Public()) }

// SessionText is the text of Session.
func (s *OrgSession) SessionText() string { return string(s.Session) }

// DocumentText is the text of Document.
func (u *User) DocumentText() string { return string(u.Document) }

// PermissionsText is the text of PermissionsDocument.
func (u *User) PermissionsText() string { return string(u.PermissionsDocument()) }

// DocumentText is the text of Document.
func (w *Webhook) DocumentText() string { return string(w.Document) }

// DetailsText is the text of Details.
func (c *Certificate) DetailsText() string { return string(c.Details) }

// MetaDataText is the text of MetaData; nil when there is none.
func (c *OauthClient) MetaDataText() *string {
	meta := c.MetaData()
	if meta == nil {
		return nil
	}
	return new(string(meta))
}
