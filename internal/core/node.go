package core

import (
	"encoding/json"
	"fmt"
	"time"
)

// Node is a gateway that registered: one process, from its start to its end. It belongs to no organisation. ID is its
// node id, CreatedAt when it registered.
type Node struct {
	Meta
	NodeState
}

// NodeState is what is known of a gateway.
type NodeState struct {
	Hostname string `json:"hostname"`
	// Session is the id that the process gave itself: who registers with it again gets the same node id.
	Session string `json:"session"`
	// Address is where its calls come from.
	Address  string    `json:"address"`
	LastSeen time.Time `json:"last_seen"`
	// Nonce is the highest counter of the nonces that it has presented.
	Nonce uint64 `json:"nonce"`
	// ApisLoadedAt and PoliciesLoadedAt are when it last read them; nil for not yet.
	ApisLoadedAt     *time.Time `json:"apis_loaded_at,omitempty"`
	PoliciesLoadedAt *time.Time `json:"policies_loaded_at,omitempty"`
	// ApisServed is how many definitions it was given then.
	ApisServed int `json:"apis_served"`
}

// NewNode reads a Node from its document.
func NewNode(meta Meta, doc Document) (*Node, error) {
	n := &Node{Meta: meta}
	if err := json.Unmarshal(doc, &n.NodeState); err != nil {
		return nil, fmt.Errorf("node %s: %w", meta.ID, err)
	}
	return n, nil
}

// Document is the state as JSON.
func (n *Node) Document() Document {
	raw, err := json.Marshal(n.NodeState)
	if err != nil {
		panic(fmt.Sprintf("core: node: %v", err)) // a struct of texts, numbers and times always is JSON
	}
	return raw
}

// RegisteredAt is when it registered.
func (n *Node) RegisteredAt() time.Time { return n.CreatedAt }
