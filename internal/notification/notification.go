// Package notification says what people of an organisation should see to, such as a certificate that ends soon.
package notification

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"strconv"
	"time"

	"gatehouse/internal/core"
)

// Notification is something that people of an organisation should see to. It follows from the objects that it is about,
// and is kept nowhere.
type Notification struct {
	ID        string
	OrgID     string
	CreatedAt time.Time
	Kind      Kind
	Topic     string
	Title     string
	Message   string
	// Data says the same for programs.
	Data core.Document
}

// Kind says how much a notification matters.
type Kind string

// The kinds of notifications.
const (
	Critical Kind = "CRITICAL"
	Warning  Kind = "WARNING"
)

// day is the unit in which the ends of certificates are told.
const day = 24 * time.Hour

// CertificateExpiry is what to tell of a certificate that ends within warning, or has ended.
func CertificateExpiry(c *core.Certificate, now time.Time, warning time.Duration) *Notification {
	sum := sha256.Sum256([]byte("certificate.expiry " + c.ID))
	id := hex.EncodeToString(sum[:16])
	n := &Notification{
		ID:    id[:8] + "-" + id[8:12] + "-" + id[12:16] + "-" + id[16:20] + "-" + id[20:],
		OrgID: c.OrgID, Kind: Warning, Topic: "certificate.expiry",
	}
	if c.NotAfter == nil {
		return n
	}
	left := c.NotAfter.Sub(now)
	days := max(0, int(left/day))
	n.CreatedAt = c.NotAfter.Add(-warning)
	if n.CreatedAt.Before(c.CreatedAt) {
		n.CreatedAt = c.CreatedAt
	}
	n.Title = "Certificate will expire soon"
	n.Message = fmt.Sprintf("Certificate with ID %s will expire in less than %d days", c.ID, days+1)
	if left <= 0 {
		n.Kind, n.Title = Critical, "Certificate has expired"
		n.Message = fmt.Sprintf("Certificate with ID %s has expired", c.ID)
	}
	n.Data = core.Document(`{}`).Set("cert_id", c.ID).Set("expiry_date", c.NotAfter.UTC().Format(time.RFC3339)).
		Set("days_remaining", days)
	return n
}

// Hash is the same for notifications that say the same.
func (n *Notification) Hash() string {
	h := fnv.New64a()
	_, _ = h.Write([]byte(n.ID + n.Message))
	return strconv.FormatUint(h.Sum64(), 10)
}
