package soap

import (
	"testing"
	"time"

	"github.com/jcmturner/gokrb5/v8/service"
	"go.uber.org/goleak"
)

// The server's side of Kerberos, which only the tests have, cleans its memory of tickets for ever:
// it is begun here, so that it is not taken for a leak.
func TestMain(m *testing.M) {
	service.GetReplayCache(time.Hour)
	goleak.VerifyTestMain(m, goleak.IgnoreCurrent())
}
