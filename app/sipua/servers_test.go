package sipua_test

// The servers that the agent is tried against: the lab, Kamailio, or one that the environment names.

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"portico/app/portal"
	"portico/app/sipua"
	"portico/app/sipua/siplab"
	"portico/app/sipua/siptest"
)

// The environment variables that point the tests which run against every server at another one.
const (
	envProxy    = "PORTICO_TEST_SIP_PROXY"    // "sip:host:port;transport=tcp"
	envDomain   = "PORTICO_TEST_SIP_DOMAIN"   // default example.test
	envUsers    = "PORTICO_TEST_SIP_USERS"    // user parts of three accounts, default "alice,bob,carol"
	envPassword = "PORTICO_TEST_SIP_PASSWORD" // of all three, default portico
)

type siptestOptions = siptest.KamailioOptions

// world is a server with three people.
type world struct {
	cfg              sipua.Config
	alice, bob, carl portal.Address
	password         string
	// stores: messages for people who are away are kept and answered 202.
	stores bool
	lab    *siplab.Server
	kam    *siptest.Kamailio
}

// everywhere runs a test against each server, or against the one from the environment.
func everywhere(t *testing.T, run func(t *testing.T, w world)) {
	if proxy := os.Getenv(envProxy); proxy != "" {
		run(t, foreign(t, proxy))
		return
	}
	for _, transport := range []string{"tcp", "udp", "tls"} {
		t.Run("lab/"+transport, func(t *testing.T) { run(t, labWorld(t, transport)) })
	}
	for _, transport := range []string{"tcp", "udp", "tls"} {
		t.Run("kamailio/"+transport, func(t *testing.T) { run(t, kamailioWorld(t, transport)) })
	}
}

func orElse(name, fallback string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return fallback
}

func foreign(t *testing.T, proxy string) world {
	t.Helper()
	domain := orElse(envDomain, "example.test")
	users := strings.Split(orElse(envUsers, "alice,bob,carol"), ",")
	if len(users) != 3 {
		t.Fatalf("%s must name three accounts", envUsers)
	}
	at := func(i int) portal.Address { return portal.MustAddress("sip:" + users[i] + "@" + domain) }
	listen := "127.0.0.1:0"
	if !strings.Contains(proxy, "127.0.0.1") && !strings.Contains(proxy, "localhost") {
		listen = "0.0.0.0:0"
	}
	return world{cfg: sipua.Config{Domain: domain, Proxy: proxy, Listen: listen}, alice: at(0), bob: at(1), carl: at(2), password: orElse(envPassword, "portico")}
}

func people(w world) world {
	w.alice, w.bob, w.carl, w.password, w.stores = alice, bob, carol, "portico", true
	return w
}

func labWorld(t testing.TB, transport string, change ...func(*siplab.Config)) world {
	t.Helper()
	cfg := siplab.Config{Domain: "example.test", Listen: siptest.FreeAddr(t)} // it may be stopped and started
	for _, u := range siptest.People() {
		cfg.Users = append(cfg.Users, siplab.User{Name: u, Password: "portico"})
	}
	var roots *x509.CertPool
	if transport == "tls" {
		cfg.TLSListen = siptest.FreeAddr(t)
		cfg.TLS, roots = certificate(t)
	}
	for _, f := range change {
		f(&cfg)
	}
	s, err := siplab.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := contextWithCancel()
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("lab: %v", err)
		}
	})
	w := people(world{lab: s, cfg: sipua.Config{Domain: "example.test", Proxy: "sip:" + s.Addr() + ";transport=" + transport}})
	if transport == "tls" {
		w.cfg.Proxy = "sip:" + s.TLSAddr() + ";transport=tls"
		w.cfg.TLS = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	}
	return w
}

func kamailioWorld(t testing.TB, transport string, change ...func(*siptest.KamailioOptions)) world {
	t.Helper()
	opts := siptest.KamailioOptions{TLS: transport == "tls"}
	for _, f := range change {
		f(&opts)
	}
	k := siptest.StartKamailio(t, opts)
	w := people(world{kam: k, cfg: sipua.Config{Domain: k.Domain(), Proxy: k.Proxy(transport)}})
	if opts.TLS {
		w.cfg.TLS = &tls.Config{RootCAs: k.Roots(), MinVersion: tls.VersionTLS12}
	}
	return w
}

// certificate makes one for 127.0.0.1.
func certificate(t testing.TB) (*tls.Config, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "lab"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}, pool
}
