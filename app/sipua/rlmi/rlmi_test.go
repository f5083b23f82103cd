package rlmi

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"portico/app/portal"
)

var (
	alice = portal.MustAddress("sip:alice@example.test")
	dave  = portal.MustAddress("sip:dave@example.test")
)

const (
	fullType    = `multipart/related;type="application/rlmi+xml";start="<1795298680.sip:carol-contacts@example.test.851871973>";boundary="5NehksgVlZhH6rvykpFmpXgC"`
	partialType = `multipart/related;type="application/rlmi+xml";start="<1795298681.sip:carol-contacts@example.test.2146044287>";boundary="kiuV3IT6HUyfqfFQUwwbbWQJ"`
)

func load(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Kamailio names everybody at first, without saying anything of them, and then those who changed.
func TestKamailiosNotifications(t *testing.T) {
	full, err := Parse(fullType, load(t, "kamailio-full.mime"))
	if err != nil {
		t.Fatal(err)
	}
	if full.List != "sip:carol-contacts@example.test" || full.Version != 1 || !full.Full || len(full.Resources) != 2 || full.Resources[0].Of != alice || full.Resources[1].Of != dave {
		t.Fatalf("%+v", full)
	}
	for _, r := range full.Resources {
		if r.Known() || r.State != "" {
			t.Errorf("something is said of %s: %+v", r.Of, r)
		}
	}
	partial, err := Parse(partialType, load(t, "kamailio-partial.mime"))
	if err != nil || partial.Version != 2 || partial.Full || len(partial.Resources) != 1 {
		t.Fatalf("%+v, %v", partial, err)
	}
	r := partial.Resources[0]
	if r.Of != alice || !r.Known() || r.State != "active" || len(r.Claims) != 1 || r.Claims[0].Availability != portal.Busy || r.Claims[0].Activity != portal.InAMeeting {
		t.Errorf("%+v", r)
	}
}

// notification builds a body of resource elements and parts by content id.
func notification(resources string, parts map[string]string) (string, []byte) {
	b := "--x\r\nContent-ID: <root@list>\r\nContent-Type: application/rlmi+xml\r\n\r\n" +
		`<?xml version="1.0"?><list uri="sip:l@example.test" xmlns="urn:ietf:params:xml:ns:rlmi" version="9" fullState="true">` + resources + "</list>\r\n"
	for id, body := range parts {
		b += "--x\r\nContent-Transfer-Encoding: binary\r\nContent-ID: <" + id + ">\r\nContent-Type: application/pidf+xml\r\n\r\n" + body + "\r\n"
	}
	return `multipart/related;boundary=x;start="<root@list>"`, []byte(b + "--x--\r\n")
}

func resourceOf(instances string) string {
	return `<resource uri="sip:alice@example.test"><name>Alice</name>` + instances + `</resource>`
}

func TestWhatIsSaidOfAResource(t *testing.T) {
	open := `<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="sip:alice@example.test"><tuple id="a"><status><basic>open</basic></status></tuple></presence>`
	away := strings.Replace(open, "</tuple>", `</tuple><person id="p"><activities><away/></activities></person>`, 1)
	parts := map[string]string{"1@x": open, "2@x": away, "empty@x": "", "broken@x": "<presence>"}
	for name, tc := range map[string]struct {
		instances string
		state     string
		known     bool
		claims    int
		malformed int
	}{
		"no instance":             {``, "", false, 0, 0},
		"pending":                 {`<instance id="i" state="pending"/>`, "pending", false, 0, 0},
		"rejected":                {`<instance id="i" state="terminated" reason="rejected"/>`, "terminated", false, 0, 0},
		"one":                     {`<instance id="i" state="active" cid="1@x"/>`, "active", true, 1, 0},
		"one with brackets":       {`<instance id="i" state="active" cid="&lt;1@x&gt;"/>`, "active", true, 1, 0},
		"two":                     {`<instance id="i" state="active" cid="1@x"/><instance id="j" state="active" cid="2@x"/>`, "active", true, 2, 0},
		"active beats terminated": {`<instance id="i" state="terminated" reason="x"/><instance id="j" state="active" cid="2@x"/>`, "active", true, 1, 0},
		"active without part":     {`<instance id="i" state="active"/>`, "active", true, 0, 0},
		"active with empty part":  {`<instance id="i" state="active" cid="empty@x"/>`, "active", true, 0, 0},
		"part is missing":         {`<instance id="i" state="active" cid="3@x"/>`, "active", false, 0, 1},
		"part is broken":          {`<instance id="i" state="active" cid="broken@x"/>`, "active", false, 0, 1},
		"one of two is broken":    {`<instance id="i" state="active" cid="broken@x"/><instance id="j" state="active" cid="1@x"/>`, "active", true, 1, 1},
	} {
		d, err := Parse(notification(resourceOf(tc.instances), parts))
		if err != nil || len(d.Resources) != 1 {
			t.Errorf("%s: %+v, %v", name, d, err)
			continue
		}
		r := d.Resources[0]
		if r.Of != alice || r.Name != "Alice" || r.State != tc.state || r.Known() != tc.known || len(r.Claims) != tc.claims || r.Malformed != tc.malformed {
			t.Errorf("%s: %+v, known %v", name, r, r.Known())
		}
	}
	rejected, err := Parse(notification(resourceOf(`<instance id="i" state="terminated" reason="rejected"/>`), nil))
	if err != nil || rejected.Resources[0].Reason != "rejected" {
		t.Errorf("reason: %+v, %v", rejected, err)
	}
}

func TestAListDocumentAlone(t *testing.T) {
	d, err := Parse("application/rlmi+xml;charset=utf-8", []byte(`<list uri="sip:l@example.test" version="3" fullState="1"><resource uri="pres:dave@example.test"/><resource uri="tel:+49301"/></list>`))
	if err != nil || !d.Full || d.Version != 3 || len(d.Resources) != 2 || d.Resources[0].Of != dave || d.Resources[1].Of != "" || d.Resources[1].URI != "tel:+49301" {
		t.Errorf("%+v, %v", d, err)
	}
}

func TestNotificationsThatAreRefused(t *testing.T) {
	contentType, good := notification(resourceOf(""), nil)
	for name, tc := range map[string]struct{ contentType, body string }{
		"not multipart":    {"text/plain", "hello"},
		"no RLMI":          {contentType, strings.Replace(string(good), "application/rlmi+xml", "text/plain", 1)},
		"broken RLMI":      {contentType, strings.Replace(string(good), "</list>", "", 1)},
		"no version":       {contentType, strings.Replace(string(good), `version="9"`, "", 1)},
		"another document": {"application/rlmi+xml", `<presence version="1"/>`},
		"too many":         {"application/rlmi+xml", `<list version="1">` + strings.Repeat(`<resource uri="a"/>`, MaxResources+1) + `</list>`},
		"DTD":              {"application/rlmi+xml", `<!DOCTYPE list><list version="1"/>`},
	} {
		if d, err := Parse(tc.contentType, []byte(tc.body)); !errors.Is(err, portal.ErrInvalid) || d.Resources != nil {
			t.Errorf("%s: %+v, %v", name, d, err)
		}
	}
}

func TestTheSequenceOfNotifications(t *testing.T) {
	var s Sequence
	for i, tc := range []struct {
		version        uint32
		full           bool
		fresh, refresh bool
	}{
		{1, true, true, false}, {2, false, true, false}, {2, false, false, false}, {1, true, false, false}, {4, false, true, true}, {5, false, true, false}, {9, true, true, false}, {10, false, true, false},
	} {
		if fresh, refresh := s.Next(Document{Version: tc.version, Full: tc.full}); fresh != tc.fresh || refresh != tc.refresh {
			t.Errorf("step %d: fresh %v, refresh %v", i, fresh, refresh)
		}
	}
	var late Sequence
	if fresh, refresh := late.Next(Document{Version: 3}); !fresh || !refresh {
		t.Errorf("beginning with a partial one: fresh %v, refresh %v", fresh, refresh)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(fullType, load(f, "kamailio-full.mime"))
	f.Add(partialType, load(f, "kamailio-partial.mime"))
	contentType, body := notification(resourceOf(`<instance id="i" state="active" cid="1@x"/>`), map[string]string{"1@x": "<presence/>"})
	f.Add(contentType, body)
	f.Add("application/rlmi+xml", []byte(`<list version="3"><resource uri="sip:a@b.test"/></list>`))
	f.Fuzz(func(t *testing.T, contentType string, body []byte) {
		d, err := Parse(contentType, body)
		if err != nil && !errors.Is(err, portal.ErrInvalid) {
			t.Fatalf("an error without meaning: %v", err)
		}
		if len(d.Resources) > MaxResources {
			t.Fatalf("%d resources", len(d.Resources))
		}
		for _, r := range d.Resources {
			if r.Known() && r.State != "active" {
				t.Fatalf("%+v", r)
			}
		}
	})
}
