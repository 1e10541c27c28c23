package main

import (
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTheDoctorComparesClocksAndHowKeysLieInRedis(t *testing.T) {
	t.Parallel()
	const plain, hashed = "apikey-5e9d9544a1dcd60001d0ed20anything", "apikey-59ad38abf244e9c5"
	for name, c := range map[string]struct {
		env      string
		sessions []string
		apart    time.Duration
		says     []string
	}{
		"all is well":              {"TYK_DB_HASHKEYS=true", []string{hashed}, 0, []string{"ok    clock: this machine and Redis at", "ok    hash_keys: it is on"}},
		"gateways do not hash":     {"TYK_DB_HASHKEYS=true", []string{hashed, plain}, 0, []string{"warn  hash_keys: it is on here, and 1 of 2 sessions in Redis lie there as the keys themselves", "the same value"}},
		"gateways hash":            {"TYK_DB_HASHKEYS=false", []string{hashed}, 0, []string{"warn  hash_keys: it is off here, and 1 of 1 sessions"}},
		"Redis is of another time": {"TYK_DB_HASHKEYS=true", nil, -time.Hour, []string{"warn  clock: this machine and Redis at", "1h0m0s apart", "NTP"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := miniredis.RunT(t)
			if c.apart != 0 {
				r.SetTime(time.Now().Add(c.apart))
			}
			for _, session := range c.sessions {
				require.NoError(t, r.Set(session, "{}"))
			}
			stdout, stderr, code := run(t, append(dataDir(t.TempDir()), c.env, "TYK_DB_REDISADDRS="+r.Addr()), "doctor")
			assert.Zero(t, code, stderr)
			for _, want := range c.says {
				assert.Contains(t, stdout, want)
			}
			assert.NotContains(t, stdout, "anything", "a name may be a key")
		})
	}
}
