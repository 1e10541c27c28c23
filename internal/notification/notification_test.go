package notification

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"gatehouse/internal/core"
)

func TestTheEndOfACertificateIsTold(t *testing.T) {
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	const warning = 30 * 24 * time.Hour
	about := func(left time.Duration) *Notification {
		end := now.Add(left)
		return CertificateExpiry(&core.Certificate{Meta: core.Meta{ID: "c1", OrgID: "o", CreatedAt: now.Add(-time.Hour)},
			CertificateInfo: core.CertificateInfo{NotAfter: &end}}, now, warning)
	}
	soon := about(17*24*time.Hour + time.Hour)
	assert.Equal(t, Warning, soon.Kind)
	assert.Equal(t, "Certificate with ID c1 will expire in less than 18 days", soon.Message)
	assert.JSONEq(t, `{"cert_id":"c1","expiry_date":"2026-05-18T13:00:00Z","days_remaining":17}`, string(soon.Data))
	assert.Equal(t, now.Add(-time.Hour), soon.CreatedAt, "no earlier than the certificate was there")

	gone := about(-time.Hour)
	assert.Equal(t, Critical, gone.Kind)
	assert.Equal(t, "Certificate with ID c1 has expired", gone.Message)
	assert.Equal(t, soon.ID, gone.ID, "it is about the same thing")
	assert.NotEqual(t, soon.Hash(), gone.Hash(), "and says something else")
}
