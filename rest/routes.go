package rest

// Route names an endpoint: its method, its path with {names} in the place of ids, and the root field that it equals.
type Route struct{ Method, Path, Operation string }

// Routes lists every endpoint.
func Routes() []Route {
	var out []Route
	for _, r := range routes() {
		out = append(out, Route{r.method, r.path, r.operation})
	}
	return out
}
