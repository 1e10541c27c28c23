package main

import (
	"os"
	"strings"
	"testing"

	"gatehouse/internal/config"
)

func TestThePageIsCurrent(t *testing.T) {
	var want strings.Builder
	write(&want, config.Sections())
	got, err := os.ReadFile("../../../docs/config.md")
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want.String() {
		t.Error("docs/config.md is not what the code declares: run go run ./internal/config/gendoc")
	}
}

func TestThePageNamesEverySettingOnce(t *testing.T) {
	var page strings.Builder
	write(&page, config.Sections())
	for _, f := range config.Fields() {
		if n := strings.Count(page.String(), "`"+f.Variable+"`"); n != 1 {
			t.Errorf("%s is on the page %d times", f.Variable, n)
		}
	}
}

func TestThePageSaysWhatASettingTakes(t *testing.T) {
	var page strings.Builder
	write(&page, config.Sections())
	for _, want := range []string{
		"| `listen_port` | `TYK_DB_LISTENPORT` | int | `3000` | Port to listen on; 0 takes a free one. Allowed: a whole number from 0 to 65535. |",
		"| `gatehouse.log_level` | `GATEHOUSE_LOGLEVEL` | string |  | Least important lines to log; what log_level says where it is not set. Allowed: debug, info, warn or error. |",
		"- `license_key` (`TYK_DB_LICENSEKEY`, string)",
	} {
		if !strings.Contains(page.String(), want+"\n") {
			t.Errorf("the page lacks %s", want)
		}
	}
}
