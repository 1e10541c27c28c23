package rules

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"

	"gatehouse/internal/core"
)

// prepared is a text that is ready to run.
type prepared struct {
	query rego.PreparedEvalQuery
	// stuck tells that an evaluation did not stop.
	stuck atomic.Bool
}

// query asks for both names at once. A name that a text does not define is an empty list, and not no answer.
const query = "deny := [x | x := data." + Package + ".deny]; patch := [x | x := data." + Package + ".patch_request]"

// prepare has a text ready to run: from the shelf, or compiled now.
func (e *Engine) prepare(text string) (*prepared, error) {
	if len(text) > MaxText {
		return nil, core.Errorf(core.CodeInvalid, "Invalid OPA rules. They have %d bytes, more than %d", len(text), MaxText)
	}
	return e.prepared.get(text, func() (*prepared, error) { return e.compile(text) })
}

// compile reads a text in the syntax of today, and else in the legacy one. Where it is neither, the faults are those of
// the syntax that it seems to be in.
func (e *Engine) compile(text string) (*prepared, error) {
	p, err := e.compileAs(text, ast.RegoV1)
	if err == nil {
		return p, nil
	}
	legacy, legacyErr := e.compileAs(text, ast.RegoV0)
	switch {
	case legacyErr == nil:
		return legacy, nil
	case today(text):
		return nil, invalid(err, text)
	}
	return nil, invalid(legacyErr, text)
}

// quoted are the parts of a text whose words are no keywords: texts and comments.
var quoted = regexp.MustCompile("\"(?:\\\\.|[^\"\\\\\n])*\"|`[^`]*`|#[^\n]*")

// today tells whether a text seems to be in the syntax of today.
func today(text string) bool {
	bare := quoted.ReplaceAllString(text, "")
	return strings.Contains(bare, "import rego.v1") || strings.Contains(bare, " if ") ||
		strings.Contains(bare, " contains ")
}

// header is put before a text without a package: on its first line, so that the numbers of lines hold.
const header = "package " + Package + " "

// named tells whether a text begins with the name of its package.
func named(text string) bool {
	for line := range strings.Lines(strings.TrimPrefix(text, "\ufeff")) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		rest, ok := strings.CutPrefix(line, "package")
		return ok && (rest == "" || strings.ContainsAny(rest[:1], " \t"))
	}
	return false
}

// compileAs reads a text in one syntax. The compiler is not ours: where it panics, the text is at fault.
func (e *Engine) compileAs(text string, version ast.RegoVersion) (p *prepared, err error) {
	defer func() {
		if r := recover(); r != nil {
			p, err = nil, fmt.Errorf("they cannot be compiled: %v", r)
		}
	}()
	text = strings.TrimPrefix(text, "\ufeff")
	if !named(text) {
		text = header + text
	}
	module, err := ast.ParseModuleWithOpts("rules", text, ast.ParserOptions{RegoVersion: version})
	if err != nil {
		return nil, err
	}
	if name := strings.TrimPrefix(module.Package.Path.String(), "data."); name != Package {
		return nil, &ast.Error{
			Code: ast.CompileErr, Location: module.Package.Location,
			Message: fmt.Sprintf("the package is %s: call it %s, or leave the line out", name, Package),
		}
	}
	guard(module)
	if !defines(module, "TykDiff") {
		rewriteDiffs(module)
	}
	options := append([]func(*rego.Rego){
		rego.ParsedModule(module), rego.Query(query), rego.Capabilities(capabilities()),
	}, slices.Concat(functions(), guarded())...)
	p = &prepared{}
	p.query, err = rego.New(options...).PrepareForEval(context.Background())
	return p, err
}

// invalid says what is wrong with a text, and where: the first faults of it.
func invalid(err error, text string) error {
	all := asErrors(err)
	if len(all) == 0 {
		return core.Wrap(core.CodeInvalid, err, "Invalid OPA rules. %s", clip(err.Error(), maxMessage))
	}
	const shown = 5
	var out []string
	for _, one := range all[:min(len(all), shown)] {
		row, column := 1, 1
		if one.Location != nil {
			row, column = one.Location.Row, one.Location.Col
		}
		if row == 1 && !named(text) {
			column = max(1, column-len(header))
		}
		out = append(out, fmt.Sprintf("line %d, column %d: %s", row, column,
			clip(strings.ReplaceAll(one.Message, guardedPrefix, ""), 200)))
	}
	if len(all) > shown {
		out = append(out, fmt.Sprintf("and %d more", len(all)-shown))
	}
	return core.Wrap(core.CodeInvalid, err, "Invalid OPA rules. %s", strings.Join(out, "; "))
}

// capabilities are what texts may use: the language, and the functions of the allow list.
func capabilities() *ast.Capabilities {
	all := ast.CapabilitiesForThisVersion()
	all.Builtins = slices.DeleteFunc(slices.Clone(all.Builtins), func(b *ast.Builtin) bool { return !allowed[b.Name] })
	all.AllowNet = []string{}
	return all
}

// allowed are the functions that texts may use: all of them end in a time, and with a result, that goes with the size
// of what they are given; none reaches out of the process, or tells of it. A deadline stops a text between two of its
// steps, but no function in its middle, which is why bits, ranges of numbers and networks, and what reads other
// languages, are not among them.
var allowed = setOf(`
	eq equal neq gt gte lt lte assign internal.member_2 internal.member_3 internal.print print
	plus minus mul div rem round ceil floor abs
	and or intersection union
	count sum product max min sort any all
	array.concat array.slice array.reverse
	set_diff
	object.get object.keys object.remove object.filter object.union object.subset
	to_number is_number is_string is_boolean is_array is_set is_object is_null type_name
	cast_array cast_set cast_string cast_boolean cast_null cast_object
	concat contains endswith startswith indexof indexof_n lower upper format_int replace strings.replace_n
	strings.reverse strings.any_prefix_match strings.any_suffix_match strings.count split sprintf substring
	trim trim_left trim_prefix trim_right trim_suffix trim_space
	regex.match regex.is_valid regex.split regex.find_n regex.find_all_string_submatch_n regex.replace re_match
	glob.match glob.quote_meta
	json.marshal json.unmarshal json.is_valid json.filter json.remove json.patch
	base64.encode base64.decode base64.is_valid base64url.encode base64url.decode base64url.encode_no_pad
	urlquery.encode urlquery.decode urlquery.decode_object
	hex.encode hex.decode
	time.now_ns time.parse_ns time.parse_rfc3339_ns time.parse_duration_ns time.date time.clock time.weekday
	time.add_date time.diff time.format
	net.cidr_contains net.cidr_intersects net.cidr_is_valid
	semver.compare semver.is_valid
	crypto.sha256
	walk
`)

func setOf(names string) map[string]bool {
	out := map[string]bool{}
	for _, name := range strings.Fields(names) {
		out[name] = true
	}
	return out
}

// Warnings are what is questionable in a text, though it can be used.
func Warnings(text string) []string {
	out := []string{}
	if bare := comment.ReplaceAllString(text, ""); text != "" &&
		!strings.Contains(bare, "request_permission") && !strings.Contains(bare, "user_permissions") {
		out = append(out, "the rules read no permissions (input.user.user_permissions): whatever they do not deny, "+
			"every active user of the organisation may")
	}
	return out
}

// comment is one, up to the end of its line.
var comment = regexp.MustCompile("#[^\n]*")
