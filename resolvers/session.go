package resolvers

import (
	"gatehouse/graph/model"
	"gatehouse/internal/session"
)

// signedIn is the answer to a sign-in.
func signedIn(s *session.Signed, err error) (*model.SignIn, error) {
	if err != nil {
		return nil, err
	}
	out := &model.SignIn{SignedIn: s.Session != nil, User: s.User, Session: s.Session,
		Organisations: []*model.SignInOrganisation{}}
	for _, o := range s.Organisations {
		out.Organisations = append(out.Organisations, &model.SignInOrganisation{ID: o.ID, Name: o.Name})
	}
	return out, nil
}
