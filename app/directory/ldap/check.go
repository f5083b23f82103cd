package ldap

// Signing in: the login name is looked up with the service account, and the password tried as the entry that was found.

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"unicode/utf8"

	goldap "github.com/go-ldap/ldap/v3"

	"portico/app/portal"
)

// Bounds on what people type, in bytes.
const (
	maxLogin    = 256
	maxPassword = 1024
)

// Check says who a login name and password are. The name is what the directory has for signing in ("alice",
// "EXAMPLE\alice"), an e-mail address or a SIP address. Errors, with the address where the name is somebody's:
//
//   - ErrInvalid "signin.incomplete": one of both is missing. An empty password never reaches the server, which would
//     take it for nobody's and say yes (RFC 4513 section 5.1.2);
//   - ErrUnauthenticated "signin.wrong": the password is wrong, or the name nobody's or not one person's;
//   - ErrForbidden: "signin.disabled", "signin.locked", "signin.expired" (the account), "signin.password-expired",
//     "signin.password-change" (it must be changed first), "signin.not-now" (not at this time or place),
//     "signin.no-address" (the password is right, the entry has no SIP address);
//   - ErrUnavailable "directory.ldap": the directory does not answer.
func (d *Directory) Check(ctx context.Context, login, password string) (portal.Address, error) {
	wrong := portal.Fail(portal.ErrUnauthenticated, "signin.wrong")
	login = loginName(login)
	switch {
	case login == "" || password == "":
		return "", portal.Fail(portal.ErrInvalid, "signin.incomplete")
	case len(login) > maxLogin || len(password) > maxPassword || !utf8.ValidString(login) || strings.ContainsRune(login, 0):
		return "", wrong
	}
	ctx, cancel := context.WithTimeout(ctx, d.o.Signin)
	defer cancel()
	s, err := d.open(ctx)
	if err != nil {
		return "", err
	}
	defer s.close()
	e, err := d.candidate(ctx, s, login)
	if err != nil {
		if errors.Is(err, portal.ErrUnavailable) {
			return "", err
		}
		// Somebody who is not there is refused by the server as well, so that it takes as long.
		if _, berr := d.tryPassword(ctx, s, "cn="+rand.Text()+","+d.c.Base, password); errors.Is(berr, portal.ErrUnavailable) {
			return "", berr
		}
		return "", wrong.Because(err)
	}
	who := d.addressOf(e)
	if _, err := d.tryPassword(ctx, s, e.DN, password); err != nil {
		return who, err
	}
	if who == "" {
		return "", portal.Fail(portal.ErrForbidden, "signin.no-address").Because(errors.New(e.DN))
	}
	return who, nil
}

// loginName is what was typed, without what people put before it.
func loginName(typed string) string {
	typed = strings.TrimSpace(typed)
	if rest, ok := cutPrefixFold(typed, "sips:"); ok {
		typed = rest
	}
	if rest, ok := cutPrefixFold(typed, "sip:"); ok {
		typed = rest
	}
	if _, user, ok := strings.Cut(typed, `\`); ok { // DOMAIN\user
		typed = user
	}
	return typed
}

var (
	errNobody = errors.New("nobody has this login name")
	errNotOne = errors.New("the login name is that of several entries")
)

// candidate is the one entry of a login name.
func (d *Directory) candidate(ctx context.Context, s *session, login string) (*goldap.Entry, error) {
	var names strings.Builder
	for _, a := range d.m[AttrLogin] {
		names.WriteString("(" + a + "=" + goldap.EscapeFilter(login) + ")")
	}
	if strings.Contains(login, "@") {
		names.WriteString(d.named(login))
	} else {
		for _, a := range d.m[AttrSIP] {
			names.WriteString("(" + a + "=" + goldap.EscapeFilter(login) + ")")
		}
	}
	if names.Len() == 0 {
		return nil, errNobody
	}
	s.allow(2 * perEntry)
	res, err := s.Search(goldap.NewSearchRequest(d.c.Base, goldap.ScopeWholeSubtree, goldap.NeverDerefAliases, 2, d.seconds(), false,
		"(&"+d.filters.signin+"(|"+names.String()+"))", d.m.wanted(AttrSIP, AttrProxy, AttrMail), nil))
	switch {
	case goldap.IsErrorWithCode(err, goldap.LDAPResultSizeLimitExceeded), err == nil && len(res.Entries) > 1:
		d.o.Logger.Warn("a login name is that of several entries; nobody can sign in with it", "source", d.c.Name, "login", login)
		return nil, errNotOne
	case err != nil:
		return nil, unavailable(why(ctx, err))
	case len(res.Entries) == 0 || res.Entries[0].DN == "":
		return nil, errNobody
	}
	return res.Entries[0], nil
}

// tryPassword binds as an entry; nothing else is asked on the connection after it.
func (d *Directory) tryPassword(ctx context.Context, s *session, dn, password string) (*goldap.SimpleBindResult, error) {
	s.allow(0)
	res, err := s.SimpleBind(goldap.NewSimpleBindRequest(dn, password, []goldap.Control{goldap.NewControlBeheraPasswordPolicy()}))
	if err == nil {
		if p := policyOf(res); p != nil && p.Error == behavesChange {
			return res, portal.Fail(portal.ErrForbidden, "signin.password-change")
		}
		return res, nil
	}
	return res, refusal(ctx, res, err)
}

// The errors of password policy (draft-behera-ldap-password-policy-10 section 6.2) that say why a bind was refused.
const (
	behavesExpired = 0
	behavesLocked  = 1
	behavesChange  = 2
)

func policyOf(res *goldap.SimpleBindResult) *goldap.ControlBeheraPasswordPolicy {
	if res == nil {
		return nil
	}
	p, _ := goldap.FindControl(res.Controls, goldap.ControlTypeBeheraPasswordPolicy).(*goldap.ControlBeheraPasswordPolicy)
	return p
}

// refusal gives a refused bind its cause.
func refusal(ctx context.Context, res *goldap.SimpleBindResult, err error) error {
	key := ""
	switch {
	case goldap.IsErrorAnyOf(err, goldap.LDAPResultInvalidCredentials, goldap.LDAPResultNoSuchObject, goldap.LDAPResultInvalidDNSyntax,
		goldap.LDAPResultInappropriateAuthentication, goldap.LDAPResultInsufficientAccessRights):
		key = activeDirectoryCause(err.Error())
	case goldap.IsErrorWithCode(err, goldap.LDAPResultUnwillingToPerform), goldap.IsErrorWithCode(err, goldap.LDAPResultConstraintViolation):
		key = or(activeDirectoryCause(err.Error()), "signin.locked")
	default:
		return unavailable(why(ctx, err))
	}
	if p := policyOf(res); key == "" && p != nil {
		switch p.Error {
		case behavesExpired:
			key = "signin.password-expired"
		case behavesLocked:
			key = "signin.locked"
		case behavesChange:
			key = "signin.password-change"
		}
	}
	if key == "" {
		return portal.Fail(portal.ErrUnauthenticated, "signin.wrong").Because(err)
	}
	return portal.Fail(portal.ErrForbidden, key).Because(err)
}

// activeDirectoryCause reads why Active Directory refused a bind out of its text: "… AcceptSecurityContext error, data
// 533, v2580". The numbers are Windows errors in hexadecimal. Empty: wrong, or not said.
func activeDirectoryCause(text string) string {
	_, after, ok := strings.Cut(text, ", data ")
	if !ok {
		return ""
	}
	code, _, _ := strings.Cut(after, ",")
	switch strings.ToLower(strings.TrimSpace(code)) {
	case "530", "531":
		return "signin.not-now"
	case "532":
		return "signin.password-expired"
	case "533":
		return "signin.disabled"
	case "701":
		return "signin.expired"
	case "773":
		return "signin.password-change"
	case "775":
		return "signin.locked"
	}
	return ""
}
