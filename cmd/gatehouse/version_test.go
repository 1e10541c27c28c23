package main

import (
	"os"
	"os/exec"
	"path/filepath"
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
	if got := out.String(); strings.Count(got, "\n") != 3 || !strings.HasPrefix(got, "gatehouse ") ||
		!strings.Contains(got, runtime.Version()) {
		t.Errorf("got %q", got)
	}
}

func TestWhatMakeGaveToTheLinkerWins(t *testing.T) {
	defer func(was string) { stamp = was }(stamp)
	stamp = "v1.2.3-4-gabc abc of 2026-01-02T03:04:05Z"
	if got := newBuild(nil); got.Version != "v1.2.3-4-gabc" || got.Commit != "abc of 2026-01-02T03:04:05Z" {
		t.Errorf("got %+v", got)
	}
}

func TestTheVersionIsReadInForeignClonesAndInArchives(t *testing.T) {
	script, err := filepath.Abs("../../scripts/version")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	sh := func(command string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "bash", "-ec", command)
		cmd.Dir = dir
		// As in a clone that belongs to another account.
		cmd.Env = append(
			os.Environ(),
			"GIT_TEST_ASSUME_DIFFERENT_OWNER=1",
			"GIT_AUTHOR_NAME=a",
			"GIT_AUTHOR_EMAIL=a@example.com",
			"GIT_COMMITTER_NAME=a",
			"GIT_COMMITTER_EMAIL=a@example.com",
			"SCRIPT="+script,
		)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %s", command, out)
		}
		return strings.TrimSpace(string(out))
	}
	sh(
		`mkdir one && cd one && mkdir scripts && cp "$SCRIPT" "$(dirname "$SCRIPT")/archived" scripts && echo 'scripts/archived export-subst' >.gitattributes
		export GIT_TEST_ASSUME_DIFFERENT_OWNER=0
		git init -q && git add -A && git commit -qm first && git tag v1.0.0`,
	)
	commit := sh(`GIT_TEST_ASSUME_DIFFERENT_OWNER=0 git -C one rev-parse HEAD`)
	if got := sh("one/scripts/version"); !strings.HasPrefix(got, "v1.0.0 "+commit+" of ") {
		t.Errorf("in a clone: %q", got)
	}
	sh(`GIT_TEST_ASSUME_DIFFERENT_OWNER=0 git -C one archive --prefix=two/ HEAD | tar x`)
	if got := sh("two/scripts/version"); !strings.HasPrefix(got, commit[:12]+" "+commit+" of ") {
		t.Errorf("in an archive: %q", got)
	}
	sh(`rm -rf one/.git`)
	if got := sh("one/scripts/version"); got != "(devel) unknown" {
		t.Errorf("in a copy: %q", got)
	}
}
