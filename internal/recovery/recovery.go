// Package recovery lets people back in who forgot their password: by a link that comes by e-mail, once, for a short
// time. What is kept of a link is its hash.
//
// Whoever asks for a link is told the same, in the same time, whether there is such a user or not: an answer is given
// before anybody looks.
package recovery

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"log/slog"
	"net/url"
	"sync"
	"text/template"
	"time"

	"gatehouse/internal/core"
	"gatehouse/internal/edit"
	"gatehouse/internal/limits"
	"gatehouse/internal/mail"
	"gatehouse/internal/user"
	"gatehouse/store"
)

const (
	// Lasts is how long a link holds, as documented.
	Lasts = 1000 * time.Second
	// perAddress and perAccount are how many links are sent in a time to whoever asks from one address, and to one
	// e-mail address. The second is as many as hold at once, and its time less than they do: who is not sent another one
	// since strangers asked for theirs has one that holds.
	perAddress, perAccount = 10, 3
	allowedIn              = 15 * time.Minute
	// triesPerAddress is how often somebody may try a link from one address in that time.
	triesPerAddress = 60
	// queued is how many requests wait at most, and workers how many are seen to at once.
	queued, workers = 256, 2
	// maxAccounts is how many accounts of one e-mail address are sent a link.
	maxAccounts = 20
)

// Mailer sends mail.
type Mailer interface {
	Send(ctx context.Context, m mail.Message) error
}

// Options are what Recovery stands on.
type Options struct {
	Store  *store.Store
	Users  *user.Users
	Editor *edit.Editor
	// Mail sends the links; nil sends none.
	Mail Mailer
	// Server is where people reach this server, without a slash at the end.
	Server string
	// Address is where a request comes from.
	Address func(context.Context) string
	Log     *slog.Logger
}

// Recovery sends links, and takes them. It is safe for use by several goroutines.
type Recovery struct {
	o                            Options
	byAddress, byAccount, trying *limits.Allowance
	queue                        chan string
}

// New makes a Recovery, which sends while Run does.
func New(o Options) *Recovery {
	return &Recovery{
		o: o, queue: make(chan string, queued),
		byAddress: limits.NewAllowance(perAddress, allowedIn, o.Store.Now),
		byAccount: limits.NewAllowance(perAccount, allowedIn, o.Store.Now),
		trying:    limits.NewAllowance(triesPerAddress, allowedIn, o.Store.Now),
	}
}

// Request has links sent to the accounts of an e-mail address. It returns the same whether there are any. It fails
// where no mail is sent at all, and where somebody asks too often.
func (r *Recovery) Request(ctx context.Context, email string) error {
	if r.o.Mail == nil {
		return core.Errorf(core.CodeInvalid,
			"this server sends no e-mail (email_backend): ask an administrator to set a new password for you")
	}
	if wait := r.byAddress.Take(r.address(ctx)); wait > 0 {
		return tooMany(wait,
			"there were too many requests for new passwords from your address: wait as long as Retry-After says")
	}
	email = core.NormalEmail(email)
	if len(email) > 254 || r.byAccount.Take(email) > 0 {
		return nil
	}
	select {
	case r.queue <- email:
		return nil
	default:
		return tooMany(time.Minute, "too many people ask for new passwords at this moment: try again in a minute")
	}
}

func tooMany(wait time.Duration, message string) error {
	return &core.Error{Code: core.CodeTooMany, RetryAfter: wait, Message: message}
}

func (r *Recovery) address(ctx context.Context) string {
	if r.o.Address == nil {
		return ""
	}
	return r.o.Address(ctx)
}

// Run sends links, and forgets those that are over, until ctx ends.
func (r *Recovery) Run(ctx context.Context) {
	var running sync.WaitGroup
	for range workers {
		running.Go(func() {
			for {
				select {
				case <-ctx.Done():
					return
				case email := <-r.queue:
					r.serve(ctx, email)
				}
			}
		})
	}
	running.Go(func() { r.sweeping(ctx) })
	running.Wait()
}

// serve sends a link to each account of an e-mail address.
func (r *Recovery) serve(ctx context.Context, email string) {
	found, err := r.o.Store.Users.List(ctx, store.Query{
		Tenant: store.AllTenants(), Where: []store.Cond{store.In("email", store.Fold(email))}, Limit: maxAccounts,
	})
	if err != nil {
		r.failed(ctx, err)
		return
	}
	for _, u := range found.Objects {
		if u.Email != email || !u.Active {
			continue
		}
		if err := r.invite(ctx, u); err != nil {
			r.failed(ctx, err)
		}
	}
}

// failed logs why somebody got no link. The log names no account: who asked may have been anybody.
func (r *Recovery) failed(ctx context.Context, err error) {
	if ctx.Err() == nil {
		r.o.Log.ErrorContext(ctx, "a link to set a new password could not be sent", "error", err)
	}
}

//go:embed mail.txt
var text string

var body = template.Must(template.New("mail").Parse(text))

// invite sends a link to a user.
func (r *Recovery) invite(ctx context.Context, u *core.User) error {
	token, err := r.issue(ctx, u)
	if err != nil {
		return err
	}
	organisation := ""
	o, err := r.o.Store.Organisations.Find(ctx, store.AllTenants(), u.OrgID)
	switch {
	case err == nil:
		organisation = o.Name
	case !u.IsSuper() && !errors.Is(err, store.ErrNotFound) && core.CodeOf(err) != core.CodeNotFound:
		return err
	}
	var out bytes.Buffer
	err = body.Execute(&out, map[string]any{
		"Name": u.FirstName, "Email": u.Email, "Organisation": organisation, "Seconds": int(Lasts.Seconds()),
		"Link": r.o.Server + "/reset?token=" + url.QueryEscape(token),
	})
	if err != nil {
		return err
	}
	return r.o.Mail.Send(ctx, mail.Message{To: u.Email, Subject: "Set a new password", Text: out.String()})
}
