package account_test

import (
	"bytes"
	"testing"

	"portico/app/account"
	"portico/app/portal"
)

// A password is kept only where a backend needs it, never readable, over a restart, and not beyond sign-out.
func TestPasswordsAreKeptOnlyWhereNeeded(t *testing.T) {
	f := newOffice(t, account.Options{KeepPassword: true})
	f.signIn("alice", "wonder", "k1")
	if got, err := f.Password(t.Context(), alice); err != nil || got != "wonder" {
		t.Fatalf("password %q, %v", got, err)
	}
	sealed, err := f.store.Line(t.Context(), alice)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(sealed, []byte("wonder")) {
		t.Error("the password can be read in the database")
	}
	secret := f.reg.line(alice)
	f.open()
	f.run()
	eventually(t, "the line is resumed with its own secret", func() bool { return f.reg.line(alice) == secret })
	if got, err := f.Password(t.Context(), alice); err != nil || got != "wonder" {
		t.Errorf("after a restart: password %q, %v", got, err)
	}
	if _, err := f.Password(t.Context(), bob); portal.Meaning(err) != portal.ErrUnauthenticated {
		t.Errorf("somebody who is not here: %v", err)
	}
	if err := f.Ended(t.Context(), "k1"); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Password(t.Context(), alice); portal.Meaning(err) != portal.ErrUnauthenticated {
		t.Errorf("after sign-out: %v", err)
	}
}

// Where nobody needs passwords none is kept, and what an earlier release kept opens still.
func TestNoPasswordIsKeptWithoutNeed(t *testing.T) {
	f := newOffice(t, account.Options{})
	f.signIn("alice", "wonder", "k1")
	if got, err := f.Password(t.Context(), alice); portal.Meaning(err) != portal.ErrUnauthenticated || got != "" {
		t.Errorf("password %q, %v", got, err)
	}
	f.o.KeepPassword = true
	f.open()
	f.run()
	f.happens("in alice true")
	if _, err := f.Password(t.Context(), alice); portal.Meaning(err) != portal.ErrUnauthenticated {
		t.Errorf("a password out of nothing: %v", err)
	}
}
