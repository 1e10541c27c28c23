// Package redisdb connects to the Redis of the gateways, as the configuration says: one server, a cluster, or sentinels.
package redisdb

import (
	"github.com/redis/go-redis/v9"

	"gatehouse/internal/config"
)

// Open makes a client of the configured Redis, or returns nil when none is configured. It does not connect: a Redis that is down
// is no error, now or later.
func Open(c *config.Config) (redis.UniversalClient, error) {
	if c.RedisHost == "" {
		return nil, nil
	}
	return redis.NewUniversalClient(&redis.UniversalOptions{Addrs: []string{c.RedisHost}}), nil
}
