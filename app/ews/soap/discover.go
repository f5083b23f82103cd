package soap

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// DiscoverOptions says whose server is looked for.
type DiscoverOptions struct {
	// Email is the address whose mailbox is looked for; its domain is where the search begins.
	Email string
	Auth  Authenticator
	// Credentials replace those of Auth.
	Credentials *Credentials
	HTTP        *http.Client
	// Timeout bounds one request; 0 is 10 s.
	Timeout time.Duration
	// URLs replace the candidates that follow from the domain (an administrator's own address,
	// tests). They are asked first and alone.
	URLs []string
	// Trust tells whether the credentials may be sent to a host outside the address's domain that
	// a redirect or an SRV record named; nil trusts hosts of the domain only.
	Trust func(host string) bool
	// LookupSRV replaces the resolver in tests.
	LookupSRV func(ctx context.Context, service, proto, name string) (string, []*net.SRV, error)
	Logger    *slog.Logger
}

// DiscoverResult is what was found. The caller keeps it.
type DiscoverResult struct {
	EWSURL      string
	Email       string // the primary address, as far as it was told
	DisplayName string
	From        string // the address that gave the answer
}

// Discover finds the EWS address of a mailbox by Autodiscover.
func Discover(ctx context.Context, o DiscoverOptions) (DiscoverResult, error) {
	return DiscoverResult{}, errors.New("not reachable yet")
}
