package config_test

import "testing"

func TestLinksOfMailLeadToTheServer(t *testing.T) {
	for _, tc := range []struct{ env, want string }{
		{"TYK_DB_EMAILBACKEND_DASHBOARDHOSTNAME=https://dashboard.test/", "https://dashboard.test"},
		{"TYK_DB_EMAILBACKEND_DASHBOARDHOSTNAME=dashboard.test:3000", "http://dashboard.test:3000"},
		{"TYK_DB_HOSTCONFIG_HOSTNAME=other.test", "http://other.test:3000"},
		{"", "http://localhost:3000"},
	} {
		loaded := mustLoad(t, "", tc.env)
		if got := loaded.Config.LinkURL(); got != tc.want {
			t.Errorf("%s leads to %s, want %s", tc.env, got, tc.want)
		}
	}
}

func TestTheSettingsOfAMailServerAreRead(t *testing.T) {
	loaded := mustLoad(t, "", "TYK_DB_EMAILBACKEND_ENABLEEMAILNOTIFICATIONS=true", "TYK_DB_EMAILBACKEND_CODE=smtp",
		"TYK_DB_EMAILBACKEND_SETTINGS=SMTPAddress:mail.test:587,SMTPUsername:jo,SMTPPassword:pass,TLSInsecureSkipVerify:true",
		"TYK_DB_EMAILBACKEND_DEFAULTFROMEMAIL=no-reply@mail.test")
	got := loaded.Config.EmailBackend.SMTP()
	if got.Address != "mail.test:587" || got.Username != "jo" || got.Password != "pass" || !got.SkipVerify {
		t.Errorf("it is read as %+v", got)
	}
}
