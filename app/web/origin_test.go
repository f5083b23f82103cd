package web

import (
	"net/http/httptest"
	"net/url"
	"testing"
)

func mustOrigins(t *testing.T, public string, more ...string) *origins {
	t.Helper()
	var u *url.URL
	if public != "" {
		var err error
		if u, err = url.Parse(public); err != nil {
			t.Fatal(err)
		}
	}
	o, err := newOrigins(u, more)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// Which pages may open a live connection with a person's cookie.
func TestOriginsAtTheWebSocket(t *testing.T) {
	const absent = "(absent)"
	for _, test := range []struct {
		name, public string
		more         []string
		host, origin string
		bearer, want bool
	}{
		{name: "same host and port", host: "localhost:8080", origin: "http://localhost:8080", want: true},
		{name: "no port is the scheme's", host: "im.example.test", origin: "https://im.example.test", want: true},
		{name: "default port said aloud", host: "im.example.test", origin: "https://im.example.test:443", want: true},
		{name: "mixed case", host: "IM.Example.test:8080", origin: "HTTP://im.EXAMPLE.test:8080", want: true},
		{name: "IPv6", host: "[::1]:8080", origin: "http://[::1]:8080", want: true},
		{name: "punycode of the same name", host: "xn--bcher-kva.example", origin: "https://bücher.example", want: true},
		{name: "look-alike name", host: "bucher.example", origin: "https://bücher.example"},
		{name: "other port", host: "localhost:8080", origin: "http://localhost:8081"},
		{name: "other port, none said", host: "localhost:8080", origin: "http://localhost"},
		{name: "sibling host", host: "im.example.test", origin: "https://evil.example.test"},
		{name: "parent host", host: "im.example.test", origin: "https://example.test"},
		{name: "child host", host: "im.example.test", origin: "https://a.im.example.test"},
		{name: "suffix", host: "im.example.test", origin: "https://im.example.test.evil.test"},
		{name: "prefix", host: "im.example.test", origin: "https://evilim.example.test"},
		{name: "null", host: "localhost:8080", origin: "null"},
		{name: "empty", host: "localhost:8080", origin: ""},
		{name: "not a URL", host: "localhost:8080", origin: "://"},
		{name: "with a path", host: "localhost:8080", origin: "http://localhost:8080/"},
		{name: "with a user", host: "localhost:8080", origin: "http://localhost:8080@evil.test"},
		{name: "user in disguise", host: "evil.test", origin: "http://localhost:8080@evil.test"},
		{name: "other scheme", host: "localhost:8080", origin: "file://localhost:8080"},
		{name: "extension", host: "localhost:8080", origin: "chrome-extension://abcdef"},
		{name: "missing, cookie", host: "localhost:8080", origin: absent},
		{name: "missing, bearer", host: "localhost:8080", origin: absent, bearer: true, want: true},
		{name: "foreign page with bearer", host: "localhost:8080", origin: "https://evil.test", bearer: true},
		{name: "public URL", public: "https://im.example.test", host: "10.0.0.7:8080", origin: "https://im.example.test", want: true},
		{name: "public URL, other scheme", public: "https://im.example.test", host: "im.example.test", origin: "http://im.example.test"},
		{name: "public URL, Host is not asked", public: "https://im.example.test", host: "evil.test", origin: "https://evil.test"},
		{name: "public URL with port", public: "https://im.example.test:8443", host: "x", origin: "https://im.example.test:8443", want: true},
		{name: "public URL with port, without", public: "https://im.example.test:8443", host: "x", origin: "https://im.example.test"},
		{name: "listed", public: "https://im.example.test", more: []string{"https://portal.example.test"}, host: "x", origin: "https://portal.example.test", want: true},
		{name: "listed in Unicode", more: []string{"https://bücher.example"}, host: "x", origin: "https://xn--bcher-kva.example", want: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := httptest.NewRequest("GET", "http://placeholder/ws", nil)
			r.Host = test.host
			if test.origin != absent {
				r.Header.Set("Origin", test.origin)
			}
			if got := mustOrigins(t, test.public, test.more...).allows(r, test.bearer); got != test.want {
				t.Errorf("Host %q, Origin %q: allowed %v, want %v", test.host, test.origin, got, test.want)
			}
		})
	}
}

func TestTwoOriginHeadersAreRefused(t *testing.T) {
	r := httptest.NewRequest("GET", "http://localhost:8080/ws", nil)
	r.Header["Origin"] = []string{"http://localhost:8080", "https://evil.test"}
	if mustOrigins(t, "").allows(r, true) {
		t.Error("allowed")
	}
}

func TestAListedOriginMustBeOne(t *testing.T) {
	for _, bad := range []string{"im.example.test", "https://im.example.test/path", "ftp://im.example.test", "https://"} {
		if _, err := newOrigins(nil, []string{bad}); err == nil {
			t.Errorf("%q was taken for an origin", bad)
		}
	}
}

func TestSaneHost(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost": true, "localhost:8080": true, "IM.example.test": true, "[::1]:8080": true, "[::1]": true,
		"127.0.0.1:80": true, "my_host": true,
		"": false, "a b": false, "evil.test/x": false, "x@y": false, "host:0": false, "host:99999": false,
		"host:http": false, "\"onload=": false, "[]": false, ":8080": false, "a;b": false,
	} {
		if got := saneHost(host); got != want {
			t.Errorf("saneHost(%q) = %v", host, got)
		}
	}
}
