package account_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"portico/app/account"
	"portico/app/portal"
)

const office1 = "192.0.2.1:4711"

// deviceOf is a browser in which who has signed in.
func (f *office) deviceOf(token, address, password string) string {
	f.t.Helper()
	who, err := f.SignInFrom(f.t.Context(), address, password, office1, token)
	if err != nil {
		f.t.Fatalf("sign in %s: %v", address, err)
	}
	token, err = f.Device(token, who, address)
	if err != nil {
		f.t.Fatal(err)
	}
	return token
}

// Somebody at the same address, and a thousand machines elsewhere, guess at alice's account. In her own browser she signs in all
// the same; in one that does not know her she waits like them.
func TestNobodyIsLockedOutOfTheirOwnBrowser(t *testing.T) {
	f := newOffice(t, account.Options{})
	own := f.deviceOf("", "alice", "wonder")
	bobs := f.deviceOf("", "bob", "builder")
	if err := f.EndAll(t.Context(), alice); err != nil {
		t.Fatal(err)
	}
	for range 40 { // one neighbour, patient
		if _, err := f.SignIn(t.Context(), "alice", "guess", office1); portal.Meaning(err) == portal.ErrTooMany {
			f.clock.turn(time.Second)
		}
	}
	for i := range 130 { // many machines
		_, _ = f.SignIn(t.Context(), "alice", "guess", fmt.Sprintf("198.51.100.%d:1", i))
	}
	for i := range 25 { // the address itself is held up
		_, _ = f.SignIn(t.Context(), fmt.Sprint("nobody", i), "guess", office1)
	}
	f.failsFrom(office1, "alice", "wonder", portal.ErrTooMany, "signin.too-many")
	f.failsFrom("203.0.113.9:1", "alice", "wonder", portal.ErrTooMany, "signin.too-many")
	if _, err := f.SignInFrom(t.Context(), "alice", "wonder", office1, bobs); portal.Meaning(err) != portal.ErrTooMany {
		t.Errorf("with a browser that knows somebody else: %v", err)
	}
	if who, err := f.SignInFrom(t.Context(), "alice@example.test", "wonder", office1, own); err != nil || who != alice {
		t.Errorf("in her own browser: %v, %v", who, err)
	}
}

// A stolen browser has no more tries than a remote address.
func TestAKnownDeviceIsSlowedDownToo(t *testing.T) {
	f := newOffice(t, account.Options{})
	own := f.deviceOf("", "alice", "wonder")
	refused := 0
	for range 10 {
		_, err := f.SignInFrom(t.Context(), "alice", "guess", office1, own)
		if portal.Meaning(err) == portal.ErrTooMany {
			refused++
		}
	}
	if refused != 5 {
		t.Errorf("%d of ten were turned away, want 5", refused)
	}
	// What went wrong there holds nobody up elsewhere.
	if _, err := f.SignIn(t.Context(), "alice", "wonder", office1); err != nil {
		t.Errorf("at the same address in another browser: %v", err)
	}
}

// What the browser keeps is told by nobody else, does not last for ever, and does not grow.
func TestDeviceTokens(t *testing.T) {
	f := newOffice(t, account.Options{})
	own := f.deviceOf("", "alice", "wonder")
	if strings.Contains(own, "alice") {
		t.Error("the token names its person")
	}
	lock := func() {
		t.Helper()
		for range 5 {
			f.failsFrom(office1, "alice", "guess", portal.ErrUnauthenticated, "signin.wrong")
		}
	}
	lock()
	for name, token := range map[string]string{
		"nonsense": "x", "too long": strings.Repeat("A", 4000), "changed": own[:len(own)-2] + "AA", "half": own[:20],
	} {
		if _, err := f.SignInFrom(t.Context(), "alice", "wonder", office1, token); portal.Meaning(err) != portal.ErrTooMany {
			t.Errorf("%s: %v", name, err)
		}
	}
	shared := own
	for i := range 20 {
		var err error
		who := portal.Address(fmt.Sprintf("sip:user%d@example.test", i))
		if shared, err = f.Device(shared, who, who.User()); err != nil {
			t.Fatal(err)
		}
	}
	if len(shared) > 1500 {
		t.Errorf("the token has grown to %d bytes", len(shared))
	}
	if _, err := f.SignInFrom(t.Context(), "alice", "wonder", office1, shared); portal.Meaning(err) != portal.ErrTooMany {
		t.Errorf("after twenty others alice is still known: %v", err)
	}
	f.clock.turn(account.DeviceLasts + time.Hour)
	lock()
	if _, err := f.SignInFrom(t.Context(), "alice", "wonder", office1, own); portal.Meaning(err) != portal.ErrTooMany {
		t.Errorf("half a year later: %v", err)
	}
}
