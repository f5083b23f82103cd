package ldap_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"

	ber "github.com/go-asn1-ber/asn1-ber"

	"portico/app/directory/ldap"
	"portico/app/portal"
)

func TestSigningIn(t *testing.T) {
	s := startSlapd(t, settings{}, small()+worker("twin1", "Twin One", "mail: twin@example.test")+worker("twin2", "Twin Two", "mail: twin@example.test"))
	d := s.directory(nil)
	for _, login := range []string{"anna", " ANNA ", `EXAMPLE\anna`, "anna@example.test", "sip:anna@example.test", "sips:Anna@Example.test", "anna.office@elsewhere.test"} {
		if who, err := d.Check(t.Context(), login, "pw-anna"); err != nil || who != "sip:anna@example.test" {
			t.Errorf("%q is %q, %v", login, who, err)
		}
	}
	who, err := d.Check(t.Context(), "anna", "pw-ben")
	wants(t, "a wrong password", err, portal.ErrUnauthenticated, "signin.wrong")
	if who != "sip:anna@example.test" {
		t.Errorf("it was tried for %q", who)
	}
	for what, typed := range map[string][2]string{
		"nobody":                   {"nobody", "pw-anna"},
		"several people's address": {"twin@example.test", "pw-twin1"},
		"everybody":                {"*", "pw-anna"},
		"a beginning":              {"ann*", "pw-anna"},
		"a filter":                 {"nobody)(uid=anna", "pw-anna"},
		"another filter":           {"nobody)(|(uid=*", "pw-anna"},
		"a filter that is closed":  {"anna)(&)", "pw-anna"},
		"an escape":                {`\61nna`, "pw-ben"},
		"a zero":                   {"anna\x00", "pw-anna"},
		"no text":                  {"anna\xff", "pw-anna"},
		"a very long name":         {fmt.Sprintf("%0300d", 1), "pw-anna"},
		"a very long password":     {"anna", fmt.Sprintf("%02000d", 1)},
		"the service account":      {"portico", "hush"},
		"a group":                  {"sales@lists.test", "x"},
	} {
		who, err := d.Check(t.Context(), typed[0], typed[1])
		wants(t, what, err, portal.ErrUnauthenticated, "signin.wrong")
		if who != "" && what != "an escape" {
			t.Errorf("%s is %q", what, who)
		}
	}
	_, err = d.Check(t.Context(), "nomail", "pw-nomail")
	wants(t, "without an address", err, portal.ErrForbidden, "signin.no-address")
	_, err = d.Check(t.Context(), "nomail", "wrong")
	wants(t, "without an address, and wrong", err, portal.ErrUnauthenticated, "signin.wrong")
}

// An empty password is never shown to the server, which would take it for nobody's and say yes.
func TestAnEmptyPasswordIsRefusedUnasked(t *testing.T) {
	s := startSlapd(t, settings{}, small())
	d := s.directory(nil)
	for _, typed := range [][2]string{{"anna", ""}, {"", "x"}, {"  ", "x"}, {"sip:", "x"}, {`CORP\`, "x"}} {
		who, err := d.Check(t.Context(), typed[0], typed[1])
		wants(t, fmt.Sprint(typed), err, portal.ErrInvalid, "signin.incomplete")
		if who != "" {
			t.Errorf("%q is %q", typed, who)
		}
	}
	if s.count() != 0 {
		t.Errorf("the server was asked %d times", s.count())
	}
}

// slapd says by its password policy why somebody may not sign in.
func TestAccountsThatMayNotSignIn(t *testing.T) {
	s := startSlapd(t, settings{}, worker("locked", "Locked", "mail: locked@example.test", "pwdAccountLockedTime: 000001010000Z")+
		worker("reset", "Reset", "mail: reset@example.test", "pwdReset: TRUE")+
		entry("cn=short,"+base, "objectClass: organizationalRole", "objectClass: pwdPolicy", "cn: short", "pwdAttribute: userPassword", "pwdMaxAge: 1")+
		worker("old", "Old", "mail: old@example.test", "pwdPolicySubentry: cn=short,"+base, "pwdChangedTime: 20200101000000Z"))
	d := s.directory(nil)
	for login, key := range map[string]string{"locked": "signin.locked", "reset": "signin.password-change", "old": "signin.password-expired"} {
		who, err := d.Check(t.Context(), login, "pw-"+login)
		wants(t, login, err, portal.ErrForbidden, key)
		if who.User() != login {
			t.Errorf("%s is %q", login, who)
		}
	}
	_, err := d.Check(t.Context(), "reset", "wrong")
	wants(t, "a wrong password", err, portal.ErrUnauthenticated, "signin.wrong")
}

// impostor is a server that says whatever a test wants: it answers each request with what reply gives.
type impostor struct {
	net.Listener
	all sync.WaitGroup
}

func startImpostor(t *testing.T, reply func(request *ber.Packet, to io.Writer) error) *impostor {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &impostor{Listener: l}
	f.all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			f.all.Go(func() {
				defer func() { _ = c.Close() }()
				for {
					p, err := ber.ReadPacket(c)
					if err != nil || len(p.Children) < 2 || reply(p, c) != nil {
						return
					}
				}
			})
		}
	})
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		f.all.Wait()
	})
	return f
}

// The operations of RFC 4511 by their tags.
const (
	opBind, opBound         = 0, 1
	opSearch, opEntry, opOK = 3, 4, 5
)

func packet(id any, op *ber.Packet) []byte {
	p := ber.Encode(ber.ClassUniversal, ber.TypeConstructed, ber.TagSequence, nil, "")
	p.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, id, ""))
	p.AppendChild(op)
	return p.Bytes()
}

func text(s string) *ber.Packet {
	return ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, s, "")
}

func result(op ber.Tag, code int, said string) *ber.Packet {
	p := ber.Encode(ber.ClassApplication, ber.TypeConstructed, op, nil, "")
	p.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagEnumerated, code, ""))
	p.AppendChild(text(""))
	p.AppendChild(text(said))
	return p
}

func found1(dn string, attributes map[string][]string) *ber.Packet {
	p := ber.Encode(ber.ClassApplication, ber.TypeConstructed, opEntry, nil, "")
	p.AppendChild(text(dn))
	list := ber.Encode(ber.ClassUniversal, ber.TypeConstructed, ber.TagSequence, nil, "")
	for name, values := range attributes {
		one := ber.Encode(ber.ClassUniversal, ber.TypeConstructed, ber.TagSequence, nil, "")
		one.AppendChild(text(name))
		set := ber.Encode(ber.ClassUniversal, ber.TypeConstructed, ber.TagSet, nil, "")
		for _, v := range values {
			set.AppendChild(text(v))
		}
		one.AppendChild(set)
		list.AppendChild(one)
	}
	p.AppendChild(list)
	return p
}

func send(to io.Writer, request *ber.Packet, ops ...*ber.Packet) error {
	for _, op := range ops {
		if _, err := to.Write(packet(request.Children[0].Value, op)); err != nil {
			return err
		}
	}
	return nil
}

// Active Directory says why it refuses in a number.
func TestActiveDirectorySaysWhy(t *testing.T) {
	codes := map[string]string{"52e": "signin.wrong", "525": "signin.wrong", "530": "signin.not-now", "531": "signin.not-now", "532": "signin.password-expired", "533": "signin.disabled",
		"701": "signin.expired", "773": "signin.password-change", "775": "signin.locked", "zz": "signin.wrong"}
	f := startImpostor(t, func(r *ber.Packet, to io.Writer) error {
		switch op := r.Children[1]; op.Tag {
		case opBind:
			dn, _ := op.Children[1].Value.(string)
			if dn == service {
				return send(to, r, result(opBound, 0, ""))
			}
			return send(to, r, result(opBound, 49, "80090308: LdapErr: DSID-0C090400, comment: AcceptSecurityContext error, data "+dn[len("CN="):]+", v1db1\x00"))
		case opSearch:
			login := op.Children[6].Children[1].Children[0].Children[1].Data.String()
			return send(to, r, found1("CN="+login, map[string][]string{"mail": {"x" + login + "@example.test"}}), result(opOK, 0, ""))
		}
		return io.EOF
	})
	d := directory(t, "ldap://"+f.Addr().String(), func(c *ldap.Config, _ *ldap.Options) { c.Preset = ldap.PresetAD })
	for code, key := range codes {
		who, err := d.Check(t.Context(), code, "pw")
		meaning := portal.ErrForbidden
		if key == "signin.wrong" {
			meaning = portal.ErrUnauthenticated
		}
		wants(t, code, err, meaning, key)
		if who != portal.Address("sip:x"+code+"@example.test") {
			t.Errorf("%s is %q", code, who)
		}
	}
}

// What a server says that has lost its mind does no harm.
func TestServersOutOfTheirMind(t *testing.T) {
	zeros := make([]byte, 1<<20)
	bound := func(r *ber.Packet, to io.Writer) error { return send(to, r, result(opBound, 0, "")) }
	for what, reply := range map[string]func(*ber.Packet, io.Writer) error{
		"an endless entry": func(r *ber.Packet, to io.Writer) error {
			if r.Children[1].Tag == opBind {
				return bound(r, to)
			}
			if _, err := to.Write([]byte{0x30, 0x84, 0x7f, 0, 0, 0, 0x02, 1, 2, 0x64, 0x84, 0x7e, 0, 0, 0, 0x04, 0x84, 0x7d, 0, 0, 0}); err != nil {
				return err
			}
			for {
				if _, err := to.Write(zeros); err != nil {
					return err
				}
			}
		},
		"entries without end": func(r *ber.Packet, to io.Writer) error {
			if r.Children[1].Tag == opBind {
				return bound(r, to)
			}
			many := make([]*ber.Packet, 200)
			for i := range many {
				many[i] = found1("uid=x,"+base, map[string][]string{"mail": {"x@example.test"}})
			}
			for {
				if err := send(to, r, many...); err != nil {
					return err
				}
			}
		},
		"nonsense": func(_ *ber.Packet, to io.Writer) error {
			_, err := io.WriteString(to, "HTTP/1.1 400 Bad Request\r\n\r\n")
			return errors.Join(err, io.EOF)
		},
		"nothing": func(*ber.Packet, io.Writer) error { return io.EOF },
		"another answer": func(r *ber.Packet, to io.Writer) error {
			return send(to, r, result(opOK, 0, ""))
		},
		"a refused service account": func(r *ber.Packet, to io.Writer) error { return send(to, r, result(opBound, 49, "no")) },
	} {
		t.Run(what, func(t *testing.T) {
			f := startImpostor(t, reply)
			d := directory(t, "ldap://"+f.Addr().String(), func(_ *ldap.Config, o *ldap.Options) { o.MaxEntries, o.PageSize = 1000, 10 })
			people, err := d.People(t.Context())
			wants(t, "people", err, portal.ErrUnavailable, "directory.ldap")
			if people != nil {
				t.Errorf("%d people", len(people))
			}
			who, err := d.Check(t.Context(), "x", "y")
			if err == nil || who != "" {
				t.Errorf("x is %q, %v", who, err)
			}
		})
	}
}
