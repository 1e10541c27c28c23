package graph

import "encoding/json"

// The names by which a client chooses the language of a websocket. Without one, it is the older.
const (
	transportWS = "graphql-transport-ws"
	legacyWS    = "graphql-ws"
)

// What is said on a websocket, in words of graphql-transport-ws.
const (
	sayInit      = "connection_init"
	sayAck       = "connection_ack"
	sayTerminate = "connection_terminate"
	sayRefused   = "connection_error"
	saySubscribe = "subscribe"
	sayNext      = "next"
	sayError     = "error"
	sayComplete  = "complete"
	sayPing      = "ping"
	sayPong      = "pong"
	sayAlive     = "ka"
)

// socketMessage is one message, either way.
type socketMessage struct {
	ID      string          `json:"id,omitempty"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

// The codes with which a websocket is closed. Clients of graphql-transport-ws come again after 1000, 4403 and 4408, and
// do not after the others.
const (
	closeNormal       = 1000
	closeBadRequest   = 4400
	closeUnauthorized = 4401
	closeForbidden    = 4403
	closeInitTimeout  = 4408
	closeDuplicate    = 4409
	closeTooMany      = 4429
	closeInternal     = 4500
)

// protocol is a language of websockets.
type protocol interface {
	// hear turns what a client says into the words above; "" for what it may not say.
	hear(word string) string
	// say turns our words into the client's; "" for what its language has no word for.
	say(word string) string
}

// newer is graphql-transport-ws.
type newer struct{}

func (newer) hear(word string) string {
	switch word {
	case sayInit, saySubscribe, sayComplete, sayPing, sayPong:
		return word
	}
	return ""
}

func (newer) say(word string) string {
	if word == sayAlive || word == sayRefused {
		return ""
	}
	return word
}

// older is graphql-ws, the language of subscriptions-transport-ws.
type older struct{}

func (older) hear(word string) string {
	switch word {
	case sayInit, sayTerminate:
		return word
	case "start":
		return saySubscribe
	case "stop":
		return sayComplete
	}
	return ""
}

func (older) say(word string) string {
	switch word {
	case sayNext:
		return "data"
	case sayPing, sayPong:
		return ""
	}
	return word
}

// protocolOf is the language of a subprotocol; nil for an unknown one.
func protocolOf(subprotocol string) protocol {
	switch subprotocol {
	case transportWS:
		return newer{}
	case legacyWS, "":
		return older{}
	}
	return nil
}
