package ldap_test

import (
	"crypto/tls"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"portico/app/directory/ldap"
	"portico/app/portal"
)

func TestEncryption(t *testing.T) {
	s := startSlapd(t, settings{tls: true}, small())
	ca := s.path("ca.pem")
	signs := func(d *ldap.Directory) error {
		t.Helper()
		if err := d.Ready(t.Context()); err != nil {
			return err
		}
		who, err := d.Check(t.Context(), "anna", "pw-anna")
		if err == nil && who != "sip:anna@example.test" {
			t.Errorf("anna is %q", who)
		}
		return err
	}
	startTLS := func(file string) *ldap.Directory {
		return s.directory(func(c *ldap.Config, _ *ldap.Options) { c.StartTLS, c.CAFile = true, file })
	}
	if err := signs(startTLS(ca)); err != nil {
		t.Errorf("StartTLS: %v", err)
	}
	other := t.TempDir()
	writeCertificate(t, other)
	wants(t, "StartTLS with a certificate of somebody else", signs(startTLS(filepath.Join(other, "ca.pem"))), portal.ErrUnavailable, "directory.ldap")
	wants(t, "StartTLS with the system's certificates", signs(startTLS("")), portal.ErrUnavailable, "directory.ldap")
	named := directory(t, strings.Replace(s.url("ldap"), "127.0.0.1", "localhost", 1), func(c *ldap.Config, _ *ldap.Options) { c.StartTLS, c.CAFile = true, ca })
	wants(t, "a certificate of another name", signs(named), portal.ErrUnavailable, "directory.ldap")

	// LDAPS: the door speaks TLS, and the server is behind it.
	pair, err := tls.LoadX509KeyPair(s.path("cert.pem"), s.path("key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	s.set(func(d *door) {
		d.tls = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	})
	secured := func(file string) *ldap.Directory {
		return directory(t, s.url("ldaps"), func(c *ldap.Config, _ *ldap.Options) { c.CAFile = file })
	}
	if err := signs(secured(ca)); err != nil {
		t.Errorf("LDAPS: %v", err)
	}
	wants(t, "LDAPS with a certificate of somebody else", signs(secured(filepath.Join(other, "ca.pem"))), portal.ErrUnavailable, "directory.ldap")

	plain := startSlapd(t, settings{}, small())
	wants(t, "a server without TLS", signs(plain.directory(func(c *ldap.Config, _ *ldap.Options) { c.StartTLS, c.CAFile = true, ca })), portal.ErrUnavailable, "directory.ldap")
}

func TestServersThatFail(t *testing.T) {
	s := startSlapd(t, settings{}, small())
	d := s.directory(nil)
	check := func() error { _, err := d.Check(t.Context(), "anna", "pw-anna"); return err }
	if err := check(); err != nil {
		t.Fatal(err)
	}
	s.stop()
	wants(t, "down", check(), portal.ErrUnavailable, "directory.ldap")
	_, err := d.People(t.Context())
	wants(t, "down", err, portal.ErrUnavailable, "directory.ldap")
	s.start()
	if err := check(); err != nil {
		t.Errorf("after the restart: %v", err)
	}
	// A server that says nothing any more is given up after a while.
	s.set(func(d *door) { d.mute = true })
	slow := s.directory(func(_ *ldap.Config, o *ldap.Options) {
		o.Answer, o.Signin = 200*time.Millisecond, 200*time.Millisecond
	})
	_, err = slow.Check(t.Context(), "anna", "pw-anna")
	wants(t, "silent", err, portal.ErrUnavailable, "directory.ldap")
	_, err = slow.People(t.Context())
	wants(t, "silent", err, portal.ErrUnavailable, "directory.ldap")
	s.set(func(d *door) { d.mute = false })
	if err := check(); err != nil {
		t.Errorf("afterwards: %v", err)
	}
	// Another server takes over from one that is not there.
	gone := openDoor(t, s.path("nowhere"))
	two := directory(t, gone.url("ldap"), func(c *ldap.Config, _ *ldap.Options) { c.URLs = append(c.URLs, s.url("ldap")) })
	if people, err := two.People(t.Context()); err != nil || len(people) == 0 {
		t.Errorf("the second server: %d people, %v", len(people), err)
	}
	wrong := s.directory(func(c *ldap.Config, _ *ldap.Options) { c.BindPassword = "guess" })
	wants(t, "a service account with a wrong password", wrong.Ready(t.Context()), portal.ErrUnavailable, "directory.ldap")
	elsewhere := s.directory(func(c *ldap.Config, _ *ldap.Options) { c.Base = "ou=nowhere," + base })
	wants(t, "a base that is not there", elsewhere.Ready(t.Context()), portal.ErrUnavailable, "directory.ldap")
}

func TestConfigurationsThatCannotWork(t *testing.T) {
	no := t.TempDir()
	if err := os.WriteFile(filepath.Join(no, "no.pem"), []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	good := ldap.Config{URLs: []string{"ldaps://ldap.example.test"}, Base: base, Domain: domain}
	if _, err := ldap.New(good, ldap.Options{}); err != nil {
		t.Fatal(err)
	}
	for what, change := range map[string]func(*ldap.Config){
		"no server":                       func(c *ldap.Config) { c.URLs = nil },
		"neither ldap":                    func(c *ldap.Config) { c.URLs = []string{"http://ldap.example.test"} },
		"//u:p@":                          func(c *ldap.Config) { c.URLs = []string{"ldaps://u:p@ldap.example.test"} },
		"in the clear":                    func(c *ldap.Config) { c.URLs = []string{"ldap://ldap.example.test"} },
		"no distinguished name":           func(c *ldap.Config) { c.Base = "example.test" },
		"domain is missing":               func(c *ldap.Config) { c.Domain = "" },
		"service account has no password": func(c *ldap.Config) { c.BindDN = service },
		"preset":                          func(c *ldap.Config) { c.Preset = "novell" },
		"no attribute's name":             func(c *ldap.Config) { c.Attributes = map[string]string{ldap.AttrMail: "mail)(x"} },
		"is none of":                      func(c *ldap.Config) { c.Attributes = map[string]string{"colour": "x"} },
		"no attribute to sign in with":    func(c *ldap.Config) { c.Attributes = map[string]string{ldap.AttrLogin: "-", ldap.AttrMail: "-"} },
		"the filter":                      func(c *ldap.Config) { c.Filter = "(uid=" },
		"ca_file":                         func(c *ldap.Config) { c.CAFile = filepath.Join(no, "gone.pem") },
		"no certificate":                  func(c *ldap.Config) { c.CAFile = filepath.Join(no, "no.pem") },
	} {
		c := good
		change(&c)
		if _, err := ldap.New(c, ldap.Options{}); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for _, url := range []string{"ldap://localhost", "ldap://[::1]:1389"} {
		c := good
		c.URLs = []string{url}
		if _, err := ldap.New(c, ldap.Options{}); err != nil {
			t.Errorf("%s: %v", url, err)
		}
	}
}
