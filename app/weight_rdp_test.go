package main

import (
	"bufio"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"portico/app/sipua/siptest"
)

// rdpSwitch asks for the measurement in a remote session.
const rdpSwitch = "PORTICO_RDP"

// TestRemoteSession measures what the portal costs on the wire of a terminal server: a real Chromium with a window on the screen
// of a real RDP server (xrdp with its X server), seen by a real RDP client (FreeRDP), and a meter between the two.
//
//	PORTICO_RDP=1 go test ./app -run TestRemoteSession -v -timeout 60m
//
// PORTICO_RDP=chat leaves out the minutes in which nobody says anything.
//
// It needs xrdp, xorgxrdp, xvfb, freerdp2-x11 and chromium (Debian's names), all started by the test for itself alone.
func TestRemoteSession(t *testing.T) {
	if os.Getenv(rdpSwitch) == "" {
		t.Skip("the remote session is measured where " + rdpSwitch + "=1 asks for it: it takes half an hour")
	}
	const xorg = "/usr/lib/xorg/Xorg"
	for _, peer := range [][2]string{{xorg, "xserver-xorg-core"}, {"/usr/lib/xorg/modules/libxorgxrdp.so", "xorgxrdp"}, {"xrdp", "xrdp"}, {"Xvfb", "xvfb"}, {"xfreerdp", "freerdp2-x11"}, {"chromium", "chromium"}} {
		_, err := exec.LookPath(peer[0])
		if filepath.Ext(peer[0]) == ".so" {
			_, err = os.Stat(peer[0])
		}
		if err != nil {
			t.Skipf("no remote session without %s: %v", peer[1], err)
		}
	}
	r := &remote{t: t, dir: t.TempDir(), wire: newMeter(t)}
	r.screen(xorg)
	sheet := &figures{log: t}
	t.Cleanup(func() { t.Logf("\n%s", sheet) })
	t.Setenv("DISPLAY", r.display)
	d := &desk{t: t, browser: startChromium(t, chromedp.VisibleWindow, chromedp.UserDataDir(quietProfile(t)), chromedp.Flag("window-position", "0,0"), chromedp.WindowSize(1280, 800))}
	r.client()
	weighRemote(d, r, sheet)
}

// remote is a remote session: the server's screen, and a client that looks at it through the meter.
type remote struct {
	t       *testing.T
	dir     string
	display string // of the session
	wire    *meter
}

// start runs a program until the test ends, with its own process group, and its output in the log of a test that fails.
func (r *remote) start(env []string, extra *os.File, name string, args ...string) {
	r.t.Helper()
	said, err := os.Create(filepath.Join(r.dir, filepath.Base(name)+".said"))
	if err != nil {
		r.t.Fatal(err)
	}
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = r.dir, append(os.Environ(), env...), said, said
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if extra != nil {
		cmd.ExtraFiles = []*os.File{extra}
	}
	if err := cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
		_ = cmd.Wait() // it was told to end
		said.Close()
		if out, err := os.ReadFile(said.Name()); err == nil && r.t.Failed() {
			r.t.Logf("%s: %.4000s", name, out)
		}
	})
}

// xServer starts an X server, which says itself which display it has taken.
func (r *remote) xServer(env []string, name string, args ...string) (display string) {
	r.t.Helper()
	from, to, err := os.Pipe()
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { from.Close() }) // not before: the server says it more than once, and ends where nobody listens
	r.start(env, to, name, append(args, "-displayfd", "3", "-nolisten", "tcp")...)
	to.Close()
	if err := from.SetReadDeadline(time.Now().Add(patience)); err != nil {
		r.t.Fatal(err)
	}
	number, err := bufio.NewReader(from).ReadString('\n')
	if err != nil {
		r.t.Fatalf("%s names no display: %v", name, err)
	}
	return ":" + strings.TrimSpace(number)
}

// screen starts the session's X server, and the RDP server that shows it to whoever connects.
func (r *remote) screen(xorg string) {
	r.t.Helper()
	sockets := filepath.Join(r.dir, "sockets")
	if err := os.Mkdir(sockets, 0o700); err != nil {
		r.t.Fatal(err)
	}
	config := file(r.t, r.dir, "xorg.conf", xorgConfig)
	r.display = r.xServer([]string{"XRDP_SOCKET_PATH=" + sockets}, xorg, "-config", config, "-noreset", "-ac", "-logfile", filepath.Join(r.dir, "xorg.log"))
	cert, key := r.certificate()
	listen := siptest.FreeAddr(r.t)
	ini := file(r.t, r.dir, "xrdp.ini", fmt.Sprintf(xrdpConfig, listen, cert, key, filepath.Join(r.dir, "xrdp.log"), filepath.Join(sockets, "xrdp_display_"+r.display[1:])))
	r.start(nil, nil, "xrdp", "--nodaemon", "--config", ini)
	r.wire.leadTo(listen)
}

// client starts the RDP client, on a screen that nobody sees, and waits until the session has its size.
func (r *remote) client() {
	r.t.Helper()
	shown := r.xServer(nil, "Xvfb", "-screen", "0", "1280x800x24", "-ac")
	r.start([]string{"DISPLAY=" + shown}, nil, "xfreerdp", "/v:"+r.wire.addr(), "/u:nobody", "/p:nothing", "/cert:ignore", "/size:1280x800", "/bpp:32")
	await(r.t, patience, "the session's picture at the client", func() bool {
		_, down := r.wire.bytes()
		return down > 8_000 // the sign-in is 5,000
	})
}

// certificate makes one for the RDP server, as its two files.
func (r *remote) certificate() (cert, key string) {
	r.t.Helper()
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		r.t.Fatal(err)
	}
	made := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, made, made, &private.PublicKey, private)
	if err != nil {
		r.t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		r.t.Fatal(err)
	}
	return file(r.t, r.dir, "cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))),
		file(r.t, r.dir, "key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})))
}

// quietProfile is a browser's profile in which it does not ask whether to keep passwords: that stands on the page and hides it.
func quietProfile(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	own := filepath.Join(dir, "Default")
	if err := os.Mkdir(own, 0o700); err != nil {
		t.Fatal(err)
	}
	file(t, own, "Preferences", `{"credentials_enable_service":false,"profile":{"password_manager_enabled":false}}`)
	return dir
}

// remoteRepetitions is how often each minute is measured: what travels hardly varies.
const remoteRepetitions = 3

// weighRemote counts what the RDP connection carries in minutes of different kinds.
func weighRemote(d *desk, r *remote, f *figures) {
	o := d.office(50)
	for i, mode := range modes() { // each with a colleague of its own, so that the conversation begins anew
		o.alice.inMode(mode)
		b := d.open(o.p, nil)
		b.base = o.meter.url()
		call(b, emulation.ClearDeviceMetricsOverride, cdp.Empty{})
		b.signIn("alice", "/contacts").live()
		o.settled(b)
		if os.Getenv(rdpSwitch) != "chat" {
			weighIdleRemote(o, r, f, mode)
		}
		b.show(with(colleague(i))).live()
		o.shows(b)
		weighHeard(o.colleagues[i], r, f, mode, b)
		var chat []int64
		for n := range remoteRepetitions {
			chat = append(chat, r.minute(func() { o.talk(b, o.colleagues[i], fmt.Sprintf("%s-%d", mode, n)) }))
		}
		f.add("RDP: a minute of chat, 10 messages each way, the log is full", mode, "%s (%s)", kilobytes(median(chat)), each(chat))
		b.run(`document.querySelector("form.signout button").click()`) // windows of the visible browser share a profile
		b.until("signed out", `location.pathname === "/signin"`)
		b.close()
	}
}

// weighIdleRemote is about a contact list that is only looked at.
func weighIdleRemote(o *office, r *remote, f *figures, mode string) {
	f.add("RDP: a minute in which nothing changes", mode, "%s", kilobytes(r.minute(func() { rest(o.d.t, time.Minute) })))
	var idle []int64
	for n := range remoteRepetitions {
		idle = append(idle, r.minute(func() { o.change(time.Minute, []string{"busy", "available"}[n%2]) }))
	}
	f.add("RDP: an idle minute, each of 50 contacts changes presence once", mode, "%s (%s)", kilobytes(median(idle)), each(idle))
}

// weighHeard is about a conversation that is only read: five messages heard while it is short, then five when it fills its window.
func weighHeard(with *client, r *remote, f *figures, mode string, b *tab) {
	heard := 0
	hear := func(n int, pause time.Duration) {
		for range n {
			heard++
			text := fmt.Sprintf("%s, %d: there was a call from Graz about the offer", mode, heard)
			with.say("alice", fmt.Sprintf("heard-%s-%d", mode, heard), text)
			b.shows(text, false)
			rest(b.t, pause)
		}
	}
	f.add("RDP: five messages heard, the log is short", mode, "%s", kilobytes(r.minute(func() { hear(5, 3*time.Second) })))
	hear(15, time.Second)
	rest(b.t, 5*time.Second)
	var full []int64
	for range remoteRepetitions {
		full = append(full, r.minute(func() { hear(5, 3*time.Second) }))
	}
	f.add("RDP: five messages heard, the log is full", mode, "%s (%s)", kilobytes(median(full)), each(full))
}

func each(values []int64) string {
	var all []string
	for _, v := range values {
		all = append(all, kilobytes(v))
	}
	return strings.Join(all, ", ")
}

// minute is what goes down the wire while something happens.
func (r *remote) minute(happens func()) int64 {
	_, before := r.wire.bytes()
	happens()
	_, after := r.wire.bytes()
	return after - before
}

// shows waits until a page that was just opened is at rest.
func (o *office) shows(b *tab) {
	b.until("the composer", `document.getElementById("text") !== null`)
	rest(o.d.t, 5*time.Second)
}

// talk is a minute in which alice and a colleague say ten things each, written key by key.
func (o *office) talk(b *tab, with *client, mark string) {
	o.d.t.Helper()
	pace := time.NewTicker(3 * time.Second)
	defer pace.Stop()
	for n := range 10 {
		<-pace.C
		with.say("alice", fmt.Sprintf("his-%s-%d", mark, n), fmt.Sprintf("%s, %d: the offer for Graz goes out before noon", mark, n))
		<-pace.C
		b.run(`document.getElementById("text").focus()`)
		b.keys(fmt.Sprintf("%d, then I look at page 4 once more", n))
		b.enter()
	}
}

// xorgConfig is the session's X server: xorgxrdp's driver, which sends what is drawn to the RDP server.
const xorgConfig = `Section "ServerLayout"
  Identifier "layout"
  Screen "screen"
  InputDevice "mouse" "CorePointer"
  InputDevice "keyboard" "CoreKeyboard"
EndSection
Section "ServerFlags"
  Option "DefaultServerLayout" "layout"
  Option "DontVTSwitch" "on"
  Option "AutoAddDevices" "off"
EndSection
Section "Module"
  Load "glamoregl"
  Load "xorgxrdp"
  Load "fb"
EndSection
Section "InputDevice"
  Identifier "keyboard"
  Driver "xrdpkeyb"
EndSection
Section "InputDevice"
  Identifier "mouse"
  Driver "xrdpmouse"
EndSection
Section "Monitor"
  Identifier "monitor"
EndSection
Section "Device"
  Identifier "card"
  Driver "xrdpdev"
EndSection
Section "Screen"
  Identifier "screen"
  Device "card"
  Monitor "monitor"
  DefaultDepth 24
  SubSection "Display"
    Depth 24
    Modes "800x600" "1280x800"
  EndSubSection
EndSection
`

// xrdpConfig leads whoever connects to the one X server, without a session manager. Its blanks: listen address, certificate, key,
// log, the X server's socket.
const xrdpConfig = `[Globals]
ini_version=1
fork=true
port=tcp://%s
tcp_nodelay=true
security_layer=negotiate
crypt_level=high
certificate=%s
key_file=%s
ssl_protocols=TLSv1.2, TLSv1.3
autorun=Portal
allow_channels=true
bitmap_cache=true
bitmap_compression=true
bulk_compression=true
max_bpp=32
new_cursors=true
use_fastpath=both
[Logging]
LogFile=%s
LogLevel=INFO
EnableSyslog=false
[Channels]
rdpdr=true
rdpsnd=true
drdynvc=true
cliprdr=true
rail=true
xrdpvr=true
tcutils=true
[Portal]
name=Portal
lib=libxup.so
username=na
password=na
ip=127.0.0.1
port=%s
code=20
`
