package main

import (
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
)

func TestVersionTellsWhatTheProgramWasBuiltFrom(t *testing.T) {
	setting := func(pairs ...string) (out []debug.BuildSetting) {
		for i := 0; i < len(pairs); i += 2 {
			out = append(out, debug.BuildSetting{Key: pairs[i], Value: pairs[i+1]})
		}
		return out
	}
	for _, tc := range []struct {
		name            string
		info            *debug.BuildInfo
		version, commit string
	}{
		{"nothing is known", nil, "(devel)", "unknown"},
		{"a build outside a repository", &debug.BuildInfo{}, "(devel)", "unknown"},
		{"a release", &debug.BuildInfo{Main: debug.Module{Version: "v1.2.3"}, Settings: setting("vcs.revision", "abc", "vcs.time", "2026-01-02T03:04:05Z", "vcs.modified", "false")}, "v1.2.3", "abc of 2026-01-02T03:04:05Z"},
		{"a working copy with changes", &debug.BuildInfo{Settings: setting("vcs.modified", "true", "vcs.revision", "abc")}, "(devel)", "abc, with changes"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := newBuild(tc.info); got.Version != tc.version || got.Commit != tc.commit || got.Go != runtime.Version() {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestVersionCommandPrintsThreeLines(t *testing.T) {
	var out strings.Builder
	cmd := newVersionCommand()
	cmd.SetOut(&out)
	cmd.SetArgs([]string{})
	if err := cmd.Execute(); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); strings.Count(got, "\n") != 3 || !strings.HasPrefix(got, "gatehouse ") || !strings.Contains(got, runtime.Version()) {
		t.Errorf("got %q", got)
	}
}
