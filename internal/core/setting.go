package core

// Setting is a value that this installation keeps for itself, such as how far an index is. ID is its name.
type Setting struct {
	Meta
	Value Document
}
