package outage

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestAnOutageIsOneLineASecondHoweverManyRequestsFail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		l := NewLog(slog.New(slog.NewTextHandler(&out, nil)))
		for range 3 {
			var telling sync.WaitGroup
			for range 500 {
				telling.Go(func() { l.Tell(t.Context(), errors.New("connection refused"), slog.String("request_id", "x")) })
			}
			telling.Wait()
			time.Sleep(time.Second)
		}
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		assert.Len(t, lines, 3)
		assert.NotContains(t, lines[0], "left_out")
		assert.Contains(t, lines[1], "left_out_since_last=499")
		assert.Contains(t, lines[2], `error="connection refused"`)
		assert.Contains(t, lines[2], "request_id=x")
	})
}
