package siptest

import (
	"net"
	"testing"
	"time"
)

// A device's connection is reset while the server does something else, and a message for it waits already when
// the server looks up again: it is stored, whether the server writes first or notices first.
func TestStoredWhenTheConnectionBreaks(t *testing.T) {
	k := StartKamailio(t, KamailioOptions{TrustedIP: "127.0.0.1", AnswerTimeout: time.Second})
	bob := dialRaw(t, k, "bob", false)
	asserted := "P-Asserted-Identity: <" + k.URI("bob") + ">\r\nContent-Type: text/plain\r\n"
	others := People()[2:6]
	for _, user := range others {
		device := dialRaw(t, k, user, false)
		want(t, device.send("REGISTER", "sip:example.test", "P-Asserted-Identity: <"+k.URI(user)+">\r\n", ""), 200)
		k.Pause()
		if err := device.conn.(*net.TCPConn).SetLinger(0); err != nil {
			t.Fatal(err)
		}
		if err := device.conn.Close(); err != nil {
			t.Fatal(err)
		}
		answered := make(chan packet)
		go func() { answered <- bob.send("MESSAGE", k.URI(user), asserted, "kept") }()
		k.Resume()
		want(t, <-answered, 202)
	}
	k.WaitStored(int64(len(others)), wait)
}
