package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"portico/app/portal"
	"portico/views"
)

// sharedOf is the address of what a page says it shares with others.
func sharedOf(t *testing.T, page []byte) string {
	t.Helper()
	link := regexp.MustCompile(`<link rel="compression-dictionary" href="(/static/pages/[^"]+)"`).FindSubmatch(page)
	if link == nil {
		t.Fatalf("the page names no dictionary: %.600s", page)
	}
	return string(link[1])
}

// unshared unpacks an answer as a browser does (RFC 9842 section 5) and fails where it was not packed with that dictionary.
func unshared(t *testing.T, dictionary, body []byte) []byte {
	t.Helper()
	sum := sha256.Sum256(dictionary)
	head := append([]byte{0x5e, 0x2a, 0x4d, 0x18, 0x20, 0, 0, 0}, sum[:]...)
	packed, ok := bytes.CutPrefix(body, head)
	if !ok {
		t.Fatalf("the answer begins with %x, want %x", body[:min(len(body), 40)], head)
	}
	// Eight megabytes is what browsers bound the window to (RFC 9659).
	z, err := zstd.NewReader(nil, zstd.WithDecoderDictRaw(0, dictionary), zstd.WithDecoderMaxWindow(8<<20))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	page, err := z.DecodeAll(packed, nil)
	if err != nil {
		t.Fatal(err)
	}
	return page
}

// TestPagesArePackedWithWhatTheyShare: in each language a page names what it has in common with others, anybody may have that, it says
// nothing of anybody, and who has it gets pages in less than half of what they are else; who has another or cannot unpack it
// gets them as ever.
func TestPagesArePackedWithWhatTheyShare(t *testing.T) {
	h := everything(t)
	a := h.browse(alice)
	seen := map[string]bool{}
	for _, language := range []string{"en", "de", "de-AT"} {
		reader := a.with("Accept-Language", language)
		page := reader.call("GET", "/contacts", nil, 200)
		at := sharedOf(t, page.body)
		seen[at] = true
		if guest := h.guest().with("Accept-Language", language).call("GET", "/signin", nil, 200); sharedOf(t, guest.body) != at {
			t.Errorf("%s: the sign-in page names %s, others %s", language, sharedOf(t, guest.body), at)
		}
		shared := h.guest().call("GET", at, nil, 200)
		if use := shared.header.Get("Use-As-Dictionary"); use != `match="/*", match-dest=("document" "")` {
			t.Errorf("Use-As-Dictionary: %s", use)
		}
		if got := shared.header.Get("Cache-Control"); !strings.Contains(got, "immutable") || strings.Contains(shared.header.Get("Content-Type"), "html") {
			t.Errorf("%s, %s", got, shared.header.Get("Content-Type"))
		}
		for _, who := range []portal.Address{alice, bob} {
			if bytes.Contains(shared.body, []byte(who.Bare())) {
				t.Errorf("%s stands in what everybody may read", who)
			}
		}
		sum := sha256.Sum256(shared.body)
		having := reader.with("Available-Dictionary", ":"+base64.StdEncoding.EncodeToString(sum[:])+":")
		for _, path := range []string{"/contacts", "/chat/" + string(bob), "/calendar", "/rooms", "/settings"} {
			plain := reader.with("Accept-Encoding", "br").call("GET", path, nil, 200)
			packed := having.with("Accept-Encoding", "gzip, deflate, br, zstd, dcb, dcz").call("GET", path, nil, 200)
			if packed.header.Get("Content-Encoding") != "dcz" || !strings.Contains(strings.Join(packed.header.Values("Vary"), ","), "Available-Dictionary") {
				t.Errorf("%s %s: %v", language, path, packed.header)
				continue
			}
			if len(packed.body)*2 > len(plain.body) {
				t.Errorf("%s %s: %d bytes with what is shared, %d without", language, path, len(packed.body), len(plain.body))
			}
			if page := unshared(t, shared.body, packed.body); !bytes.HasPrefix(page, []byte("<!doctype html>")) || !bytes.HasSuffix(page, []byte("</html>")) {
				t.Errorf("%s %s unpacks to %.100s ... %s", language, path, page, page[max(0, len(page)-100):])
			}
		}
	}
	if len(seen) != 2 {
		t.Errorf("the dictionaries are %v", seen)
	}
	h.guest().call("GET", "/static/pages/en.0000000000.txt", nil, 404)
	h.guest().call("GET", "/static/pages/xx.txt", nil, 404)
}

// TestWhoGetsNoDictionary: what does not fit the dictionary, or the browser, is packed as ever.
func TestWhoGetsNoDictionary(t *testing.T) {
	h := everything(t)
	a := h.browse(alice)
	shared := h.guest().call("GET", sharedOf(t, a.call("GET", "/contacts", nil, 200).body), nil, 200).body
	sum := sha256.Sum256(shared)
	has := ":" + base64.StdEncoding.EncodeToString(sum[:]) + ":"
	for name, c := range map[string]struct{ dictionary, accept, path, want string }{
		"another release's":  {":" + base64.StdEncoding.EncodeToString(make([]byte, 32)) + ":", "br, dcz", "/contacts", "br"},
		"nonsense":           {"nonsense", "br, dcz", "/contacts", "br"},
		"the other coding":   {has, "br, dcb", "/contacts", "br"},
		"refused":            {has, "br, dcz;q=0", "/contacts", "br"},
		"none":               {"", "br, dcz", "/contacts", "br"},
		"data of programs":   {has, "br, dcz", "/api/v1/openapi.json", "br"},
		"a page that has it": {has, "br, dcz", "/contacts", "dcz"},
	} {
		t.Run(name, func(t *testing.T) {
			caller := a.with("Accept-Encoding", c.accept)
			if c.dictionary != "" {
				caller = caller.with("Available-Dictionary", c.dictionary)
			}
			if got := caller.call(http.MethodGet, c.path, nil, 200).header.Get("Content-Encoding"); got != c.want {
				t.Errorf("packed with %q, want %q", got, c.want)
			}
		})
	}
}

// TestTheSharedIsTheSameEverywhere: two portals of one release share the same with their browsers, so a restart costs nothing.
func TestTheSharedIsTheSameEverywhere(t *testing.T) {
	s := newHouse(t).server
	for _, locale := range s.Languages.Locales() {
		one, err := views.Specimen(t.Context(), s.Languages.For(locale))
		if err != nil {
			t.Fatal(err)
		}
		two, err := views.Specimen(t.Context(), s.Languages.For(locale))
		if err != nil || !bytes.Equal(one, two) {
			t.Errorf("%s: it differs from one time to the next (%v)", locale, err)
		}
	}
}

// TestSharedPagesInChromium: the browser keeps what pages share, and gets the next page, and parts of it, packed with that.
func TestSharedPagesInChromium(t *testing.T) {
	h := newHouse(t)
	c := &chromium{t: t, ctx: startChromium(t)}
	b := c.visitor(h)
	b.signIn(alice, "/contacts")
	b.connected()
	coded := `performance.getEntriesByType("navigation")[0].contentEncoding`
	tries := 0
	for b.eval(coded) != "dcz" {
		if tries++; tries > 50 {
			t.Fatalf("pages still come as %v", b.eval(coded))
		}
		// The dictionary is asked for when the page has nothing else to do.
		b.until("the dictionary", `document.readyState === "complete" && performance.getEntriesByType("resource").some(e => e.name.includes("/static/pages/"))`)
		b.open("/contacts")
		b.connected()
	}
	b.until("the page", `document.querySelector("main h1, main .group, main .empty") !== null`)
	if got := b.promised(`fetch("/chat").then(async (r) => { await r.text(); return performance.getEntriesByName(location.origin + "/chat").at(-1).contentEncoding; })`); got != "dcz" {
		t.Errorf("what a script asks for comes as %s", got)
	}
	b.untroubled()
}

// BenchmarkPackPage: what it takes to pack a page, by brotli and with what the browser has already, and how small it gets.
func BenchmarkPackPage(b *testing.B) {
	h := buildHouse(b)
	page := h.browse(alice).call("GET", "/contacts", nil, 200).body
	known := h.server.dictionaries.of("en")
	for name, p := range map[string]packing{"brotli": brotliPacking(), "dictionary": known.packing()} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			var out bytes.Buffer
			for b.Loop() {
				out.Reset()
				w, err := p.begin(&out)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := w.Write(page); err != nil {
					b.Fatal(err)
				}
				if err := w.Close(); err != nil {
					b.Fatal(err)
				}
				p.keep(w)
			}
			b.ReportMetric(float64(out.Len()), "bytes/page")
			b.ReportMetric(float64(len(page)), "bytes/plain")
		})
	}
}
