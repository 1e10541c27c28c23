package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
)

// newVersionCommand returns the command that says what this program was built from.
func newVersionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Show the version, the commit and the Go version of this program",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			info, _ := debug.ReadBuildInfo()
			b := newBuild(info)
			_, err := fmt.Fprintf(
				cmd.OutOrStdout(),
				"gatehouse %s\ncommit %s\n%s %s/%s\n",
				b.Version,
				b.Commit,
				b.Go,
				runtime.GOOS,
				runtime.GOARCH,
			)
			return err
		},
	}
}

// build says what a program was built from. The Go tool writes it into every binary, so no build script has to.
type build struct {
	Version, Commit, Go string
}

// stamp is the version and the commit, with a space between them, that make build gives to the linker, which can set
// nothing else than a variable. A checkout of another account, or an archive without a repository, tells the Go tool
// nothing.
var stamp string

// newBuild reads the build information; nil, as in a program built without modules, gives a build that is unknown.
func newBuild(info *debug.BuildInfo) build {
	b := build{Version: "(devel)", Commit: "unknown", Go: runtime.Version()}
	if version, commit, ok := strings.Cut(stamp, " "); ok && version != "" {
		b.Version, b.Commit = version, commit
		return b
	}
	if info == nil {
		return b
	}
	if v := info.Main.Version; v != "" {
		b.Version = v
	}
	var at, changed string
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Commit = s.Value
		case "vcs.time":
			at = " of " + s.Value
		case "vcs.modified":
			if s.Value == "true" {
				changed = ", with changes"
			}
		}
	}
	if b.Commit != "unknown" {
		b.Commit += at + changed
	}
	return b
}
