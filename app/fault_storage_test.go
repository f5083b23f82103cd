package main

import (
	"database/sql"
	"net/http"
	"path/filepath"
	"testing"

	"portico/app/config"
)

// The receiver's portal cannot store: what is sent to it is refused for now, nothing is acknowledged that is
// not on disk, and everything arrives when storage is back.
func TestStorageAway(t *testing.T) {
	lab := runningLab(t)
	var dir string
	facingLab := func(cfg *config.Config) {
		cfg.Lab.Enabled = false
		cfg.SIP.Proxy = "sip:" + lab.Addr() + ";transport=tcp"
		dir = cfg.Storage.DataDir
	}
	sender := &program{t: t, url: inProcess(t, facingLab).address()}
	receiver := &program{t: t, url: inProcess(t, facingLab).address()}
	awaitReady(t, sender.url)
	awaitReady(t, receiver.url)
	alice, bob := sender.signIn("alice"), receiver.signIn("bob")
	atAlice, atBob := alice.open(), bob.open()
	alice.say("bob", "a-0000", "text of a-0000")
	arrived(t, atAlice, atBob, ids("a", 1))

	// Another process holds the database's lock.
	db, err := sql.Open("sqlite", filepath.Join(dir, "portico.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	db.SetMaxOpenConns(1)
	if _, err := db.Exec("BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	status, body := bob.problem(http.MethodPost, "/conversations/"+person("alice")+"/messages", []byte(`{"id":"b-0000","text":"text of b-0000"}`))
	if status != http.StatusServiceUnavailable {
		t.Errorf("said while storage is away: status %d, %s", status, body)
	}
	for _, id := range ids("a", 4)[1:] {
		alice.say("bob", id, "text of "+id)
	}
	// The lab keeps what the device cannot take now; the sender is told so and not that it arrived.
	atAlice.awaitState("a-0001", "stored")
	if told := atBob.messages(); told["a-0001"] != 0 {
		t.Error("bob was told of a message that is not on disk")
	}
	if _, err := db.Exec("ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	arrived(t, atAlice, atBob, ids("a", 4))
	bob.say("alice", "b-0000", "text of b-0000")
	arrived(t, atBob, atAlice, ids("b", 1))
}
