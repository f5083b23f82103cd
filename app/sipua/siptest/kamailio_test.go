package siptest

import (
	"testing"
	"time"
)

// A server answers after its start, knows its people, and comes back on the same port with its state as asked.
func TestKamailioStartsAndStops(t *testing.T) {
	k := StartKamailio(t, KamailioOptions{RoomsDomain: "rooms.example.test", TLS: true})
	k.WaitBindings("alice", 0, wait)
	addr := k.Addr()
	k.Restart()
	if k.Addr() != addr {
		t.Errorf("address after restart: %s, want %s", k.Addr(), addr)
	}
	ask := func() error { return probe(k.Addr(), k.mark, time.Now().Add(300*time.Millisecond)) }
	k.Pause()
	if err := ask(); err == nil {
		t.Error("answers while it is paused")
	}
	k.Resume()
	if !Eventually(wait, func() bool { return ask() == nil }) {
		t.Error("does not answer after the pause")
	}
	k.Pause()
	k.Stop()
	k.Start()
	k.Kill()
	if k.Running() {
		t.Error("runs after Kill")
	}
	if _, err := k.RPC("core.version"); err == nil {
		t.Error("answers after Kill")
	}
	k.Start()
	if _, err := k.RPC("core.version"); err != nil {
		t.Errorf("does not answer after Kill and Start: %v", err)
	}
}
