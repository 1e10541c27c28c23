package wire

import (
	"bytes"
	"net/url"

	"github.com/tidwall/gjson"

	"gatehouse/internal/core"
)

// Form reads a body of named texts, as JSON or form-encoded. A value that is JSON itself is given as its text.
func Form(raw []byte) (url.Values, error) {
	if raw = bytes.TrimSpace(raw); !bytes.HasPrefix(raw, []byte("{")) {
		form, err := url.ParseQuery(string(raw))
		if err != nil {
			return nil, core.Wrap(core.CodeMalformed, err, "the body is neither a JSON object nor well form-encoded")
		}
		return form, nil
	}
	doc, err := core.ParseDocument(raw)
	if err != nil {
		return nil, err
	}
	form := url.Values{}
	gjson.ParseBytes(doc).ForEach(func(key, value gjson.Result) bool {
		form.Set(key.Str, value.String())
		return true
	})
	return form, nil
}
