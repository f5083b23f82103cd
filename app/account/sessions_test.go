package account_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"portico/app/account"
	"portico/app/portal"
	"portico/storage"
)

// deadVault takes nothing any more.
type deadVault struct{ *storage.Store }

func (deadVault) SaveLine(context.Context, portal.Address, []byte) error {
	return portal.Fail(portal.ErrUnavailable, "storage.away")
}

func TestLastSessionTakesTheLineDown(t *testing.T) {
	f := newOffice(t, account.Options{})
	f.signIn("alice", "wonder", "k1")
	f.signIn("alice", "wonder", "k2")
	f.news()
	if err := f.Ended(t.Context(), "k1"); err != nil {
		t.Fatal(err)
	}
	f.want("one of two", "ended k1 alice signed-out")
	if f.reg.line(alice) == "" {
		t.Fatal("the line is gone while a session lives")
	}
	if _, err := f.Whose(t.Context(), "k1"); !errors.Is(err, portal.ErrUnauthenticated) {
		t.Errorf("the ended session lives: %v", err)
	}
	f.reg.outFails = true // the server is away; the person is signed out all the same
	if err := f.Ended(t.Context(), "k2"); err != nil {
		t.Fatal(err)
	}
	f.want("the last", "ended k2 alice signed-out", "out alice")
	for _, again := range []string{"k1", "k2", "k3"} {
		if err := f.Ended(t.Context(), again); err != nil {
			t.Errorf("%s again: %v", again, err)
		}
	}
	if _, err := f.store.Line(t.Context(), alice); !errors.Is(err, portal.ErrNotFound) {
		t.Errorf("what kept the line is still there: %v", err)
	}
	if err := f.Began(t.Context(), alice, "k4", "", ""); !errors.Is(err, portal.ErrUnauthenticated) {
		t.Errorf("a session without a sign-in: %v", err)
	}
	f.want("nothing more")
}

// Signing out in one browser while another is between its sign-in and its session.
func TestSignOutBetweenSignInAndSession(t *testing.T) {
	f := newOffice(t, account.Options{})
	f.signIn("alice", "wonder", "k1")
	if _, err := f.SignIn(t.Context(), "alice", "wonder", ""); err != nil {
		t.Fatal(err)
	}
	if err := f.Ended(t.Context(), "k1"); err != nil {
		t.Fatal(err)
	}
	if err := f.Began(t.Context(), alice, "k2", "", ""); err != nil {
		t.Fatal(err)
	}
	if f.reg.line(alice) == "" {
		t.Error("the line is gone")
	}
}

func TestASignInWithoutSessionEnds(t *testing.T) {
	f := newOffice(t, account.Options{})
	f.run()
	if _, err := f.SignIn(t.Context(), "alice", "wonder", ""); err != nil {
		t.Fatal(err)
	}
	f.clock.turn(2 * time.Minute)
	f.happens("out alice")
	if f.reg.line(alice) != "" {
		t.Error("the line stands")
	}
}

func TestEndAll(t *testing.T) {
	f := newOffice(t, account.Options{})
	f.signIn("alice", "wonder", "k1")
	f.signIn("alice", "wonder", "k2")
	f.signIn("bob", "builder", "k3")
	f.news()
	if err := f.EndAll(t.Context(), alice); err != nil {
		t.Fatal(err)
	}
	f.want("everywhere", "ended k1 alice signed-out-everywhere", "ended k2 alice signed-out-everywhere", "out alice")
	if who, err := f.Whose(t.Context(), "k3"); err != nil || who != bob {
		t.Errorf("bob's session: %s, %v", who, err)
	}
}

func TestSessionsExpire(t *testing.T) {
	f := newOffice(t, account.Options{SessionLifetime: time.Hour})
	f.run()
	f.signIn("alice", "wonder", "k1")
	f.clock.turn(59 * time.Minute)
	if _, err := f.Whose(t.Context(), "k1"); err != nil {
		t.Fatalf("a minute before: %v", err)
	}
	f.clock.turn(time.Minute)
	if _, err := f.Whose(t.Context(), "k1"); !errors.Is(err, portal.ErrUnauthenticated) {
		t.Errorf("on the minute: %v", err)
	}
	f.happens("ended k1 alice expired")
	f.happens("out alice")
	if ins, err := f.Sessions(t.Context(), alice); err != nil || len(ins) != 0 {
		t.Errorf("sessions %v, %v", ins, err)
	}
}

// Between the end of a session's time and its sweep it is not told of.
func TestExpiredSessionsAreNotListed(t *testing.T) {
	f := newOffice(t, account.Options{SessionLifetime: time.Hour}) // nothing sweeps: Run is not called
	f.signIn("alice", "wonder", "k1")
	f.clock.turn(30 * time.Minute)
	f.signIn("alice", "wonder", "k2")
	f.clock.turn(30 * time.Minute)
	ins, err := f.Sessions(t.Context(), alice)
	if err != nil || len(ins) != 1 || ins[0].Key != "k2" {
		t.Errorf("sessions %+v, %v", ins, err)
	}
}

func TestResumeAfterRestart(t *testing.T) {
	f := newOffice(t, account.Options{})
	stop := f.run()
	f.signIn("alice", "wonder", "k1")
	f.signIn("bob", "builder", "k2")
	f.signIn("bob", "builder", "k3")
	secret := f.reg.line(bob)
	stop()
	if len(f.reg.signOuts) != 0 {
		t.Fatalf("a stop of the portal signed out %v", f.reg.signOuts)
	}
	f.reg.lines = map[portal.Address]string{}
	f.news()

	f.open()
	// Signing out one session is possible before the lines are up again.
	if err := f.Ended(t.Context(), "k2"); err != nil {
		t.Fatal(err)
	}
	if err := f.Ended(t.Context(), "k1"); err != nil {
		t.Fatal(err)
	}
	f.run()
	f.happens("in bob true")
	eventually(t, "bob's line is resumed", func() bool { return f.reg.line(bob) == secret })
	if slices.Contains(f.reg.resumed, alice) {
		t.Error("a line without sessions was resumed")
	}
	if ev := f.LineState(bob); ev.State != "down" {
		t.Errorf("before the server has answered the line is %+v", ev)
	}
	f.LineUp(bob)
	if ev := f.LineState(bob); ev.State != "up" {
		t.Errorf("the line is %+v", ev)
	}
	if who, err := f.Whose(t.Context(), "k3"); err != nil || who != bob {
		t.Errorf("bob's session: %s, %v", who, err)
	}
}

// Another key file: nobody can be kept signed in, and nobody is left hanging.
func TestResumeWithAnotherKey(t *testing.T) {
	f := newOffice(t, account.Options{})
	f.signIn("alice", "wonder", "k1")
	f.o.KeyFile = filepath.Join(f.dir, "another-key")
	f.open()
	f.run()
	f.happens("ended k1 alice line-lost")
	if len(f.reg.resumed) != 0 {
		t.Error("resumed with what could not be read")
	}
	f.signIn("alice", "wonder", "k2")
}

// What is sealed for one person opens for nobody else.
func TestSealedLinesAreBoundToTheirPerson(t *testing.T) {
	f := newOffice(t, account.Options{})
	f.signIn("alice", "wonder", "k1")
	f.signIn("bob", "builder", "k2")
	sealed, err := f.store.Line(t.Context(), alice)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.store.SaveLine(t.Context(), bob, sealed); err != nil {
		t.Fatal(err)
	}
	f.open()
	f.run()
	f.happens("ended k2 bob line-lost")
	f.happens("in alice true")
	eventually(t, "alice's line is resumed", func() bool { return slices.Contains(f.reg.resumed, alice) })
	if slices.Contains(f.reg.resumed, bob) {
		t.Error("bob's line stands on alice's credentials")
	}
}

func TestLineEvents(t *testing.T) {
	f := newOffice(t, account.Options{})
	f.LineDown(alice, errors.New("nobody is here"))
	f.signIn("alice", "wonder", "k1")
	f.news()
	f.LineUp(alice)
	f.LineDown(alice, portal.Fail(portal.ErrUnavailable, "x"))
	f.LineDown(alice, errors.New("again"))
	f.LineDown(alice, portal.Fail(portal.ErrUnauthenticated, "x"))
	f.LineUp(alice)
	f.want("each change once", "line alice down line.down", "line alice refused line.refused", "line alice up ")
	if _, err := f.Whose(t.Context(), "k1"); err != nil {
		t.Errorf("the session did not outlive it: %v", err)
	}
	if ev := f.LineState(bob); ev != (portal.LineEvent{}) {
		t.Errorf("a line of nobody: %+v", ev)
	}
}

func TestKeyFile(t *testing.T) {
	open := func(path string) error {
		_, err := account.New(newRegistrar(), nil, account.Options{Domain: "example.test", KeyFile: path})
		return err
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "new", "key")
	if err := open(path); err != nil {
		t.Fatal(err)
	}
	first, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if err := open(path); err != nil {
		t.Fatal(err)
	}
	if again, err := os.ReadFile(path); err != nil || !bytes.Equal(first, again) {
		t.Errorf("the key has changed: %v", err)
	}
	if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	for _, mode := range []os.FileMode{0o640, 0o604, 0o620, 0o644} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if err := open(path); err == nil || !strings.Contains(err.Error(), "chmod 600") {
			t.Errorf("mode %o: %v", mode, err)
		}
	}
	bad := filepath.Join(dir, "bad")
	for _, text := range []string{"", "xyz", "00ff", strings.Repeat("0", 4096)} {
		if err := os.WriteFile(bad, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := open(bad); err == nil {
			t.Errorf("%q was taken for a key", text)
		}
	}
	if err := open(dir); err == nil {
		t.Error("a directory was taken for a key")
	}
	if _, err := account.New(newRegistrar(), nil, account.Options{KeyFile: path}); err == nil {
		t.Error("no domain was taken")
	}
}

func TestMeAndSettings(t *testing.T) {
	f := newOffice(t, account.Options{Admins: []portal.Address{alice}})
	me, err := f.Me(t.Context(), alice)
	if err != nil || me.DisplayName != "alice" || me.Email != "alice@example.test" || !slices.Equal(me.Roles, []string{portal.RoleAdmin}) || me.Policies == nil {
		t.Errorf("me %+v, %v", me, err)
	}
	if me, err := f.Me(t.Context(), bob); err != nil || len(me.Roles) != 0 || me.Roles == nil {
		t.Errorf("bob %+v, %v", me, err)
	}
	if set, err := f.Settings(t.Context(), alice); err != nil || set != portal.DefaultSettings() {
		t.Errorf("settings %+v, %v", set, err)
	}
	want := portal.Settings{Locale: "de", TimeZone: "Europe/Berlin", Theme: "dark"}
	to := func(want portal.Settings) func(*portal.Settings) error {
		return func(set *portal.Settings) error { *set = want; return nil }
	}
	if err := f.ChangeSettings(t.Context(), alice, to(want)); err != nil {
		t.Fatal(err)
	}
	if set, err := f.Settings(t.Context(), alice); err != nil || set != want {
		t.Errorf("settings %+v, %v", set, err)
	}
	if me, err := f.Me(t.Context(), alice); err != nil || me.Locale != "de" || me.TimeZone != "Europe/Berlin" {
		t.Errorf("me %+v, %v", me, err)
	}
	for key, bad := range map[string]portal.Settings{
		"settings.client":    {PreferredClient: "fax"},
		"settings.thin":      {Thin: "maybe"},
		"settings.locale":    {Locale: "Deutsch!"},
		"settings.time-zone": {TimeZone: "../../etc/passwd"},
		"settings.theme":     {Theme: "pink"},
	} {
		if err := f.ChangeSettings(t.Context(), alice, to(bad)); !errors.Is(err, portal.ErrInvalid) || portal.Reason(err) != key {
			t.Errorf("%s: %v", key, err)
		}
	}
}

// Changes of one person's settings come one after the other: none is lost.
func TestConcurrentChangesOfSettings(t *testing.T) {
	f := newOffice(t, account.Options{})
	begun, let := make(chan struct{}), make(chan struct{})
	first := make(chan error, 1)
	go func() {
		first <- f.ChangeSettings(t.Context(), alice, func(set *portal.Settings) error {
			close(begun)
			<-let
			set.Sort = "status"
			return nil
		})
	}()
	<-begun
	second := make(chan error, 1)
	go func() {
		second <- f.ChangeSettings(t.Context(), alice, func(set *portal.Settings) error { set.PresenceProvider = "portal"; return nil })
	}()
	select {
	case err := <-second:
		t.Errorf("the second did not wait: %v", err)
		second <- err
	case <-time.After(50 * time.Millisecond):
	}
	close(let)
	if err := errors.Join(<-first, <-second); err != nil {
		t.Fatal(err)
	}
	refused := errors.New("no")
	if err := f.ChangeSettings(t.Context(), alice, func(set *portal.Settings) error { set.Sort = ""; return refused }); !errors.Is(err, refused) {
		t.Errorf("a refusal: %v", err)
	}
	if set, err := f.Settings(t.Context(), alice); err != nil || set.Sort != "status" || set.PresenceProvider != "portal" {
		t.Errorf("kept %+v, %v", set, err)
	}
}

func TestAnOwnSecretIsBoundToItsPurpose(t *testing.T) {
	f := newOffice(t, account.Options{})
	sealed, err := f.Seal("webhooks", []byte("a key"))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(sealed, []byte("a key")) {
		t.Error("the secret stands as it is")
	}
	if plain, err := f.Open("webhooks", sealed); err != nil || string(plain) != "a key" {
		t.Errorf("opened: %q, %v", plain, err)
	}
	if _, err := f.Open("servers", sealed); err == nil {
		t.Error("opened for another purpose")
	}
	sealed[len(sealed)-1] ^= 1
	if _, err := f.Open("webhooks", sealed); err == nil {
		t.Error("opened although it was damaged")
	}
}
