package core

import "time"

// ChangeKind says what happened to an object.
type ChangeKind string

// The kinds of change.
const (
	ChangeCreated ChangeKind = "CREATED"
	ChangeUpdated ChangeKind = "UPDATED"
	ChangeDeleted ChangeKind = "DELETED"
)

// Change tells that an object was created, updated or deleted. It is sent after the write is durable and holds no
// content, so that a listener reads the object with its own permissions.
type Change struct {
	Kind ChangeKind `json:"kind"`
	// Object is the type of the object: Api, Policy, Key, User, Organisation, Webhook, OauthClient, Certificate.
	Object   string    `json:"object"`
	ID       string    `json:"id"`
	OrgID    string    `json:"org_id"`
	Revision int64     `json:"revision"`
	At       time.Time `json:"at"`
	// ActorID is the user who made the change; "" for the admin secret.
	ActorID string `json:"actor_id"`
	// Remote tells that another server on the same store made the change.
	Remote bool `json:"-"`
}
