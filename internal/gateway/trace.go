package gateway

import (
	"bufio"
	"context"
	"net/http"
	"strings"

	"gatehouse/internal/core"
)

// Trace has the gateway run a request through an API as definition has it, and tells what it answered and logged.
func (c *Client) Trace(ctx context.Context, definition any, r *Request) (answer *Forwarded, logs []string, err error) {
	ask := map[string]any{"spec": definition, "request": map[string]any{
		"method": r.Method, "path": r.Target.RequestURI(), "body": string(r.Body), "headers": Forwardable(r.Header)}}
	var told struct{ Response, Logs string }
	if err := c.Do(ctx, http.MethodPost, "/tyk/debug", ask, &told); err != nil {
		return nil, nil, Explain(err)
	}
	if answer, err = tracedAnswer(told.Response, r); err != nil {
		return nil, nil, err
	}
	return answer, logLines(told.Logs), nil
}

// tracedAnswer reads the answer out of the gateway's text, which holds request and answer one after the other.
func tracedAnswer(text string, r *Request) (*Forwarded, error) {
	const mark = "\n====== Response ======\n"
	// A body of ours that holds the mark itself does not end the request.
	for range strings.Count(string(r.Body), mark) + 1 {
		_, after, found := strings.Cut(text, mark)
		if !found {
			return nil, core.Errorf(core.CodeUnavailable, "the gateway told of no answer: leave debug out")
		}
		text = after
	}
	resp, err := http.ReadResponse(bufio.NewReader(strings.NewReader(text)), &http.Request{Method: r.Method})
	if err != nil {
		return nil, core.Wrap(core.CodeUnavailable, err, "the gateway told of an answer that is none: leave debug out")
	}
	defer resp.Body.Close()
	return readForwarded(resp)
}

// logLines are the first lines of a log.
func logLines(logs string) []string {
	const most, longest = 1000, 4 << 10
	lines := []string{}
	for line := range strings.Lines(logs) {
		if line = strings.TrimSpace(line); line != "" && len(lines) < most {
			lines = append(lines, strings.ToValidUTF8(line[:min(len(line), longest)], ""))
		}
	}
	return lines
}
