package core_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gatehouse/internal/core"
)

func TestWhereACertificateIsInItsLife(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	const day = 24 * time.Hour
	at := func(d time.Duration) *time.Time { then := now.Add(d); return &then }
	for name, tc := range map[string]struct {
		from, until *time.Time
		want        core.CertificateStatus
	}{
		"it holds for long":              {at(-day), at(31 * day), core.CertificateValid},
		"it holds for as long as warned": {at(-day), at(30 * day), core.CertificateValid},
		"it ends soon":                   {at(-day), at(30*day - time.Second), core.CertificateExpiring},
		"it ends now":                    {at(-day), at(0), core.CertificateExpiring},
		"it has ended":                   {at(-day), at(-time.Second), core.CertificateExpired},
		"it holds from tomorrow on":      {at(day), at(9 * day), core.CertificateNotYetValid},
		"a public key has no end":        {nil, nil, core.CertificateValid},
	} {
		t.Run(name, func(t *testing.T) {
			c := core.CertificateInfo{NotBefore: tc.from, NotAfter: tc.until}
			require.Equal(t, tc.want, c.StatusAt(now, 30*day))
		})
	}
}

func TestACertificateOfWhichOnlyTheIDWasRead(t *testing.T) {
	c, err := core.NewCertificate(core.Meta{ID: "x"}, nil, "")
	require.NoError(t, err)
	require.Equal(t, "x", c.ID)
}
