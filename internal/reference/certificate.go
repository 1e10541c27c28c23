package reference

import (
	"context"
	"fmt"

	"gatehouse/internal/core"
	"gatehouse/store"
)

// UnusedCertificate refuses a certificate that is in use, in the words of the legacy API.
func UnusedCertificate(ctx context.Context, c *core.Certificate, apis, keys Counter) error {
	t := store.Org(c.OrgID)
	byApis, err := apis.CountByLabel(ctx, t, "certificate", c.ID)
	if err != nil {
		return err
	}
	byKeys, err := keys.CountByLabel(ctx, t, "certificate", c.ID)
	if err != nil {
		return err
	}
	if byApis[c.ID]+byKeys[c.ID] == 0 {
		return nil
	}
	return core.Errorf(
		core.CodeConflict,
		"the certificate is in use, by %s and %s: delete its dependencies first, or delete it with force=true",
		counted(byApis[c.ID], "API"),
		counted(byKeys[c.ID], "key"),
	)
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
