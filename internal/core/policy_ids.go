package core

// PolicyIDs are the ids of a policy: that of the database, and the explicit one; "" is none.
type PolicyIDs struct{ ID, Explicit string }

// GivenPolicyIDs are the ids that a document from outside carries. Zeros stand for none: what named a policy of others
// has that id at gateways.
func GivenPolicyIDs(doc Document) PolicyIDs {
	given := PolicyIDs{ID: doc.Text("_id"), Explicit: doc.Text("id")}
	if given.Explicit == ZeroID {
		given.Explicit = ""
	}
	return given
}

// Over are the ids of a policy that replaces old. A PUT of the legacy API carries ids or not: the path says which policy
// it is, and a database id of another one is refused.
func (given PolicyIDs) Over(old *Policy) (PolicyIDs, error) {
	if given.ID != "" && given.ID != old.ID {
		return PolicyIDs{}, Errorf(
			CodeInvalid,
			"Invalid policy ID: _id is %q, and the policy that you are changing has %q",
			given.ID,
			old.ID,
		)
	}
	ids := PolicyIDs{ID: old.ID, Explicit: given.Explicit}
	if ids.Explicit == "" {
		ids.Explicit = old.Document.Text("id")
	}
	return ids, nil
}

// Made are the ids of a new policy: where no database id is given, it is the explicit one if that has its form, and
// fresh otherwise.
func (given PolicyIDs) Made(fresh string) PolicyIDs {
	if given.ID == "" || given.ID == ZeroID {
		given.ID = fresh
		if IsID(given.Explicit) {
			given.ID = given.Explicit
		}
	}
	return given
}

// SetIn returns the document with the ids, and as the organisation's.
func (given PolicyIDs) SetIn(doc Document, org string) (Document, error) {
	if !IsID(given.ID) {
		return nil, InField("_id", "must be 24 lower-case hex digits; leave it out to have one made")
	}
	owned := [][2]string{{"_id", given.ID}, {"org_id", org}}
	if given.Explicit != "" || doc.Get("id").Exists() {
		owned = append(owned, [2]string{"id", given.Explicit})
	}
	var err error
	for _, field := range owned {
		if doc, err = doc.Owned("", field[0], field[1]); err != nil {
			return nil, err
		}
	}
	return doc, nil
}
