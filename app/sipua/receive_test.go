package sipua

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"portico/app/portal"
)

// nobody is a handler that takes everything.
type nobody struct{}

func (nobody) Receive(context.Context, portal.Incoming) error                     { return nil }
func (nobody) ReceiveNotice(context.Context, portal.Address, portal.Notice) error { return nil }
func (nobody) ReceiveTyping(_, _ portal.Address, _ bool, _ time.Duration)         {}
func (nobody) Notified(portal.Address, portal.Report)                             {}
func (nobody) Silent(_, _ portal.Address)                                         {}
func (nobody) Watchers(portal.Address, []portal.Watcher)                          {}
func (nobody) RoomMessage(context.Context, portal.RoomIncoming) error             { return nil }
func (nobody) Rang(portal.Ring)                                                   {}
func (nobody) Dialogs(portal.Address, []portal.Dialog)                            {}
func (nobody) MessageWaiting(portal.Address, portal.Waiting)                      {}
func (nobody) LineUp(portal.Address)                                              {}
func (nobody) LineDown(portal.Address, error)                                     {}

// void is a socket that swallows.
type void struct{ net.PacketConn }

func (void) WriteTo(b []byte, _ net.Addr) (int, error) { return len(b), nil }
func (void) LocalAddr() net.Addr                       { return &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 5060} }

// No bytes of a peer may stop the agent.
func FuzzReceive(f *testing.F) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/emiago/sipgo").Output()
	if err == nil { // without the module's source there are fewer seeds
		seeds, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(out)), "sip", "testdata", "torture", "*", "*.dat"))
		if err != nil {
			f.Fatal(err)
		}
		for _, s := range seeds {
			b, err := os.ReadFile(s)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(b)
		}
	}
	head := " sip:alice@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK1;rport\r\nFrom: <sip:bob@example.test>;tag=1\r\nTo: <sip:alice@example.test>\r\nCall-ID: 1\r\nMax-Forwards: 70\r\n"
	for _, s := range []string{
		"MESSAGE" + head + "CSeq: 1 MESSAGE\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello",
		"MESSAGE" + head + "CSeq: 1 MESSAGE\r\nContent-Type: message/cpim\r\nContent-Encoding: deflate\r\n\r\nhello",
		"NOTIFY" + head + "CSeq: 1 NOTIFY\r\nEvent: presence\r\nSubscription-State: active;expires=5\r\n\r\n<presence/>",
		"INVITE" + head + "CSeq: 1 INVITE\r\nContact: <sip:b@h>\r\n\r\n",
		"INVITE" + strings.Replace(head, "<sip:bob@example.test>", `"B\\"ob" <tel:+49-30-1;x=y>`, 1) + "CSeq: 1 INVITE\r\nContact: <sip:b@h>\r\nP-Asserted-Identity: <sip:1@h;user=phone>, <tel:1>\r\n\r\n",
		"CANCEL" + head + "CSeq: 1 CANCEL\r\nReason: Q.850;cause=16, SIP;cause=200;text=\"Call completed elsewhere\"\r\n\r\n",
		"MESSAGE" + strings.Replace(head, "alice@127.0.0.1", "team@rooms.example.test", 1) + "CSeq: 1 MESSAGE\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello",
		"NOTIFY" + head + "CSeq: 1 NOTIFY\r\nEvent: dialog\r\nSubscription-State: active;expires=5\r\n\r\n<dialog-info/>",
		"CANCEL" + head + "CSeq: 1 CANCEL\r\n\r\n",
		"OPTIONS" + head + "CSeq: 1 OPTIONS\r\n\r\n",
		"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK1\r\nCSeq: 1 MESSAGE\r\nContact: *\r\n\r\n",
	} {
		f.Add([]byte(s))
	}
	a, err := New(Config{Domain: "example.test", Proxy: "sip:127.0.0.1:9", Instance: "fuzz", RoomsDomain: "rooms.example.test", Dialogs: true, MessageSummary: true}, nobody{})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { a.door.shut(); a.txs.end(); a.lanes.close(); a.lanes.wait() })
	l := a.newLine("sip:alice@example.test", nil)
	l.subs = map[portal.Address]*sub{"sip:bob@example.test": {l: l, of: "sip:bob@example.test", flags: subWanted}}
	s := l.subs["sip:bob@example.test"]
	s.anew()
	l.othersUntil = time.Now().Add(24 * time.Hour) // calls are held
	l.wantOwn()
	a.lines[l.who] = l
	f.Fuzz(func(t *testing.T, raw []byte) {
		remote := &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9}
		fl := newPacketFlow(void{}, remote, "127.0.0.1", 5060, true)
		a.receive(fl, raw)
		a.reject(fl, raw, 400, "Bad")
		a.txs.end()
		if a.line(l.who) != l {
			t.Error("the line is gone")
		}
	})
}
