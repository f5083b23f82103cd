package ldap_test

// A real directory server for the tests: OpenLDAP's slapd with a configuration and a database of its own, on a socket
// file, and a door on a port of 127.0.0.1 that can be shut, slowed and given TLS.

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"portico/app/directory/ldap"
	"portico/app/portal"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a state may take to come about on a machine that does much else.
const patience = 60 * time.Second

const (
	base    = "dc=example,dc=test"
	service = "cn=portico," + base
	domain  = "example.test"
)

// found gives a program's path, or ends the test as one that lacks a peer.
func found(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		path, err = exec.LookPath("/usr/sbin/" + name)
	}
	if err == nil {
		_, err = os.Stat("/etc/ldap/schema/inetorgperson.schema")
	}
	if err != nil {
		if os.Getenv("PORTICO_REQUIRE_PEERS") == "1" {
			t.Fatalf("%s is not installed (Debian package slapd) and PORTICO_REQUIRE_PEERS=1", name)
		}
		t.Skipf("needs %s (Debian package slapd)", name)
	}
	return path
}

// slapd is a running server.
type slapd struct {
	t    testing.TB
	dir  string
	cmd  *exec.Cmd
	done chan struct{}
	log  *lockedBuffer
	*door
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// settings are the parts of a configuration that tests change.
type settings struct {
	// limits are those of the service account.
	limits string
	tls    bool
}

// adSchema is as much of Active Directory's as the preset asks for.
const adSchema = `
attributetype ( 1.3.6.1.4.1.4203.666.11.99.1 NAME 'sAMAccountName' EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE )
attributetype ( 1.3.6.1.4.1.4203.666.11.99.2 NAME 'msRTCSIP-PrimaryUserAddress' EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE )
attributetype ( 1.3.6.1.4.1.4203.666.11.99.3 NAME 'userPrincipalName' EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE )
attributetype ( 1.3.6.1.4.1.4203.666.11.99.4 NAME 'proxyAddresses' EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
attributetype ( 1.3.6.1.4.1.4203.666.11.99.5 NAME 'department' EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
attributetype ( 1.3.6.1.4.1.4203.666.11.99.6 NAME 'company' EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
attributetype ( 1.3.6.1.4.1.4203.666.11.99.7 NAME 'thumbnailPhoto' SYNTAX 1.3.6.1.4.1.1466.115.121.1.40 )
attributetype ( 1.3.6.1.4.1.4203.666.11.99.8 NAME 'objectCategory' EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
attributetype ( 1.3.6.1.4.1.4203.666.11.99.9 NAME 'userAccountControl' EQUALITY integerMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 SINGLE-VALUE )
attributetype ( 1.3.6.1.4.1.4203.666.11.99.10 NAME 'otherTelephone' EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
objectclass ( 1.3.6.1.4.1.4203.666.11.99.20 NAME 'user' SUP inetOrgPerson STRUCTURAL MAY ( sAMAccountName $ msRTCSIP-PrimaryUserAddress $ userPrincipalName $ proxyAddresses $ department $ company $ thumbnailPhoto $ objectCategory $ userAccountControl $ otherTelephone ) )
objectclass ( 1.3.6.1.4.1.4203.666.11.99.21 NAME 'group' SUP top STRUCTURAL MUST cn MAY ( member $ mail $ displayName $ proxyAddresses $ objectCategory ) )
`

// startSlapd serves the entries until the test's end.
func startSlapd(t testing.TB, o settings, ldif string) *slapd {
	t.Helper()
	found(t, "slapd")
	dir, err := os.MkdirTemp("", "slapd") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	s := &slapd{t: t, dir: dir, log: &lockedBuffer{}}
	if err := os.Mkdir(filepath.Join(dir, "db"), 0o700); err != nil {
		t.Fatal(err)
	}
	conf := `include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
` + adSchema + `
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload ppolicy
pidfile ` + dir + `/pid
`
	if o.tls {
		conf += "TLSCertificateFile " + dir + "/cert.pem\nTLSCertificateKeyFile " + dir + "/key.pem\n"
		writeCertificate(t, dir)
	}
	conf += `database mdb
directory ` + dir + `/db
maxsize 1073741824
suffix "` + base + `"
rootdn "cn=admin,` + base + `"
rootpw admin
limits dn.exact="` + service + `" ` + or(o.limits, "size.soft=100 size.hard=100 size.pr=noEstimate size.prtotal=unlimited") + `
index objectClass,uid,mail,sAMAccountName eq
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="` + service + `" read by anonymous auth by * none
overlay ppolicy
ppolicy_default "cn=policy,` + base + `"
ppolicy_use_lockout
`
	s.write("slapd.conf", conf)
	s.write("data.ldif", foundations+ldif)
	if out, err := exec.Command(found(t, "slapadd"), "-q", "-f", s.path("slapd.conf"), "-l", s.path("data.ldif")).CombinedOutput(); err != nil {
		t.Fatalf("slapadd: %v\n%s", err, out)
	}
	s.start()
	s.door = openDoor(t, s.path("sock"))
	t.Cleanup(s.stop)
	return s
}

// foundations are the entries that every directory has.
const foundations = `dn: ` + base + `
objectClass: dcObject
objectClass: organization
o: Example
dc: example

dn: ` + service + `
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: portico
userPassword: hush

dn: cn=policy,` + base + `
objectClass: organizationalRole
objectClass: pwdPolicy
cn: policy
pwdAttribute: userPassword
pwdLockout: TRUE
pwdMustChange: TRUE
pwdMaxAge: 0
pwdExpireWarning: 0

dn: ou=people,` + base + `
objectClass: organizationalUnit
ou: people

`

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func (s *slapd) path(name string) string { return filepath.Join(s.dir, name) }

func (s *slapd) write(name, text string) {
	s.t.Helper()
	if err := os.WriteFile(s.path(name), []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// start runs the server and waits until it answers.
func (s *slapd) start() {
	s.t.Helper()
	s.cmd = exec.Command(found(s.t, "slapd"), "-d", "0", "-f", s.path("slapd.conf"), "-h", "ldapi://"+url.QueryEscape(s.path("sock")))
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	done := make(chan struct{})
	s.done = done
	go func(c *exec.Cmd) { _ = c.Wait(); close(done) }(s.cmd)
	eventually(s.t, "slapd answers", func() bool {
		select {
		case <-done:
			s.t.Fatalf("slapd has ended:\n%s", s.log)
		default:
		}
		c, err := net.Dial("unix", s.path("sock"))
		return err == nil && c.Close() == nil
	})
}

// stop ends the server.
func (s *slapd) stop() {
	s.t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		s.t.Error(err)
	}
	select {
	case <-s.done:
	case <-time.After(patience):
		_ = s.cmd.Process.Kill()
		<-s.done
		s.t.Error("slapd did not end when it was asked to")
	}
	if s.t.Failed() {
		s.t.Logf("slapd printed:\n%s", s.log)
	}
}

// door is a port that leads to the server's socket.
type door struct {
	net.Listener
	socket string
	all    sync.WaitGroup

	mu    sync.Mutex
	conns map[net.Conn]bool
	tls   *tls.Config
	// mute: what the server says is not passed on. came counts the connections.
	mute bool
	came int
}

func openDoor(t testing.TB, socket string) *door {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d := &door{Listener: l, socket: socket, conns: map[net.Conn]bool{}}
	d.all.Go(d.serve)
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		d.cut()
		d.all.Wait()
	})
	return d
}

func (d *door) serve() {
	for {
		c, err := d.Accept()
		if err != nil {
			return
		}
		d.mu.Lock()
		d.came++
		conf := d.tls
		d.conns[c] = true
		d.mu.Unlock()
		d.all.Go(func() { d.pass(c, conf) })
	}
}

func (d *door) pass(raw net.Conn, conf *tls.Config) {
	defer d.forget(raw)
	c := raw
	if conf != nil {
		c = tls.Server(raw, conf)
	}
	to, err := net.Dial("unix", d.socket)
	if err != nil {
		return
	}
	defer func() { _ = to.Close() }()
	var both sync.WaitGroup
	both.Go(func() {
		_, _ = io.Copy(to, c)
		_ = to.Close()
	})
	buf := make([]byte, 32<<10)
	for {
		n, err := to.Read(buf)
		d.mu.Lock()
		mute := d.mute
		d.mu.Unlock()
		if err != nil {
			break
		}
		if !mute {
			if _, err := c.Write(buf[:n]); err != nil {
				break
			}
		}
	}
	_ = c.Close()
	both.Wait()
}

func (d *door) forget(c net.Conn) {
	_ = c.Close()
	d.mu.Lock()
	delete(d.conns, c)
	d.mu.Unlock()
}

// cut ends all connections.
func (d *door) cut() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for c := range d.conns {
		_ = c.Close()
	}
}

func (d *door) set(change func(*door)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change(d)
}

func (d *door) count() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.came
}

func (d *door) url(scheme string) string { return scheme + "://" + d.Addr().String() }

// directory is a Directory over the server.
func (s *slapd) directory(change func(*ldap.Config, *ldap.Options)) *ldap.Directory {
	s.t.Helper()
	return directory(s.t, s.url("ldap"), change)
}

func directory(t testing.TB, at string, change func(*ldap.Config, *ldap.Options)) *ldap.Directory {
	t.Helper()
	c := ldap.Config{URLs: []string{at}, BindDN: service, BindPassword: "hush", Base: base, Domain: domain}
	o := ldap.Options{PageSize: 100, Dial: patience, Answer: patience, Signin: patience}
	if change != nil {
		change(&c, &o)
	}
	d, err := ldap.New(c, o)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// writeCertificate makes an authority (ca.pem) and a certificate of 127.0.0.1 that it signs.
func writeCertificate(t testing.TB, dir string) tls.Certificate {
	t.Helper()
	sign := func(of, by *x509.Certificate, key *ecdsa.PrivateKey, with *ecdsa.PrivateKey) []byte {
		der, err := x509.CreateCertificate(rand.Reader, of, by, &key.PublicKey, with)
		if err != nil {
			t.Fatal(err)
		}
		return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	}
	newKey := func() *ecdsa.PrivateKey {
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	from, to := time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour)
	ca := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"}, NotBefore: from, NotAfter: to, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	leaf := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "127.0.0.1"}, NotBefore: from, NotAfter: to, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	caKey, leafKey := newKey(), newKey()
	caPEM, certPEM := sign(ca, ca, caKey, caKey), sign(leaf, ca, leafKey, caKey)
	der, err := x509.MarshalPKCS8PrivateKey(leafKey)
	if err != nil {
		t.Fatal(err)
	}
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	for name, data := range map[string][]byte{"ca.pem": caPEM, "cert.pem": certPEM, "key.pem": keyPEM} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

// eventually waits until ok, with a deadline far beyond what it should take.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-ctx.Done():
			t.Fatalf("never came: %s", what)
		case <-tick.C:
		}
	}
}

// entry writes one entry as LDIF; a value that is no plain text goes as base64.
func entry(dn string, lines ...string) string {
	return "dn: " + dn + "\n" + strings.Join(lines, "\n") + "\n\n"
}

// worker is a person of an inetOrgPerson directory.
func worker(uid, name string, lines ...string) string {
	_, surname, _ := strings.Cut(name, " ")
	return entry("uid="+uid+",ou=people,"+base, append([]string{"objectClass: inetOrgPerson", "uid: " + uid, "cn: " + name, "sn: " + or(surname, name),
		"userPassword: pw-" + uid}, lines...)...)
}

func byURI(people []portal.Person) map[portal.Address]portal.Person {
	out := map[portal.Address]portal.Person{}
	for _, p := range people {
		out[p.URI] = p
	}
	return out
}

// wants checks an error's meaning and key.
func wants(t testing.TB, what string, err, meaning error, key string) {
	t.Helper()
	if !errors.Is(err, meaning) || portal.Reason(err) != key {
		t.Errorf("%s: %v, not %v %s", what, err, meaning, key)
	}
}

func numbered(n int, of func(i int) string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(of(i))
	}
	return b.String()
}

func thousandth(i int) string {
	return worker(fmt.Sprintf("p%05d", i), fmt.Sprintf("Person %05d", i), fmt.Sprintf("mail: p%05d@example.test", i))
}
