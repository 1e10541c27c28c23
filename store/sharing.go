package store

import "context"

// SharesGateways tells whether the gateways count as shared by organisations, as gatehouse.shared_gateways.apply says
// it: "always", "never", or else while there is more than one organisation.
func (s *Store) SharesGateways(ctx context.Context, apply string) (bool, error) {
	switch apply {
	case "always":
		return true, nil
	case "never":
		return false, nil
	}
	organisations, err := s.Organisations.Count(ctx, AllTenants())
	return organisations > 1, err
}
