package definition

import (
	"regexp"
	"text/template/parse"
)

const (
	// maxRanges is how deep a template may nest loops. Each goes over all that the request holds.
	maxRanges = 3
	// maxCount is how much a function may be told to make.
	maxCount = 100
)

// making are the functions of gateways' templates that make much of little, keep a processor busy, or ask a name
// server; those that are told how much as their first argument may be used with little. Others can put an object into
// itself, which is printed without an end.
func making(name string) (told, makes bool) {
	switch name {
	case "until", "repeat", "indent", "nindent", "randAlphaNum", "randAlpha", "randAscii", "randNumeric", "randBytes":
		return true, true
	case "untilStep",
		"seq",
		"derivePassword",
		"bcrypt",
		"htpasswd",
		"genPrivateKey",
		"buildCustomCert",
		"genCA",
		"genCAWithKey",
		"genSelfSignedCert",
		"genSelfSignedCertWithKey",
		"genSignedCert",
		"genSignedCertWithKey",
		"getHostByName",
		"set",
		"merge",
		"mergeOverwrite",
		"mustMerge",
		"mustMergeOverwrite":
		return false, true
	}
	return false, false
}

// wide is a format whose width is large, or an argument.
var wide = regexp.MustCompile(`%[^a-zA-Z%]*(?:\*|[0-9]{4})`)

// number are the functions that make a number, which loops can count to.
func number(name string) bool {
	switch name {
	case "int",
		"int64",
		"atoi",
		"toDecimal",
		"add",
		"add1",
		"sub",
		"mul",
		"div",
		"mod",
		"max",
		"min",
		"biggest",
		"randInt",
		"len":
		return true
	}
	return false
}

// multiplies tells whether a template may make very much of the little that it is given, or calls templates by their
// names, which those of all APIs share.
func multiplies(text string) bool {
	trees := map[string]*parse.Tree{}
	t := parse.New("template")
	t.Mode = parse.SkipFuncCheck
	if _, err := t.Parse(text, "", "", trees); err != nil {
		return false // gateways leave it out
	}
	root := trees["template"]
	if root == nil {
		return len(trees) > 0
	}
	var look look
	return len(trees) > 1 || look.list(root.Root, 0) || look.counts && look.counted
}

// look is a walk over a template.
type look struct {
	// counts: a variable holds a large number. counted: a loop goes over a variable.
	counts, counted bool
}

// list looks at a list of nodes within a number of loops.
func (l *look) list(list *parse.ListNode, ranges int) bool {
	if list == nil {
		return false
	}
	for _, node := range list.Nodes {
		found := false
		switch node := node.(type) {
		case *parse.TemplateNode:
			found = true
		case *parse.ActionNode:
			l.counts = l.counts || len(node.Pipe.Decl) > 0 && isCount(node.Pipe)
			found = l.pipe(node.Pipe)
		case *parse.IfNode:
			found = l.branch(&node.BranchNode, ranges)
		case *parse.WithNode:
			l.counts = l.counts || isCount(node.Pipe)
			found = l.branch(&node.BranchNode, ranges)
		case *parse.RangeNode:
			l.counted = l.counted || !isField(node.Pipe)
			found = ranges == maxRanges || isCount(node.Pipe) || l.branch(&node.BranchNode, ranges+1)
		}
		if found {
			return true
		}
	}
	return false
}

func (l *look) branch(b *parse.BranchNode, ranges int) bool {
	return l.pipe(b.Pipe) || l.list(b.List, ranges) || l.list(b.ElseList, ranges)
}

// isCount tells whether a pipeline makes a number that is not known to be small.
func isCount(pipe *parse.PipeNode) bool {
	last := pipe.Cmds[len(pipe.Cmds)-1]
	switch first := last.Args[0].(type) {
	case *parse.NumberNode:
		return first.IsInt && first.Int64 > maxCount
	case *parse.IdentifierNode:
		return number(first.Ident)
	case *parse.PipeNode:
		return isCount(first)
	}
	return false
}

// isField tells whether a pipeline is a part of what the request holds.
func isField(pipe *parse.PipeNode) bool {
	if len(pipe.Cmds) != 1 || len(pipe.Cmds[0].Args) != 1 {
		return false
	}
	switch arg := pipe.Cmds[0].Args[0].(type) {
	case *parse.FieldNode:
		return true
	case *parse.VariableNode:
		return len(arg.Ident) > 1
	}
	return false
}

// pipe looks at the functions of a pipeline.
func (l *look) pipe(pipe *parse.PipeNode) bool {
	for _, command := range pipe.Cmds {
		for i, arg := range command.Args {
			found := false
			switch arg := arg.(type) {
			case *parse.PipeNode:
				found = l.pipe(arg)
			case *parse.ChainNode:
				inner, ok := arg.Node.(*parse.PipeNode)
				found = ok && l.pipe(inner)
			case *parse.IdentifierNode:
				found = makesMuch(arg.Ident, command.Args[i+1:])
			}
			if found {
				return true
			}
		}
	}
	return false
}

// makesMuch tells whether a function does with its arguments.
func makesMuch(name string, args []parse.Node) bool {
	if name == "printf" {
		if len(args) == 0 {
			return true
		}
		format, ok := args[0].(*parse.StringNode)
		return !ok || wide.MatchString(format.Text)
	}
	told, makes := making(name)
	if told && len(args) > 0 {
		count, ok := args[0].(*parse.NumberNode)
		return !ok || !count.IsInt || count.Int64 > maxCount
	}
	return makes
}
