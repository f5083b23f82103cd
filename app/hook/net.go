package hook

import (
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"portico/app/outward"
	"portico/app/portal"
)

// CheckURL refuses addresses to which no changes go: other schemes than http and https, names with a password, no host.
func CheckURL(s string) error {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" || u.Scheme != "https" && u.Scheme != "http" || len(s) > 2000 {
		return portal.Fail(portal.ErrInvalid, "hook.url")
	}
	return nil
}

// newClient makes a client that goes to public addresses and those of the networks named for it alone, and follows no redirect.
func newClient(own []netip.Prefix, timeout time.Duration) *http.Client {
	dialer := outward.NewDialer(outward.Options{Networks: own, Setting: "sync.hook_networks", Timeout: timeout})
	return &http.Client{
		Timeout: timeout, Transport: dialer.Transport(nil),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
