// Package ewstest is the kit for tests that speak Exchange Web Services: it holds envelopes against the official
// schema, and it drives clients that nobody here wrote (python3-exchangelib, DavMail) against any EWS endpoint.
//
// What is not at hand skips the test with its name and its Debian package; with PORTICO_REQUIRE_PEERS=1 in the
// environment it fails the test instead. The schema is no package: it is looked for in the folder that
// PORTICO_EWS_SCHEMA names, else in a folder shared/ews-schema beside the checkout, and where there is none nothing is
// validated, whatever is required. Everything that is started is stopped at the test's cleanup, and also when the test
// process dies; what a peer printed is shown when its test failed.
package ewstest

import (
	"os"
	"os/exec"
	"testing"
	"time"
)

// RequirePeers is the environment variable that turns a missing peer from a skip into a failure when it is "1".
const RequirePeers = "PORTICO_REQUIRE_PEERS"

// Password is what every seeded person signs in with.
const Password = "portico"

// Domain is the e-mail domain of the seeded people.
const Domain = "example.test"

// Endpoint is an EWS server that the peers are pointed at.
type Endpoint struct {
	URL      string // of the service: http://127.0.0.1:PORT/EWS/Exchange.asmx
	Domain   string // e-mail domain of the people; "" means Domain
	Password string // of everybody; "" means Password
	Service  string // user name of an account that may impersonate everybody; "" where there is none
	Secret   string // its password
}

// Email is the primary address of the person with this user name.
func (e Endpoint) Email(user string) string {
	if e.Domain == "" {
		return user + "@" + Domain
	}
	return user + "@" + e.Domain
}

// password is what everybody signs in with.
func (e Endpoint) password() string {
	if e.Password == "" {
		return Password
	}
	return e.Password
}

// program finds an executable, or skips (fails, where peers are required) the test.
func program(t testing.TB, name, debianPackage string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		missing(t, name, debianPackage)
	}
	return path
}

// requirePeers says whether a missing peer is a failure.
func requirePeers() bool { return os.Getenv(RequirePeers) == "1" }

// missing ends the test that needs a peer which is not there.
func missing(t testing.TB, name, debianPackage string) {
	t.Helper()
	if requirePeers() {
		t.Fatalf("%s is not installed (Debian package %s) and %s=1", name, debianPackage, RequirePeers)
	}
	t.Skipf("needs %s (Debian package %s)", name, debianPackage)
}

// Eventually polls until cond is true and reports whether that happened within the timeout. It is meant for states
// that can only be seen by asking for them.
func Eventually(timeout time.Duration, cond func() bool) bool {
	deadline := time.NewTimer(timeout)
	defer deadline.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if cond() {
			return true
		}
		select {
		case <-deadline.C:
			return cond()
		case <-tick.C:
		}
	}
}
