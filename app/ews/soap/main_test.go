package soap

import (
	"testing"

	"go.uber.org/goleak"
)

// The server's side of Kerberos, which only the tests have, cleans its memory of tickets for ever.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/jcmturner/gokrb5/v8/service.GetReplayCache.func1.1"))
}
