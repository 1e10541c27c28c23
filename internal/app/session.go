package app

import (
	"time"

	"gatehouse/internal/authz"
	"gatehouse/internal/config"
	"gatehouse/internal/credential"
	"gatehouse/internal/limits"
	"gatehouse/internal/password"
	"gatehouse/internal/permission"
	"gatehouse/internal/secret"
	"gatehouse/internal/session"
	"gatehouse/internal/user"
)

const (
	// sessionLifetime is how long a session lasts at most, unless it may stay unused for longer.
	sessionLifetime = 12 * time.Hour
	// failureTime is how long a log-in takes that fails: longer than it takes to check all that there is to check.
	failureTime = 500 * time.Millisecond
)

// people are the users, what they prove themselves with, and who of them is signed in.
type people struct {
	credentials *credential.Credentials
	users       *user.Users
	sessions    *session.Sessions
}

func newPeople(o Options, policy *password.Policy, attempts *limits.Attempts, guard authz.Guard) people {
	security := o.Config.Security
	hasher := secret.NewHasher(hashing(o))
	p := people{credentials: credential.New(credential.Options{
		Keyring: o.Keyring, Attempts: attempts, Hasher: hasher, Policy: policy, Now: o.Store.Now, Log: o.Log,
		History: security.EnforcePasswordHistory, MaxDays: security.UserPasswordMaxDays,
		FirstEnds: security.ForceFirstLoginPWReset,
	})}
	p.users = user.New(p.credentials, user.Groups{Store: o.Store}, o.Store.Now)
	how := sessions(o, hasher)
	how.Users, how.Credentials, how.Guard = p.users, p.credentials, guard
	p.sessions = session.New(how)
	return p
}

// sessions says how people are signed in.
func sessions(o Options, hasher *secret.Hasher) session.Options {
	cfg := o.Config
	out := session.Options{
		Store: o.Store, Hasher: hasher, Groups: user.Groups{Store: o.Store}, Log: o.Log,
		Idle: time.Duration(cfg.DashboardSessionLifetime) * time.Minute, Lifetime: sessionLifetime,
		Alone: cfg.DisableParallelSessions, ManyOrganisations: cfg.EnableMultiOrgUsers,
		Lockout: session.Lockout{
			PerUser:    cfg.Security.LoginFailureUsernameLimit,
			PerAddress: cfg.Security.LoginFailureIPLimit,
			Quiet:      time.Duration(cfg.Security.LoginFailureExpiration) * time.Second,
			Hidden:     cfg.Security.HideLoginFailureLimitError,
		},
		SSO: session.SSO{
			LookUp: cfg.SSOEnableUserLookup, Defaults: ssoDefaults(cfg), DefaultGroup: cfg.SSODefaultGroupID,
		},
		FailureTime: failureTime,
	}
	if o.PasswordCost != 0 {
		out.FailureTime = 0
	}
	return out
}

// ssoDefaults are the permissions of everybody who comes by an identity provider and has no account.
func ssoDefaults(cfg *config.Config) permission.Set {
	given := map[string]string{}
	for name, level := range cfg.SSOPermissionDefaults {
		given[string(name)] = level
	}
	return permission.Of(given)
}

// hashing is what a password costs.
func hashing(o Options) secret.Hashing {
	if o.PasswordCost != 0 {
		return secret.Hashing{Memory: 64, Passes: 1}
	}
	return secret.DefaultHashing()
}

// cookies says how the tokens of sessions travel.
func cookies(cfg *config.Config) authz.Cookies {
	return authz.Cookies{Secure: cfg.HTTPServerOptions.UseSSL || cfg.HostConfig.SecureCookies}
}
