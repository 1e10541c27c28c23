// Package e2e proves Gatehouse against a real, unmodified Tyk Gateway. Its test starts a Redis, Gatehouse, the gateway
// and a small upstream as separate processes on private ports, and does what a platform team does on its first day, and
// on its worst.
//
// GATEHOUSE_E2E_GATEWAY names the gateway's binary; without it the test is skipped with one line. `make e2e-gateway`
// runs it and writes what it said to docs/e2e-gateway.md.
package e2e
