package admin

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"portico/app/portal"
)

// loopback lets a fetcher reach the servers of the tests.
func loopback() []netip.Prefix {
	return []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
}

func serve(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.URL
}

func TestFetch(t *testing.T) {
	want := fourStates(t)
	var asked atomic.Pointer[http.Request]
	address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked.Store(r.Clone(context.Background()))
		switch r.URL.Path {
		case "/hop":
			http.Redirect(w, r, "/states.xml", http.StatusMovedPermanently)
			return
		case "/states.xml":
		default:
			http.NotFound(w, r)
			return
		}
		w.Header().Set("ETag", `"v1"`)
		http.ServeContent(w, r, "states.xml", noon(), bytes.NewReader(want))
	})
	f := NewSafeFetcher(FetchOptions{Networks: loopback()})
	got, err := f.Fetch(t.Context(), address+"/hop", Marks{})
	must(t, err)
	if !bytes.Equal(got.Body, want) || got.ETag != `"v1"` || got.LastModified == "" || got.Unchanged {
		t.Errorf("%d bytes, marks %+v", len(got.Body), got.Marks)
	}
	r := asked.Load()
	if r.Header.Get("Accept-Encoding") != "identity" || r.Header.Get("Cookie") != "" || r.Header.Get("User-Agent") != "Portico" {
		t.Errorf("asked with %v", r.Header)
	}
	again, err := f.Fetch(t.Context(), address+"/states.xml", got.Marks)
	must(t, err)
	if !again.Unchanged || len(again.Body) != 0 || again.Marks != got.Marks {
		t.Errorf("asked again: %+v", again)
	}
	_, err = f.Fetch(t.Context(), address+"/other", Marks{})
	refusedWith(t, err, portal.ErrInvalid, "customstates.status")
}

// TestFetchRefuses: what an address can do to a portal that follows it, it cannot do here.
func TestFetchRefuses(t *testing.T) {
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	_, err := z.Write(make([]byte, 20<<20))
	must(t, err)
	must(t, z.Close())
	gone := make(chan struct{}) // closed at the end: what serves without end then ends
	public := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/loop":
			http.Redirect(w, r, "/loop", http.StatusFound)
		case "/round":
			http.Redirect(w, r, "/round2", http.StatusFound)
		case "/round2":
			http.Redirect(w, r, "/round", http.StatusFound)
		case "/far", "/farr", "/farrr", "/farrrr":
			http.Redirect(w, r, r.URL.Path+"r", http.StatusFound)
		case "/inside":
			http.Redirect(w, r, "http://10.1.2.3/latest/meta-data", http.StatusTemporaryRedirect)
		case "/metadata":
			http.Redirect(w, r, "http://169.254.169.254/latest/meta-data", http.StatusFound)
		case "/file":
			http.Redirect(w, r, "file:///etc/passwd", http.StatusFound)
		case "/userinfo":
			http.Redirect(w, r, "http://me:word@"+r.Host+"/", http.StatusFound)
		case "/nowhere":
			w.WriteHeader(http.StatusFound)
		case "/endless":
			for {
				select {
				case <-gone:
					return
				default:
				}
				if _, err := w.Write(bytes.Repeat([]byte("<x/>"), 1000)); err != nil {
					return
				}
			}
		case "/long":
			w.Header().Set("Content-Length", "99999999")
			w.WriteHeader(http.StatusOK)
		case "/bomb":
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(bomb.Bytes())
		case "/page":
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = w.Write([]byte("<html>"))
		case "/fails":
			w.WriteHeader(http.StatusBadGateway)
		case "/full":
			w.WriteHeader(http.StatusTooManyRequests)
		case "/same":
			w.WriteHeader(http.StatusNotModified)
		}
	})
	t.Cleanup(func() { close(gone) })
	resolve := func(_ context.Context, host string) ([]netip.Addr, error) {
		switch host {
		case "inside.example.test":
			return []netip.Addr{netip.MustParseAddr("192.168.7.7")}, nil
		case "mixed.example.test":
			return []netip.Addr{netip.MustParseAddr("::ffff:10.0.0.1"), netip.MustParseAddr("fd00::1")}, nil
		case "empty.example.test":
			return nil, nil
		}
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	f := NewSafeFetcher(FetchOptions{Networks: loopback(), Resolve: resolve, Timeout: time.Minute})
	strict := NewSafeFetcher(FetchOptions{Resolve: resolve, Timeout: time.Minute})
	for _, c := range []struct {
		f       *SafeFetcher
		address string
		meaning error
		key     string
	}{
		{f, public + "/loop", portal.ErrInvalid, "customstates.redirect"},
		{f, public + "/round", portal.ErrInvalid, "customstates.redirect"},
		{f, public + "/far", portal.ErrInvalid, "customstates.redirects"},
		{f, public + "/nowhere", portal.ErrInvalid, "customstates.redirect"},
		{f, public + "/inside", portal.ErrInvalid, "customstates.internal"},
		{f, public + "/metadata", portal.ErrInvalid, "customstates.internal"},
		{f, public + "/file", portal.ErrInvalid, "customstates.scheme"},
		{f, public + "/userinfo", portal.ErrInvalid, "policy.address"},
		{f, public + "/endless", portal.ErrInvalid, "customstates.too-large"},
		{f, public + "/long", portal.ErrInvalid, "customstates.too-large"},
		{f, public + "/bomb", portal.ErrInvalid, "customstates.compressed"},
		{f, public + "/page", portal.ErrInvalid, "customstates.page"},
		{f, public + "/fails", portal.ErrUnavailable, "customstates.status"},
		{f, public + "/full", portal.ErrUnavailable, "customstates.status"},
		{f, public + "/same", portal.ErrUnavailable, "customstates.status"},
		{f, "http://inside.example.test/x", portal.ErrInvalid, "customstates.internal"},
		{f, "http://mixed.example.test/x", portal.ErrInvalid, "customstates.internal"},
		{f, "http://empty.example.test/x", portal.ErrUnavailable, "customstates.unknown-host"},
		{f, "http://none.example.test/x", portal.ErrUnavailable, "customstates.unknown-host"},
		{f, "file:///etc/passwd", portal.ErrInvalid, "customstates.scheme"},
		{f, "ftp://web.example.test/x", portal.ErrInvalid, "customstates.scheme"},
		{f, "gopher://web.example.test/x", portal.ErrInvalid, "customstates.scheme"},
		{f, "http://me:word@web.example.test/x", portal.ErrInvalid, "policy.address"},
		{strict, public + "/x", portal.ErrInvalid, "customstates.internal"},
		{strict, "http://[::1]:1/x", portal.ErrInvalid, "customstates.internal"},
		{strict, "http://[::ffff:127.0.0.1]:1/x", portal.ErrInvalid, "customstates.internal"},
		{strict, "http://100.64.0.1/x", portal.ErrInvalid, "customstates.internal"},
		{strict, "http://0.0.0.0:1/x", portal.ErrInvalid, "customstates.internal"},
		{strict, "http://[64:ff9b::7f00:1]/x", portal.ErrInvalid, "customstates.internal"},
		{strict, "http://[fe80::1%25eth0]/x", portal.ErrInvalid, "customstates.internal"},
	} {
		_, err := c.f.Fetch(t.Context(), c.address, Marks{})
		if portal.Meaning(err) != c.meaning || portal.Reason(err) != c.key {
			t.Errorf("%s: %v, want %s", strings.Replace(c.address, public, "", 1), err, c.key)
		}
	}
}

// TestFetchSlow: a server that sends a byte now and then is given up.
func TestFetchSlow(t *testing.T) {
	gone := make(chan struct{})
	address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/body" {
			_, _ = w.Write([]byte("<"))
			_ = http.NewResponseController(w).Flush()
		}
		select {
		case <-r.Context().Done():
		case <-gone:
		}
	})
	t.Cleanup(func() { close(gone) })
	f := NewSafeFetcher(FetchOptions{Networks: loopback(), Timeout: 50 * time.Millisecond})
	for _, path := range []string{"/head", "/body"} {
		_, err := f.Fetch(t.Context(), address+path, Marks{})
		refusedWith(t, err, portal.ErrUnavailable, "customstates.timeout")
	}
	closed := httptest.NewServer(nil)
	closed.Close()
	_, err := NewSafeFetcher(FetchOptions{Networks: loopback()}).Fetch(t.Context(), closed.URL, Marks{})
	refusedWith(t, err, portal.ErrUnavailable, "customstates.unreachable")
}

func TestFetchSecurely(t *testing.T) {
	plain := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<customStates/>")) })
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/down" {
			http.Redirect(w, r, plain, http.StatusFound)
			return
		}
		_, _ = w.Write([]byte("<customStates/>"))
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	_, err := NewSafeFetcher(FetchOptions{Networks: loopback()}).Fetch(t.Context(), server.URL, Marks{})
	refusedWith(t, err, portal.ErrUnavailable, "customstates.certificate")
	pool := x509.NewCertPool()
	pool.AddCert(server.Certificate())
	f := NewSafeFetcher(FetchOptions{Networks: loopback(), TLS: &tls.Config{RootCAs: pool}})
	got, err := f.Fetch(t.Context(), server.URL, Marks{})
	must(t, err)
	if string(got.Body) != "<customStates/>" {
		t.Errorf("%q", got.Body)
	}
	_, err = f.Fetch(t.Context(), server.URL+"/down", Marks{})
	refusedWith(t, err, portal.ErrInvalid, "customstates.downgrade")
}
