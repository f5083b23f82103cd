package siptest

// What Kamailio reads: the embedded configuration, the test's values beside it, the db_text tables, the certificate.

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/md5"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	_ "embed"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// kamailioConfig is the configuration that users get, unchanged.
//
//go:embed kamailio/kamailio.cfg
var kamailioConfig []byte

// kamailioTables are the heads of the db_text tables: columns with their types, and the version that each module asks
// for.
//
//go:embed kamailio/tables.txt
var kamailioTables string

// KamailioConfig is the documented configuration for users, as a file's bytes.
func KamailioConfig() []byte { return append([]byte(nil), kamailioConfig...) }

// prepare writes all that stays the same over restarts.
func (k *Kamailio) prepare() error {
	if err := os.WriteFile(filepath.Join(k.dir, "kamailio.cfg"), kamailioConfig, 0o600); err != nil {
		return err
	}
	if err := os.Mkdir(k.dbDir(), 0o700); err != nil {
		return err
	}
	if err := k.writeTables(); err != nil {
		return err
	}
	if k.opts.TLS {
		return k.writeCertificate()
	}
	return nil
}

func (k *Kamailio) dbDir() string { return filepath.Join(k.dir, "db") }

// writeLocalConfig writes the test's values, in the words that an administrator uses.
func (k *Kamailio) writeLocalConfig() error {
	o := k.opts
	var b strings.Builder
	text := func(name, value string) { fmt.Fprintf(&b, "#!define %s %q\n", name, value) }
	number := func(name string, value int) { fmt.Fprintf(&b, "#!define %s %d\n", name, value) }
	seconds := func(name string, d time.Duration) { number(name, int(d/time.Second)) }
	flag := func(name string, on bool) {
		if on {
			number(name, 1)
		} else {
			number(name, 0)
		}
	}
	text("DOMAIN", o.Domain)
	fmt.Fprintf(&b, "#!substdef \"!SELF_ADDR!%s!g\"\n", k.Addr())
	text("DBURL", "text://"+k.dbDir())
	text("SERVER_NAME", "Server: "+k.mark)
	if o.SHA256 {
		text("DIGEST_ALGORITHM", "SHA-256")
	}
	if o.NoStale {
		text("STALE_FLAGS", "1")
	}
	flag("PASSWORDS_IN_CLEAR", !o.HashedOnly)
	if o.HashedOnly {
		text("PASSWORD_COLUMN", "ha1")
	}
	seconds("NONCE_EXPIRE", o.NonceExpire)
	seconds("MIN_EXPIRES", o.MinExpires)
	seconds("MAX_EXPIRES", o.MaxExpires)
	flag("MIN_EXPIRES_MODE", o.RefuseBrief)
	if o.XCAP {
		number("WITH_RULES", 1)
	} else {
		flag("FORCE_ACTIVE", !o.PresenceByRules)
	}
	number("LOCATION_SWEEP", 1)
	number("PRESENCE_CLEAN_PERIOD", 2)
	number("ANSWER_TIMEOUT", int(o.AnswerTimeout/time.Millisecond))
	number("UDP_CHILDREN", o.Processes)
	number("TCP_CHILDREN", o.Processes)
	number("LOG_LEVEL", o.LogLevel)
	if o.TrustedIP != "" {
		text("TRUSTED_IP", o.TrustedIP)
	}
	if o.RoomsDomain != "" {
		text("ROOMS_DOMAIN", o.RoomsDomain)
		text("ROOMS_URI", o.RoomsURI)
		text("ROOMS_IP", o.RoomsIP)
	}
	if o.Calls {
		number("WITH_CALLS", 1)
	}
	if o.VoicemailUser != "" {
		text("VOICEMAIL_USER", o.VoicemailUser)
	}
	if o.IMC {
		number("WITH_IMC", 1)
	}
	fmt.Fprintf(&b, "listen=udp:%s\nlisten=tcp:%s\n", k.Addr(), k.Addr())
	if o.TLS {
		b.WriteString("#!define WITH_TLS\n")
		text("TLS_CERT", filepath.Join(k.dir, "cert.pem"))
		text("TLS_KEY", filepath.Join(k.dir, "key.pem"))
		fmt.Fprintf(&b, "listen=tls:%s\n", k.TLSAddr())
	}
	return os.WriteFile(filepath.Join(k.dir, "kamailio-local.cfg"), []byte(b.String()), 0o600)
}

// writeTables writes all tables anew: empty, but for the users and the versions.
func (k *Kamailio) writeTables() error {
	var versions strings.Builder
	versions.WriteString("table_name(string) table_version(int)\n")
	for line := range strings.Lines(kamailioTables) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, rest, _ := strings.Cut(line, " ")
		version, columns, ok := strings.Cut(rest, " ")
		if !ok {
			return fmt.Errorf("table %q has no columns", name)
		}
		fmt.Fprintf(&versions, "%s:%s\n", name, version)
		content := columns + "\n"
		if name == "subscriber" {
			content += k.userRows()
		}
		if err := os.WriteFile(filepath.Join(k.dbDir(), name), []byte(content), 0o600); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(k.dbDir(), "version"), []byte(versions.String()), 0o600)
}

// userRows are the subscribers: a password in clear or its hash, never both.
func (k *Kamailio) userRows() string {
	var b strings.Builder
	for i, user := range k.opts.Users {
		// db_text takes no empty column here.
		clear, ha1 := k.opts.Password, "-"
		if k.opts.HashedOnly {
			clear, ha1 = "-", hashedPassword(user, k.opts.Domain, clear, k.opts.SHA256)
		}
		fmt.Fprintf(&b, "%d:%s:%s:%s:%s:-\n", i+1, user, k.opts.Domain, clear, ha1)
	}
	return b.String()
}

// hashedPassword is HA1 of RFC 7616: the hash of user, realm and password.
func hashedPassword(user, realm, password string, useSHA256 bool) string {
	input := []byte(user + ":" + realm + ":" + password)
	if useSHA256 {
		sum := sha256.Sum256(input)
		return hex.EncodeToString(sum[:])
	}
	sum := md5.Sum(input)
	return hex.EncodeToString(sum[:])
}

// writeCertificate makes a certificate for 127.0.0.1, localhost and the domain, valid for a day.
func (k *Kamailio) writeCertificate() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(now.UnixNano()),
		Subject:               pkix.Name{CommonName: k.opts.Domain},
		NotBefore:             now.Add(-time.Hour),
		NotAfter:              now.Add(24 * time.Hour),
		DNSNames:              []string{k.opts.Domain, "localhost"},
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	k.roots = x509.NewCertPool()
	k.roots.AddCert(cert)
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	if err := os.WriteFile(filepath.Join(k.dir, "cert.pem"), certPEM, 0o600); err != nil {
		return err
	}
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})
	return os.WriteFile(filepath.Join(k.dir, "key.pem"), keyPEM, 0o600)
}
