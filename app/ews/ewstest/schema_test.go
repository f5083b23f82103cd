package ewstest

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// envelope puts a body into an envelope whose root declares the namespaces.
func envelope(header, body string) []byte {
	return []byte(`<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="` + soapNS + `" xmlns:m="` + exchangeNS +
		`messages" xmlns:t="` + exchangeNS + `types"><s:Header>` + header + `</s:Header><s:Body>` + body + `</s:Body></s:Envelope>`)
}

const (
	version  = `<t:RequestServerVersion Version="Exchange2016"/>`
	getItem  = `<m:GetItem><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape><m:ItemIds><t:ItemId Id="a"/></m:ItemIds></m:GetItem>`
	soapDown = `<s:Fault><faultcode>s:Client</faultcode><faultstring xml:lang="en-US">no</faultstring><detail><x xmlns="urn:y">1</x></detail></s:Fault>`
)

func TestSplit(t *testing.T) {
	for name, c := range map[string]struct {
		in   string
		want []string
		bad  bool
	}{
		"none":                    {in: " \n"},
		"one":                     {in: "<?xml version=\"1.0\"?><a><b/></a>\n", want: []string{`<?xml version="1.0"?><a><b/></a>`}},
		"two, one declaration":    {in: `<?xml version="1.0"?><a/><a>2</a>`, want: []string{`<?xml version="1.0"?><a/>`, `<a>2</a>`}},
		"two declarations":        {in: `<?xml version="1.0"?><a/><?xml version="1.0"?><a/>`, want: []string{`<?xml version="1.0"?><a/>`, `<?xml version="1.0"?><a/>`}},
		"half of the second":      {in: `<a/><a><b>`, want: []string{`<a/>`}, bad: true},
		"text behind":             {in: `<a/>oops`, want: []string{`<a/>`}, bad: true},
		"broken from the outset":  {in: `<a <`, bad: true},
		"an end without a begin":  {in: `</a>`, bad: true},
		"a prefix not undeclared": {in: `<x:a><x:b/></x:a>`, want: []string{`<x:a><x:b/></x:a>`}},
	} {
		docs, err := Split([]byte(c.in))
		if (err != nil) != c.bad {
			t.Errorf("%s: error %v", name, err)
		}
		if got := fmt.Sprintf("%s", docs); got != fmt.Sprintf("%s", c.want) {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestPartsTakeTheirNamespacesAlong(t *testing.T) {
	ps, err := parts([]byte(`<Envelope xmlns="` + soapNS + `" xmlns:q="urn:q&amp;a"><Header><v xmlns="` + exchangeNS + `types" a="1"/><w xmlns="urn:other"/></Header>` +
		`<Body><Op xmlns="urn:op"><q:x/></Op></Body></Envelope>`))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range ps {
		got = append(got, p.name+" "+string(p.doc))
	}
	want := []string{
		`Op <Op xmlns:q="urn:q&amp;a" xmlns="urn:op"><q:x/></Op>`,
		`v <v xmlns:q="urn:q&amp;a" xmlns="` + exchangeNS + `types" a="1"/>`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestPartsRefuse(t *testing.T) {
	for name, in := range map[string]string{
		"no envelope":      `<a/>`,
		"another SOAP":     `<Envelope xmlns="http://www.w3.org/2003/05/soap-envelope"><Body><a/></Body></Envelope>`,
		"no body":          `<Envelope xmlns="` + soapNS + `"/>`,
		"nothing in it":    `<Envelope xmlns="` + soapNS + `"><Body/></Envelope>`,
		"two in it":        `<Envelope xmlns="` + soapNS + `"><Body><a/><b/></Body></Envelope>`,
		"two bodies":       `<Envelope xmlns="` + soapNS + `"><Body><a/></Body><Body/></Envelope>`,
		"a document type":  `<!DOCTYPE a><Envelope xmlns="` + soapNS + `"><Body><a/></Body></Envelope>`,
		"ends crossed":     `<Envelope xmlns="` + soapNS + `"><Body><a></Body></a></Envelope>`,
		"an unknown thing": `<Envelope xmlns="` + soapNS + `"><Body><a>&what;</a></Body></Envelope>`,
	} {
		if ps, err := parts([]byte(in)); err == nil {
			t.Errorf("%s: taken as %d parts", name, len(ps))
		}
	}
}

func TestValidate(t *testing.T) {
	dir := Schema(t)
	lint := program(t, "xmllint", "libxml2-utils")
	for name, c := range map[string]struct {
		in   []byte
		want string // in the complaint; "" = valid
	}{
		"a request":          {in: envelope(version, getItem)},
		"a fault":            {in: envelope("", soapDown)},
		"a stream of two":    {in: append(envelope("", getItem), envelope(version, getItem)...)},
		"wrong order":        {in: envelope("", strings.Replace(getItem, "<m:ItemShape>", "<m:ItemIds/><m:ItemShape>", 1)), want: "ItemIds"},
		"unknown version":    {in: envelope(`<t:RequestServerVersion Version="Exchange2019"/>`, getItem), want: "Exchange2019"},
		"a fault of no code": {in: envelope("", strings.Replace(soapDown, "<faultcode>s:Client</faultcode>", "", 1)), want: "faultcode"},
		"cut in half":        {in: envelope(version, getItem)[:200], want: "invalid envelope"},
		"nothing":            {in: []byte(" "), want: "no envelope"},
		"unknown operation":  {in: envelope("", "<m:Nothing/>"), want: "Nothing"},
	} {
		// The valid ones around it must not be blamed.
		faults := validate(t.TempDir(), dir, lint, [][]byte{envelope("", getItem), c.in, envelope("", soapDown)})
		switch {
		case c.want == "" && faults != nil:
			t.Errorf("%s: %v", name, faults)
		case c.want != "" && (len(faults) != 1 || !strings.Contains(faults[0].Error(), c.want)):
			t.Errorf("%s: %v, want one with %q", name, faults, c.want)
		}
	}
}

func TestValidateManyInBatches(t *testing.T) {
	dir := Schema(t)
	lint := program(t, "xmllint", "libxml2-utils")
	var all [][]byte
	for i := range 2*batch + 7 {
		all = append(all, envelope("", strings.Replace(getItem, `"a"`, fmt.Sprintf(`"%d"`, i), 1)))
	}
	all[batch+3] = envelope("", "<m:GetItem/>")
	if faults := validate(t.TempDir(), dir, lint, all); len(faults) != 1 {
		t.Errorf("%d faults, want one: %v", len(faults), faults)
	}
}

func TestValidatorThatFails(t *testing.T) {
	no, err := os.Executable() // it knows no such flags
	if err != nil {
		t.Fatal(err)
	}
	faults := validate(t.TempDir(), t.TempDir(), no, [][]byte{envelope("", getItem)})
	if len(faults) != 1 || !strings.Contains(faults[0].Error(), "xmllint") {
		t.Errorf("got %v", faults)
	}
}

func TestFindSchema(t *testing.T) {
	top := t.TempDir()
	dir := filepath.Join(top, "shared", "ews-schema")
	deep := filepath.Join(top, "checkout", "app", "room")
	for _, d := range []string{dir, deep} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(deep)
	t.Setenv(SchemaFolder, "")
	// The folder alone is not the schema.
	if got, err := findSchema(); err != nil || got == dir {
		t.Errorf("found %q, %v", got, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "messages.xsd"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := findSchema(); err != nil || got != dir {
		t.Errorf("found %q, %v, want %q", got, err, dir)
	}
	t.Setenv(SchemaFolder, top)
	if got, err := findSchema(); err == nil {
		t.Errorf("a folder without schema is taken: %q", got)
	}
	t.Setenv(SchemaFolder, dir)
	if got, err := findSchema(); err != nil || got != dir {
		t.Errorf("found %q, %v, want %q", got, err, dir)
	}
}

// answering is an EWS server that knows one answer, in two pieces, and cuts the third.
func answering(body []byte) http.Handler {
	n := 0
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n++; n == 3 {
			panic(http.ErrAbortHandler)
		}
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			panic(err)
		}
		w.Header().Set("Content-Type", "text/xml; charset=utf-8")
		for _, half := range [][]byte{body[:50], body[50:]} {
			if _, err := w.Write(half); err != nil {
				panic(err)
			}
			if err := http.NewResponseController(w).Flush(); err != nil {
				panic(err)
			}
		}
	})
}

func TestRecorderListensAtBothEnds(t *testing.T) {
	request, answer := envelope(version, getItem), envelope("", soapDown)
	client, server := Record(t, Both), Record(t, Answers)
	s := httptest.NewServer(server.Handler(answering(answer)))
	defer s.Close()
	c := &http.Client{Transport: client.Transport(nil)}
	defer c.CloseIdleConnections()
	post := func(path string) error {
		resp, err := c.Post(s.URL+path, "text/xml", bytes.NewReader(request))
		if err != nil {
			return err
		}
		got, err := io.ReadAll(resp.Body)
		if closeErr := resp.Body.Close(); err == nil {
			err = closeErr
		}
		if err == nil && !bytes.Equal(got, answer) {
			t.Errorf("the answer changed on its way: %s", got)
		}
		return err
	}
	if err := post("/ews/Exchange.asmx"); err != nil {
		t.Fatal(err)
	}
	if err := post("/autodiscover/autodiscover.svc"); err != nil {
		t.Fatal(err)
	}
	if err := post("/EWS/exchange.asmx"); err == nil {
		t.Error("the cut answer is whole")
	}
	// The cut answer counts at neither end, its request at the client.
	if c, s := client.Count(), server.Count(); c != 3 || s != 1 {
		t.Errorf("the client kept %d, the server %d, want 3 and 1", c, s)
	}
	if !client.Seen("GetItem") || !client.Seen("faultstring") || server.Seen("GetItem") {
		t.Error("what was kept is not what was said")
	}
}

func FuzzEnvelope(f *testing.F) {
	f.Add(envelope(version, getItem))
	f.Add(envelope("", soapDown))
	f.Add([]byte(`<a xmlns="x"/><b:c xmlns:b='d'>`))
	f.Fuzz(func(t *testing.T, data []byte) {
		docs, err := Split(data)
		for _, doc := range docs {
			if again, err := Split(doc); err != nil || len(again) != 1 {
				t.Fatalf("a document of the split is not one: %q: %v", doc, err)
			}
			ps, err := parts(doc)
			if err == nil && len(ps) == 0 {
				t.Fatalf("no parts and no error: %q", doc)
			}
		}
		if err == nil && len(bytes.TrimSpace(data)) > 0 && len(docs) == 0 {
			t.Fatalf("nothing and no error: %q", data)
		}
	})
}
