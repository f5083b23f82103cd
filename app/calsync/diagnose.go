package calsync

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"slices"
	"strings"

	"portico/app/portal"
)

// Diagnosis: why a mailbox or server cannot be worked with, as one of a few causes for each of which there is a cure.

// The kinds of finding.
const (
	KindOK        = "ok"
	KindFull      = "full"       // the mailbox takes nothing more
	KindHidden    = "hidden"     // no server knows a mailbox of this address: hidden, moved away or deleted
	KindDisabled  = "disabled"   // the account is switched off
	KindRights    = "rights"     // the service account may not act for the mailbox
	KindPassword  = "password"   // name or password are refused
	KindExpired   = "expired"    // the password has expired, or has to be changed
	KindUntrusted = "untrusted"  // the server's certificate is not trusted
	KindAway      = "away"       // the server does not answer
	KindBusy      = "busy"       // the server asks to be left alone for a while
	KindAddress   = "address"    // something else than Exchange answers at the address
	KindNoUser    = "no-user"    // there is no such CRM user
	KindNotSynced = "not-synced" // the user's mailbox is not synchronised
	KindNoMail    = "no-mail"    // no mail server is configured
	KindMail      = "mail"       // the mail server does not take mail
	KindUnknown   = "unknown"
)

// codesOf are the response codes of Exchange by what they say about a mailbox ([MS-OXWSCDATA] section 2.2.5.24).
func codesOf() []struct{ kind, codes string } {
	return []struct{ kind, codes string }{
		{KindFull, "ErrorQuotaExceeded ErrorMessagePerFolderCountReceiveQuotaExceeded ErrorSubmissionQuotaExceeded ErrorQuotaExceededOnDelete"},
		{KindDisabled, "ErrorAccountDisabled ErrorCallerIsInvalidADAccount"},
		{KindHidden, "ErrorNonExistentMailbox ErrorNameResolutionNoMailbox ErrorNameResolutionNoResults ErrorMissingEmailAddress ErrorInvalidSmtpAddress"},
		{KindExpired, "ErrorPasswordExpired ErrorPasswordChangeRequired"},
		{KindRights, "ErrorImpersonateUserDenied ErrorImpersonationDenied ErrorImpersonationFailed ErrorAccessDenied ErrorNotDelegate ErrorUserNotAllowedByPolicy"},
		{KindBusy, "ErrorServerBusy ErrorExceededConnectionCount ErrorTooManyObjectsOpened"},
	}
}

// kindOf says which cause an error stands for.
func kindOf(err error) string {
	if err == nil {
		return KindOK
	}
	text := err.Error()
	for _, k := range codesOf() {
		for code := range strings.FieldsSeq(k.codes) {
			if hasWord(text, code) {
				return k.kind
			}
		}
	}
	var unknown x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	var verify *tls.CertificateVerificationError
	if errors.As(err, &unknown) || errors.As(err, &host) || errors.As(err, &invalid) || errors.As(err, &verify) || strings.Contains(text, "x509: ") {
		return KindUntrusted
	}
	switch {
	case portal.Reason(err) == "exchange.no-mailbox":
		return KindHidden
	case strings.Contains(text, "there is no such web service") || strings.Contains(text, "something before the web service"):
		return KindAddress
	}
	switch portal.Meaning(err) {
	case portal.ErrUnauthenticated:
		return KindPassword
	case portal.ErrForbidden:
		return KindRights
	case portal.ErrNotFound:
		return KindHidden
	case portal.ErrTooMany:
		return KindBusy
	case portal.ErrUnavailable:
		return KindAway
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return KindAway
	}
	return KindUnknown
}

// hasWord reports whether text holds word, and not only as the beginning or end of a longer one.
func hasWord(text, word string) bool {
	letter := func(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' }
	for from := 0; ; {
		at := strings.Index(text[from:], word)
		if at < 0 {
			return false
		}
		at += from
		end := at + len(word)
		if (at == 0 || !letter(text[at-1])) && (end == len(text) || !letter(text[end])) {
			return true
		}
		from = end
	}
}

// finding is what an attempt found.
func finding(part, name string, err error) portal.SyncFinding {
	f := portal.SyncFinding{Part: part, Name: name, OK: err == nil, Kind: kindOf(err)}
	if err != nil {
		f.Cause = err.Error()
	}
	return f
}

// Diagnose tests the connection to somebody's mailbox: opening their calendar on the server it lives on, and what became of the
// last that was to be written there.
func (p *Panel) Diagnose(ctx context.Context, mailbox portal.Address) (portal.SyncFinding, error) {
	users, err := p.crm.Users(ctx)
	if err != nil {
		return portal.SyncFinding{}, err
	}
	i := slices.IndexFunc(users, func(u portal.CRMUser) bool { return u.Address == mailbox })
	switch {
	case i < 0:
		return portal.SyncFinding{}, errNoUser(mailbox)
	case !users[i].Synced():
		return portal.SyncFinding{Part: "mailbox", Name: mailbox.Bare(), Kind: KindNotSynced}, nil
	}
	f := p.checked(ctx, "mailbox", mailbox.Bare(), func(ctx context.Context) error { return p.x.CheckMailbox(ctx, users[i].Server, mailbox) })
	if !f.OK {
		return f, nil
	}
	// It opens, and yet nothing can be written to a mailbox that is full: the queue knows.
	jobs, err := p.l.SyncJobs(ctx, portal.SyncQueueFilter{Mailbox: mailbox, Direction: portal.ToExchange, Limit: 50})
	if err != nil {
		return f, err
	}
	for _, j := range slices.Backward(jobs) {
		if kind := kindOf(errors.New(j.Cause)); j.Tries > 0 && kind != KindUnknown {
			return portal.SyncFinding{Part: "mailbox", Name: mailbox.Bare(), Kind: kind, Cause: j.Cause}, nil
		}
	}
	return f, nil
}
