package multipart

import (
	"errors"
	"strings"
	"testing"

	"portico/app/portal"
)

func crlf(s string) []byte { return []byte(strings.ReplaceAll(s, "\n", "\r\n")) }

// related is as Kamailio's list server writes it.
const (
	relatedType = `multipart/related;type="application/rlmi+xml";start="<17.sip:list@example.test.8>";boundary="5NehksgVlZhH6rvykpFmpXgC"`
	related     = `--5NehksgVlZhH6rvykpFmpXgC
Content-Transfer-Encoding: binary
Content-ID: <18.sip:bob@example.test.9>
Content-Type: application/pidf+xml

<presence/>
--5NehksgVlZhH6rvykpFmpXgC
Content-Transfer-Encoding: binary
Content-ID: <17.sip:list@example.test.8>
Content-Type: application/rlmi+xml;charset="UTF-8"

<list/>

--5NehksgVlZhH6rvykpFmpXgC--
`
)

func TestARelatedBody(t *testing.T) {
	b, err := Parse(relatedType, crlf(related))
	if err != nil || len(b.Parts) != 2 || b.Type != "multipart/related" {
		t.Fatalf("%+v, %v", b, err)
	}
	root, ok := b.Root()
	if !ok || root.MediaType() != "application/rlmi+xml" || string(root.Body) != "<list/>\r\n" {
		t.Errorf("root %+v", root)
	}
	for _, id := range []string{"18.sip:bob@example.test.9", "<18.sip:bob@example.test.9>", "cid:18.sip:bob@example.test.9", " CID:18.sip:bob@example.test.9"} {
		if p, ok := b.ByID(id); !ok || string(p.Body) != "<presence/>" {
			t.Errorf("%s: %v %+v", id, ok, p)
		}
	}
	if p, ok := b.ByID("nobody"); ok {
		t.Errorf("found %+v", p)
	}
	if p, ok := b.ByID(""); ok {
		t.Errorf("found without an id %+v", p)
	}
}

func TestContentTypesAsClientsWriteThem(t *testing.T) {
	for _, contentType := range []string{
		relatedType,
		`Multipart/Related; Boundary=5NehksgVlZhH6rvykpFmpXgC; start=17.sip:list@example.test.8`,
		`multipart/related;start=<17.sip:list@example.test.8>;boundary=5NehksgVlZhH6rvykpFmpXgC;type=application/rlmi+xml`,
		`multipart/related ; boundary="5NehksgVlZhH6rvykpFmpXgC" ; start="<17.sip:list@example.test.8>" ;`,
	} {
		b, err := Parse(contentType, crlf(related))
		if err != nil {
			t.Errorf("%s: %v", contentType, err)
			continue
		}
		if root, ok := b.Root(); !ok || root.MediaType() != "application/rlmi+xml" {
			t.Errorf("%s: root %+v", contentType, root)
		}
	}
	b, err := Parse("multipart/mixed;boundary=5NehksgVlZhH6rvykpFmpXgC", []byte(related)) // line feeds alone
	if err != nil {
		t.Fatal(err)
	}
	if root, ok := b.Root(); !ok || root.MediaType() != "application/pidf+xml" {
		t.Errorf("without start the first part is the root: %+v", root)
	}
}

func TestTransferEncodings(t *testing.T) {
	b, err := Parse("multipart/mixed; boundary=x", crlf("preamble\n--x\n\nplain\n--x\nContent-Transfer-Encoding: BASE64\n\naGVs\nbG8=\n--x\nContent-Transfer-Encoding: quoted-printable\nContent-Disposition: render; handling=optional\n\nGr=C3=BC=C3=9Fe\n--x--\nepilogue"))
	if err != nil || len(b.Parts) != 3 {
		t.Fatalf("%+v, %v", b, err)
	}
	if got := string(b.Parts[0].Body) + "|" + string(b.Parts[1].Body) + "|" + string(b.Parts[2].Body); got != "plain|hello|Grüße" {
		t.Errorf("bodies %q", got)
	}
	if b.Parts[0].ContentType != "text/plain" || b.Parts[2].Disposition != "render; handling=optional" {
		t.Errorf("%+v", b.Parts)
	}
}

func TestFlatten(t *testing.T) {
	nested := crlf("--o\n\none\n--o\nContent-Type: multipart/alternative; boundary=i\n\n--i\nContent-Type: text/html\n\ntwo\n--i--\n\n--o\n\nthree\n--o--\n")
	parts, err := Flatten("multipart/mixed; boundary=o", nested)
	if err != nil || len(parts) != 3 || string(parts[1].Body) != "two" || parts[1].MediaType() != "text/html" || string(parts[2].Body) != "three" {
		t.Errorf("%+v, %v", parts, err)
	}
	deep := "--x\n\nend\n--x--"
	for i := range MaxDepth {
		boundary := strings.Repeat("b", i+2)
		deep = "--" + boundary + "\nContent-Type: multipart/mixed; boundary=" + strings.Repeat("b", i+1) + "\n\n" + deep + "\n--" + boundary + "--"
		deep = strings.Replace(deep, "boundary=b\n", "boundary=x\n", 1)
	}
	if _, err := Flatten("multipart/mixed; boundary="+strings.Repeat("b", MaxDepth+1), []byte(deep)); !errors.Is(err, portal.ErrInvalid) {
		t.Errorf("too deep: %v", err)
	}
}

func TestBodiesThatAreRefused(t *testing.T) {
	for name, tc := range map[string]struct{ contentType, body string }{
		"not multipart":      {"text/plain; boundary=x", "--x\n\na\n--x--"},
		"no boundary":        {"multipart/mixed", "--x\n\na\n--x--"},
		"long boundary":      {"multipart/mixed; boundary=" + strings.Repeat("x", 201), ""},
		"boundary twice":     {"multipart/mixed; boundary=x; start=<a@b>; boundary=y", "--x\n\na\n--x--"},
		"other boundary":     {"multipart/mixed; boundary=y", "--x\n\na\n--x--"},
		"empty":              {"multipart/mixed; boundary=x", ""},
		"cut off":            {"multipart/mixed; boundary=x", "--x\nContent-Type: text/plain\n\nhel"},
		"bad base64":         {"multipart/mixed; boundary=x", "--x\nContent-Transfer-Encoding: base64\n\n!!!\n--x--"},
		"unknown encoding":   {"multipart/mixed; boundary=x", "--x\nContent-Transfer-Encoding: rot13\n\na\n--x--"},
		"too large":          {"multipart/mixed; boundary=x", "--x\n\n" + strings.Repeat("a", MaxBytes) + "\n--x--"},
		"too many parts":     {"multipart/mixed; boundary=x", strings.Repeat("--x\n\na\n", MaxParts+1) + "--x--"},
		"header of no shape": {"multipart/mixed; boundary=x", "--x\nno colon here\n\na\n--x--"},
	} {
		if b, err := Parse(tc.contentType, []byte(tc.body)); !errors.Is(err, portal.ErrInvalid) || b.Parts != nil {
			t.Errorf("%s: %+v, %v", name, b, err)
		}
	}
	if _, ok := (Body{}).Root(); ok {
		t.Error("nothing has a root")
	}
}

func FuzzParse(f *testing.F) {
	f.Add(relatedType, crlf(related))
	f.Add("multipart/mixed; boundary=x", []byte("--x\nContent-Transfer-Encoding: base64\n\naGVsbG8=\n--x--"))
	f.Add(`multipart/related;start=<a@b>;boundary="x y"`, []byte("--x y\n\na\n--x y--"))
	f.Fuzz(func(t *testing.T, contentType string, body []byte) {
		b, err := Parse(contentType, body)
		if err != nil && !errors.Is(err, portal.ErrInvalid) {
			t.Fatalf("an error without meaning: %v", err)
		}
		total := 0
		for _, p := range b.Parts {
			total += len(p.Body)
			if p.ID != "" {
				if _, ok := b.ByID(p.ID); !ok && strings.TrimSpace(p.ID) == p.ID && !strings.ContainsAny(p.ID, "<>") && !strings.HasPrefix(strings.ToLower(p.ID), "cid:") {
					t.Fatalf("%q is not found", p.ID)
				}
			}
		}
		if total > len(body) {
			t.Fatalf("%d bytes became %d", len(body), total)
		}
		parts, err := Flatten(contentType, body)
		if err == nil && len(parts) > MaxParts {
			t.Fatalf("%d parts", len(parts))
		}
	})
}
