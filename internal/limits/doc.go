// Package limits keeps callers from taking more than their share: Attempts slows down those who guess credentials, by
// address; Organisations bounds how often an organisation may call, and how many sockets it may keep open; Quota what
// it keeps in the store.
//
// It exists so that what counts callers is in one place, bounded in memory whatever they send, and knows neither HTTP
// nor GraphQL. What it counts is of this server alone: behind a load balancer, each server has a share.
package limits
