package siptest

// Kamailio as a test peer: the configuration that users get, with the test's values, on free loopback ports.

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// startTimeout is how long Kamailio may take until it answers. It takes 0.3 s; a machine under full load takes longer.
const startTimeout = 60 * time.Second

// KamailioOptions is what a test may want different. The zero value is the server as it is documented for users,
// with the seeded people in Domain.
type KamailioOptions struct {
	Domain   string   // SIP domain and realm; Domain where empty
	Users    []string // user parts; People() where nil
	Password string   // of each of them; Password where empty

	SHA256      bool          // digest by SHA-256 instead of MD5
	HashedOnly  bool          // the server knows HA1 only, no passwords in clear
	NonceExpire time.Duration // lifetime of a nonce, whole seconds; 300 s where zero
	NoStale     bool          // an old nonce is answered without stale=true, as Kamailio's stock configuration does

	MinExpires  time.Duration // shortest registration, whole seconds; 60 s where zero
	MaxExpires  time.Duration // longest registration, whole seconds; 3600 s where zero
	RefuseBrief bool          // a registration below MinExpires gets 423 instead of being raised

	PresenceByRules bool // nobody may watch anybody until pres-rules are stored (force_active=0)
	XCAP            bool // people's pres-rules decide who may watch them and what each watcher sees

	TrustedIP   string // P-Asserted-Identity is believed from here; off where empty
	RoomsDomain string // requests for this domain go to RoomsURI; off where empty
	RoomsURI    string // can also be set later, by RouteRooms
	RoomsIP     string // where requests from rooms may come from; 127.0.0.1 where empty

	Calls         bool   // calls are published and can be asked for (event package dialog)
	VoicemailUser string // who publishes message summaries for everybody, also one of Users; off where empty
	IMC           bool   // rooms of the server itself: sip:chat-NAME@Domain

	TLS bool // listen on TLS too, with a certificate made for 127.0.0.1 and Domain

	SharedMemory  int           // in MB; 64 where zero, Kamailio's own default. Load needs 512
	Processes     int           // receivers for UDP and again for TCP; 2 where zero
	AnswerTimeout time.Duration // how long a device may take before a message is stored; 5 s where zero
	LogLevel      int           // -1 errors, 0 warnings, 1 notices, 2 information, 3 everything
}

// Kamailio is a running server. Methods that change its state are for the test's own goroutine.
type Kamailio struct {
	t       testing.TB
	opts    KamailioOptions
	path    string // executable
	dir     string // configuration, tables, log
	port    int    // UDP and TCP
	tlsPort int    // 0 without TLS
	roots   *x509.CertPool
	mark    string // appears in the Server header, so that another server on the port is noticed
	proc    *process
	starts  int
	// insisted: the last Stop ended with a kill, since the server hung while it closed; it has not written its tables.
	insisted bool
}

// errPortTaken says that somebody else got the port first.
var errPortTaken = errors.New("port taken")

// errNoModule says that a Kamailio module is not installed.
var errNoModule = errors.New("module missing")

// StartKamailio starts a server on a free port of 127.0.0.1 and returns when it answers, after about half a second.
// It is stopped at the test's cleanup; its log is shown when the test has failed.
func StartKamailio(t testing.TB, opts KamailioOptions) *Kamailio {
	t.Helper()
	path := program(t, "kamailio", "kamailio")
	k := &Kamailio{t: t, opts: opts.withDefaults(), path: path, dir: t.TempDir()}
	if err := k.prepare(); err != nil {
		t.Fatalf("prepare kamailio: %v", err)
	}
	t.Cleanup(func() {
		k.Stop()
		showOnFailure(t, "kamailio", k.logPath())
	})
	for range 10 {
		k.port = FreePort(t)
		if k.opts.TLS {
			k.tlsPort = FreePort(t)
		}
		err := k.launch()
		switch {
		case err == nil:
			return k
		case errors.Is(err, errNoModule):
			missing(t, "kamailio with its modules", "kamailio kamailio-presence-modules kamailio-tls-modules kamailio-xml-modules")
		case !errors.Is(err, errPortTaken):
			t.Fatalf("start kamailio: %v", err)
		}
	}
	t.Fatal("start kamailio: each of ten free ports was taken by somebody else")
	return nil
}

// withDefaults fills in what a test left open.
func (o KamailioOptions) withDefaults() KamailioOptions {
	o.Domain = orElse(o.Domain, Domain)
	o.Password = orElse(o.Password, Password)
	o.RoomsIP = orElse(o.RoomsIP, "127.0.0.1")
	o.RoomsURI = orElse(o.RoomsURI, "sip:127.0.0.1:9;transport=tcp")
	o.NonceExpire = orElse(o.NonceExpire, 300*time.Second)
	o.MinExpires = orElse(o.MinExpires, time.Minute)
	o.MaxExpires = orElse(o.MaxExpires, time.Hour)
	o.SharedMemory = orElse(o.SharedMemory, 64)
	o.Processes = orElse(o.Processes, 2)
	o.AnswerTimeout = orElse(o.AnswerTimeout, 5*time.Second)
	if o.Users == nil {
		o.Users = People()
	}
	return o
}

// orElse is v, or def where v is the zero value.
func orElse[T comparable](v, def T) T {
	var zero T
	if v == zero {
		return def
	}
	return v
}

// Addr is the server's host:port, the same for UDP and TCP.
func (k *Kamailio) Addr() string { return loopback(k.port) }

// Port is the server's port, the same for UDP and TCP.
func (k *Kamailio) Port() int { return k.port }

// TLSAddr is the server's host:port for TLS, empty unless TLS was asked for.
func (k *Kamailio) TLSAddr() string {
	if k.tlsPort == 0 {
		return ""
	}
	return loopback(k.tlsPort)
}

// Roots holds the certificate of the TLS listener; nil unless TLS was asked for.
func (k *Kamailio) Roots() *x509.CertPool { return k.roots }

// CAFile is a PEM file with the certificate of the TLS listener, for clients; empty unless TLS was asked for.
func (k *Kamailio) CAFile() string {
	if k.tlsPort == 0 {
		return ""
	}
	return filepath.Join(k.dir, "cert.pem")
}

// Domain is the SIP domain served.
func (k *Kamailio) Domain() string { return k.opts.Domain }

// Password is what the seeded people sign in with.
func (k *Kamailio) Password() string { return k.opts.Password }

// URI is the address of record of a seeded person: sip:user@domain.
func (k *Kamailio) URI(user string) string { return "sip:" + user + "@" + k.opts.Domain }

// Proxy is the server as the URI of a proxy, for transport udp, tcp or tls.
func (k *Kamailio) Proxy(transport string) string {
	addr := k.Addr()
	if transport == "tls" {
		addr = k.TLSAddr()
	}
	return "sip:" + addr + ";transport=" + transport
}

// XCAPRoot is the root of the server's XCAP documents (RFC 4825).
func (k *Kamailio) XCAPRoot() string { return "http://" + k.Addr() + "/xcap-root" }

// Log is all that the server has printed so far, over all its starts.
func (k *Kamailio) Log() string { return readLog(k.logPath()) }

// Running says whether the server process lives.
func (k *Kamailio) Running() bool { return k.proc != nil && !k.proc.ended() }

// Stop ends the server as an administrator does: registrations and connections are lost, subscriptions, publications
// and stored messages are kept in the tables. A server that does not run is left alone.
func (k *Kamailio) Stop() {
	k.t.Helper()
	if k.proc == nil {
		return
	}
	// A paused server cannot hear the request to stop.
	if err := errors.Join(k.proc.signal(syscall.SIGCONT), k.proc.stop()); err != nil {
		k.t.Errorf("stop kamailio: %v", err)
	}
	k.insisted = k.proc.insisted
	k.proc = nil
}

// Kill ends the server at once, like a power cut.
func (k *Kamailio) Kill() {
	k.t.Helper()
	if k.proc == nil {
		return
	}
	if err := k.proc.kill(); err != nil {
		k.t.Errorf("kill kamailio: %v", err)
	}
	k.proc = nil
}

// Start starts the server again on the same ports after Stop or Kill, with the tables as they are, and returns when
// it answers.
func (k *Kamailio) Start() {
	k.t.Helper()
	if k.Running() {
		k.t.Fatal("start kamailio: it is running")
	}
	var err error
	for range 20 {
		// A connection that an impatient client made to the port may hold it for a moment.
		if err = k.launch(); !errors.Is(err, errPortTaken) {
			break
		}
	}
	if err != nil {
		k.t.Fatalf("start kamailio again on %s: %v", k.Addr(), err)
	}
}

// Wipe empties all tables but the one of users: subscriptions, publications, lists and stored messages are gone. The
// server must be stopped.
func (k *Kamailio) Wipe() {
	k.t.Helper()
	if k.Running() {
		k.t.Fatal("wipe kamailio's tables: it is running")
	}
	if err := k.writeTables(); err != nil {
		k.t.Fatalf("wipe kamailio's tables: %v", err)
	}
}

// Restart is Stop and Start.
func (k *Kamailio) Restart() {
	k.t.Helper()
	k.Stop()
	k.Start()
}

// Pause freezes the server: it accepts connections and answers nothing, until Resume.
func (k *Kamailio) Pause() { k.signal("pause", syscall.SIGSTOP) }

// Resume ends a Pause.
func (k *Kamailio) Resume() { k.signal("resume", syscall.SIGCONT) }

func (k *Kamailio) signal(what string, sig syscall.Signal) {
	k.t.Helper()
	if k.proc == nil {
		k.t.Fatalf("%s kamailio: it is not running", what)
	}
	if err := k.proc.signal(sig); err != nil {
		k.t.Fatalf("%s kamailio: %v", what, err)
	}
}

func (k *Kamailio) logPath() string { return filepath.Join(k.dir, "kamailio.log") }

// launch starts the process and waits until it answers.
func (k *Kamailio) launch() error {
	k.starts++
	k.mark = fmt.Sprintf("kamailio-%d-%d-%d", os.Getpid(), k.port, k.starts)
	if err := k.writeLocalConfig(); err != nil {
		return err
	}
	before := len(k.Log())
	proc, err := start(spec{
		name: "kamailio", path: k.path, dir: k.dir, log: k.logPath(),
		args: []string{"-DD", "-E", "-m", strconv.Itoa(k.opts.SharedMemory), "-M", "8",
			"-Y", k.dir, "-w", k.dir, "-f", filepath.Join(k.dir, "kamailio.cfg")},
	})
	if err != nil {
		return err
	}
	deadline := time.Now().Add(startTimeout)
	var answer error
	Eventually(startTimeout, func() bool {
		if proc.ended() {
			return true
		}
		answer = probe(k.Addr(), k.mark, deadline)
		return answer == nil
	})
	if !proc.ended() && answer == nil {
		k.proc = proc
		return nil
	}
	if err := proc.kill(); err != nil {
		return err
	}
	said := k.Log()[before:]
	switch {
	case strings.Contains(said, "Address already in use"):
		return fmt.Errorf("%w: %d", errPortTaken, k.port)
	case strings.Contains(said, "could not find module"), strings.Contains(said, "could not open module"):
		return fmt.Errorf("%w:\n%s", errNoModule, said)
	}
	return fmt.Errorf("it does not answer (%v; process: %v); it printed:\n%s", answer, proc.err, said)
}

// probe asks a SIP server with OPTIONS over TCP and wants the mark in its answer.
func probe(addr, mark string, deadline time.Time) error {
	conn, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }() // a probe that was answered has nothing left to lose
	// A short wait: a connection that is accepted before the server is ready is asked again.
	if limit := time.Now().Add(500 * time.Millisecond); limit.Before(deadline) {
		deadline = limit
	}
	if err := conn.SetDeadline(deadline); err != nil {
		return err
	}
	local := conn.LocalAddr().String()
	if _, err := fmt.Fprintf(conn, "OPTIONS sip:%s SIP/2.0\r\nVia: SIP/2.0/TCP %s;branch=z9hG4bK%s;rport\r\nMax-Forwards: 70\r\n"+
		"From: <sip:probe@%s>;tag=1\r\nTo: <sip:%s>\r\nCall-ID: %s\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n",
		addr, local, mark, local, addr, mark); err != nil {
		return err
	}
	buf := make([]byte, 4096)
	n := 0
	for !strings.Contains(string(buf[:n]), "\r\n\r\n") {
		m, err := conn.Read(buf[n:])
		if err != nil {
			return err
		}
		n += m
	}
	if text := string(buf[:n]); !strings.HasPrefix(text, "SIP/2.0 200") || !strings.Contains(text, mark) {
		return fmt.Errorf("somebody else answers: %.60q", text)
	}
	return nil
}
