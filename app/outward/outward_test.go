package outward

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func prefixes(list ...string) (out []netip.Prefix) {
	for _, p := range list {
		out = append(out, netip.MustParsePrefix(p))
	}
	return out
}

func TestJudge(t *testing.T) {
	strict := NewDialer(Options{Networks: prefixes("10.5.0.0/16"), Setting: "some.setting"})
	inner := NewDialer(Options{Inner: true})
	for address, want := range map[string][2]bool{
		"8.8.8.8": {true, true}, "2606:4700::1111": {true, true}, "64:ff9c::1": {true, true}, "2003::1": {true, true}, "::ffff:8.8.8.8": {true, true},
		"10.5.1.1": {true, true}, "::ffff:10.5.1.1": {true, true},
		"10.4.1.1": {false, true}, "172.16.0.1": {false, true}, "192.168.0.1": {false, true}, "fc00::1": {false, true}, "127.0.0.1": {false, true}, "::1": {false, true},
		"127.9.9.9": {false, true}, "::ffff:127.0.0.1": {false, true},
		"0.0.0.0": {}, "255.255.255.255": {}, "224.0.0.1": {}, "169.254.169.254": {}, "::ffff:169.254.169.254": {}, "100.100.100.200": {}, "100.64.0.1": {}, "168.63.129.16": {},
		"198.18.0.1": {}, "240.0.0.1": {}, "::": {}, "fe80::1": {}, "fe80::1%eth0": {}, "fd00:ec2::254": {}, "ff02::1": {}, "64:ff9b::a00:1": {}, "64:ff9b:1::a00:1": {},
		"2002:a00:1::": {}, "2002:a9fe:a9fe::": {}, "2001:0:1::": {}, "::7f00:1": {},
	} {
		for i, d := range []*Dialer{strict, inner} {
			err := d.Judge(netip.MustParseAddr(address))
			if (err == nil) != want[i] || err != nil && !errors.Is(err, ErrInside) {
				t.Errorf("%s, %d: %v", address, i, err)
			}
		}
	}
	if err := strict.Judge(netip.MustParseAddr("10.6.0.1")); err == nil || !strings.Contains(err.Error(), "some.setting") {
		t.Errorf("%v", err)
	}
}

// resolver answers by a table, and counts.
type resolver struct {
	table map[string][]string
	asked atomic.Int64
}

func (r *resolver) resolve(_ context.Context, host string) ([]netip.Addr, error) {
	r.asked.Add(1)
	list, ok := r.table[host]
	if !ok {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	var out []netip.Addr
	for _, a := range list {
		out = append(out, netip.MustParseAddr(a))
	}
	return out, nil
}

// web is a server on loopback that counts who came.
func web(t *testing.T, handle http.HandlerFunc) (port string, came *atomic.Int64) {
	t.Helper()
	came = &atomic.Int64{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		came.Add(1)
		if handle != nil {
			handle(w, r)
		}
	}))
	t.Cleanup(server.Close)
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port, came
}

func client(t *testing.T, o Options) *http.Client {
	t.Helper()
	transport := NewDialer(o).Transport(nil)
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: time.Minute}
}

func get(c *http.Client, address string) error {
	res, err := c.Get(address)
	if err != nil {
		return err
	}
	return res.Body.Close()
}

func TestNamesAreJudgedByTheirAddresses(t *testing.T) {
	port, came := web(t, nil)
	r := &resolver{table: map[string][]string{
		"inside.example.test": {"127.0.0.1"}, "mixed.example.test": {"169.254.169.254", "127.0.0.1"}, "metadata.example.test": {"169.254.169.254"}, "empty.example.test": {},
	}}
	strict, allowed := client(t, Options{Resolve: r.resolve}), client(t, Options{Resolve: r.resolve, Networks: prefixes("127.0.0.0/8")})
	for _, host := range []string{"inside.example.test", "metadata.example.test", "mixed.example.test", "127.0.0.1", "[::ffff:127.0.0.1]"} {
		if err := get(strict, "http://"+host+":"+port+"/"); !errors.Is(err, ErrInside) {
			t.Errorf("%s: %v", host, err)
		}
	}
	if n := came.Load(); n != 0 {
		t.Fatalf("%d requests arrived inside", n)
	}
	for _, host := range []string{"inside.example.test", "mixed.example.test", "127.0.0.1"} {
		if err := get(allowed, "http://"+host+":"+port+"/"); err != nil {
			t.Errorf("%s, where it may: %v", host, err)
		}
	}
	var dns *net.DNSError
	for _, host := range []string{"empty.example.test", "none.example.test"} {
		if err := get(allowed, "http://"+host+":"+port+"/"); !errors.As(err, &dns) || !dns.IsNotFound {
			t.Errorf("%s: %v", host, err)
		}
	}
}

// A name that is public when it is looked at and inside when it is connected to (DNS rebinding) leads nowhere: there is
// one answer for both, and the next connection asks anew and judges anew.
func TestRebinding(t *testing.T) {
	port, came := web(t, nil)
	answers := []string{"127.0.0.1", "169.254.169.254"}
	var turn atomic.Int64
	resolve := func(context.Context, string) ([]netip.Addr, error) {
		n := turn.Add(1) - 1
		return []netip.Addr{netip.MustParseAddr(answers[min(int(n), 1)])}, nil
	}
	transport := NewDialer(Options{Resolve: resolve, Networks: prefixes("127.0.0.0/8")}).Transport(nil)
	transport.DisableKeepAlives = true
	c := &http.Client{Transport: transport, Timeout: time.Minute}
	if err := get(c, "http://turns.example.test:"+port+"/"); err != nil {
		t.Fatal(err)
	}
	if err := get(c, "http://turns.example.test:"+port+"/"); !errors.Is(err, ErrInside) {
		t.Errorf("after the name turned: %v", err)
	}
	if came.Load() != 1 || turn.Load() != 2 {
		t.Errorf("%d requests, %d look-ups", came.Load(), turn.Load())
	}
}

// Each hop of a redirect is judged.
func TestRedirectsInside(t *testing.T) {
	for _, to := range []string{"http://169.254.169.254/latest", "http://inside.example.test/", "http://0x7f000001/"} {
		port, came := web(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, http.StatusFound) })
		r := &resolver{table: map[string][]string{"web.example.test": {"127.0.0.1"}, "inside.example.test": {"10.0.0.1"}, "0x7f000001": {"10.0.0.2"}}}
		c := client(t, Options{Resolve: r.resolve, Networks: prefixes("127.0.0.1/32")})
		if err := get(c, "http://web.example.test:"+port+"/"); !errors.Is(err, ErrInside) || came.Load() != 1 {
			t.Errorf("to %s: %v, %d requests", to, err, came.Load())
		}
	}
}

func TestManyAddresses(t *testing.T) {
	port, _ := web(t, nil)
	r := &resolver{table: map[string][]string{"many.example.test": nil}}
	for i := range 20 {
		r.table["many.example.test"] = append(r.table["many.example.test"], fmt.Sprintf("10.0.0.%d", i+1))
	}
	r.table["many.example.test"] = append(r.table["many.example.test"], "127.0.0.1") // beyond those that are tried
	c := client(t, Options{Resolve: r.resolve, Networks: prefixes("127.0.0.0/8")})
	err := get(c, "http://many.example.test:"+port+"/")
	if !errors.Is(err, ErrInside) || strings.Count(err.Error(), "10.0.0.") != maxAddresses {
		t.Errorf("%v", err)
	}
}

// waysOut are the files that make connections by themselves, with who chooses where they lead.
func waysOut() map[string]string {
	return map[string]string{
		"outward/outward.go":        "whoever it is: judged here",
		"admin/fetch.go":            "an administrator: over this package",
		"hook/net.go":               "an administrator: over this package",
		"synced.go":                 "an administrator: over this package",
		"exchange.go":               "the operator's configuration; what Autodiscover says: over this package",
		"ews/soap/auth.go":          "the operator's configuration; others bring their transport, made of this package",
		"ews/soap/auth_oauth2.go":   "the operator's configuration (token_url)",
		"directory/oidc/oidc.go":    "the operator's configuration (oidc.issuer, and what it says of itself over TLS)",
		"directory/ldap/dial.go":    "the operator's configuration (ldap.url); referrals are not followed",
		"mailer/mailer.go":          "the operator's configuration (mail.smtp)",
		"sipua/link.go":             "the operator's configuration (sip.proxy): everything goes through it",
		"sipua/door.go":             "the operator's configuration (sip.proxy); sends nothing",
		"sipua/documents.go":        "the operator's configuration (sip.xcap_root)",
		"sipua/xcap/xcap.go":        "the operator's configuration (sip.xcap_root); redirects are not followed",
		"sipua/siplab/transport.go": "the lab, on loopback",
		"control.go":                "the portal's own file: its own door on loopback",
	}
}

// Every place that makes connections is one that was thought of: a new one has to say who chooses where it leads.
func TestEveryWayOutIsKnown(t *testing.T) {
	known, found := waysOut(), map[string]bool{}
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "siptest" || d.Name() == "ewstest" || d.Name() == "testdata") {
			return filepath.SkipDir // peers of tests
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			made := false
			if literal, ok := n.(*ast.CompositeLit); ok {
				made = named(literal.Type, "net.Dialer", "tls.Dialer", "http.Client", "http.Transport", "websocket.Dialer")
			} else if s, ok := n.(*ast.SelectorExpr); ok {
				made = named(s, "net.Dial", "net.DialTimeout", "tls.Dial", "tls.DialWithDialer", "http.Get", "http.Post", "http.PostForm", "http.Head", "http.DefaultClient",
					"http.DefaultTransport", "smtp.Dial", "smtp.SendMail", "ldap.DialURL", "websocket.DefaultDialer", "outward.NewDialer")
			}
			if made {
				found[filepath.ToSlash(strings.TrimPrefix(path, ".."+string(filepath.Separator)))] = true
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for path := range found {
		if known[path] == "" {
			t.Errorf("%s makes connections: who chooses where they lead? People's choices go over this package", path)
		}
	}
	for path := range known {
		if !found[path] {
			t.Errorf("%s makes no connections any more", path)
		}
	}
}

// named reports whether an expression is one of some names of packages.
func named(e ast.Expr, names ...string) bool {
	s, ok := e.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	pkg, ok := s.X.(*ast.Ident)
	return ok && slices.Contains(names, pkg.Name+"."+s.Sel.Name)
}
