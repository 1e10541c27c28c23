package rest

import (
	"io"
	"net/http"
	"strconv"

	"gatehouse/graph/model"
	"gatehouse/internal/core"
	"gatehouse/internal/httpserver"
)

// page is what the parameters p and page_size ask for: one page, or everything when p is 0 or less.
type page struct {
	all          bool
	number, size int
}

// page reads the parameters. Without them the first page is meant, or everything on the endpoints that are unpaged.
func (c *call) page() (page, error) {
	pg := page{number: 1, size: c.PageSize, all: c.unpaged && c.param("p") == "" && c.param("page_size") == ""}
	if v := c.param("p"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n > 1<<24 {
			return pg, core.Errorf(core.CodeInvalid, "p must be a whole number: 1 is the first page, 0 means everything")
		}
		pg.number, pg.all = n, n <= 0
	}
	if v := c.param("page_size"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 || n > c.MaxPageSize {
			return pg, core.Errorf(core.CodeInvalid, "page_size must be a whole number from 1 to %d", c.MaxPageSize)
		}
		pg.size = n
	}
	return pg, nil
}

// fetched is one page of any connection.
type fetched[T any] struct {
	nodes []*T
	total int
	info  model.PageInfo
}

// fetch asks a resolver for a page.
type fetch[T any] func(first *int, after *string) (fetched[T], error)

// every calls each with all objects of a connection, a page at a time.
func every[T any](c *call, next fetch[T], each func(*T) error) error {
	first, after := c.MaxPageSize, ""
	for {
		got, err := next(&first, &after)
		if err != nil {
			return err
		}
		for _, object := range got.nodes {
			if err := each(object); err != nil {
				return err
			}
		}
		if !got.info.HasNextPage {
			return nil
		}
		after = *got.info.EndCursor
	}
}

// shape is the text around the elements of a list, and before the number of its pages.
type shape struct{ open, close string }

// listing answers with a list. Everything is streamed, a page of the resolver at a time, so that
// ten thousand documents are never in memory at once; what write makes of an object is one element.
func listing[T any](c *call, around shape, next fetch[T], write func(w io.Writer, object *T) error) (reply, error) {
	pg, err := c.page()
	if err != nil {
		return nil, err
	}
	first, after := pg.size, core.OffsetCursor((pg.number-1)*pg.size)
	if pg.all {
		c.ctx = httpserver.Streaming(c.ctx) // however long it is: bounded by its progress
		first, after = c.MaxPageSize, ""
	}
	// The first page is read before anything is written, so that an error still has its status.
	got, err := next(&first, &after)
	if err != nil {
		return nil, err
	}
	pages := 0
	if !pg.all {
		pages = max(1, (got.total+pg.size-1)/pg.size) // the first page is there, with nothing on it
	}
	return func(w http.ResponseWriter) {
		w.Header().Set("Content-Type", "application/json")
		out := &stream{w: w}
		out.text(around.open)
		for comma := false; ; {
			for _, object := range got.nodes {
				if comma {
					out.text(",")
				}
				comma = true
				if out.err == nil {
					out.err = write(out, object)
				}
			}
			if !pg.all || !got.info.HasNextPage || out.err != nil {
				break
			}
			if got, err = next(&first, got.info.EndCursor); err != nil {
				out.err = err
			}
		}
		if out.err != nil {
			// The status is out. Breaking the connection is the one honest way to say that the list is not whole.
			c.Log.ErrorContext(c.ctx, "a list broke off", "error", out.err)
			panic(http.ErrAbortHandler)
		}
		out.text(around.close + strconv.Itoa(pages) + "}")
	}, nil
}

// stream writes until the first error.
type stream struct {
	w   io.Writer
	err error
}

// Write implements io.Writer.
func (s *stream) Write(p []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	var n int
	n, s.err = s.w.Write(p)
	return n, s.err
}

func (s *stream) text(t string) { _, _ = io.WriteString(s, t) }
