package web

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"

	"portico/static"
)

func TestAssets(t *testing.T) {
	h := newHouse(t)
	for _, name := range static.Names() {
		path := static.Path(name)
		plain := h.guest().with("Accept-Encoding", "identity").call("GET", path, nil, 200)
		if csp, frame := plain.header.Get("Content-Security-Policy"), plain.header.Get("X-Content-Type-Options"); csp != assetPolicy || frame != "nosniff" {
			t.Errorf("policy %q, %q", csp, frame)
		}
		if cc := plain.header.Get("Cache-Control"); !strings.Contains(cc, "immutable") || !strings.Contains(cc, "max-age=31536000") {
			t.Errorf("%s: Cache-Control %q", name, cc)
		}
		if plain.header.Get("Content-Encoding") != "" || plain.header.Get("X-Content-Type-Options") != "nosniff" || plain.header.Get("Set-Cookie") != "" {
			t.Errorf("%s: %v", name, plain.header)
		}
		h.guest().with("If-None-Match", plain.header.Get("ETag")).call("GET", path, nil, http.StatusNotModified)
		head := h.guest().with("Accept-Encoding", "identity").call("HEAD", path, nil, 200)
		if len(head.body) != 0 {
			t.Errorf("%s: HEAD has a body", name)
		}
		for accept, open := range map[string]func(io.Reader) (io.Reader, error){
			"gzip, deflate, br": func(r io.Reader) (io.Reader, error) { return brotli.NewReader(r), nil },
			"gzip":              func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) },
		} {
			packed := h.guest().with("Accept-Encoding", accept).call("GET", path, nil, 200)
			if packed.header.Get("Content-Encoding") == "" {
				continue // too small or packed already
			}
			if len(packed.body) >= len(plain.body) {
				t.Errorf("%s: %s is no smaller", name, accept)
			}
			r, err := open(bytes.NewReader(packed.body))
			if err != nil {
				t.Fatalf("%s: %s: %v", name, accept, err)
			}
			if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, plain.body) {
				t.Errorf("%s: %s unpacks to something else (%v)", name, accept, err)
			}
		}
	}
	h.guest().call("GET", "/static/nothing.css", nil, 404)
	h.guest().call("GET", "/static/", nil, 404)
	h.guest().call("GET", "/static/..%2f..%2fgo.mod", nil, 404)
	h.guest().call("POST", static.Path(static.Script), nil, 405)
}

func TestCodings(t *testing.T) {
	for accept, want := range map[string]string{
		"":                        "",
		"gzip":                    "gzip",
		"gzip, deflate, br, zstd": "br,gzip",
		"BR;q=1.0, GZIP;q=0.5":    "br,gzip",
		"br;q=0, gzip":            "gzip",
		"br; q=0.0, gzip;q=0.000": "",
		"br;q=0.1":                "br",
		"identity":                "",
		";;;,,,":                  "",
	} {
		var got []string
		for _, e := range codings(accept) {
			got = append(got, string(e))
		}
		if strings.Join(got, ",") != want {
			t.Errorf("%q: %v", accept, got)
		}
	}
}
