package ewslab

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestRequestsThatAreNone(t *testing.T) {
	l := start(t)
	alice := l.as("alice")
	deep := strings.Repeat("<a>", maxDepth+1) + strings.Repeat("</a>", maxDepth+1)
	for name, body := range map[string]string{
		"empty":           "",
		"no XML":          "hello",
		"cut":             envelopeOf("", `<m:GetFolder>`)[:200],
		"no envelope":     `<x/>`,
		"no body":         `<s:Envelope xmlns:s="` + nsSOAP + `"/>`,
		"empty body":      envelopeOf("", ""),
		"two operations":  envelopeOf("", `<m:GetFolder/><m:GetItem/>`),
		"document type":   `<!DOCTYPE a [<!ENTITY b "c">]>` + envelopeOf("", `<m:GetFolder/>`)[38:],
		"entity":          envelopeOf("", `<m:GetFolder>&b;</m:GetFolder>`),
		"too deep":        envelopeOf("", deep),
		"two documents":   envelopeOf("", `<m:GetFolder/>`) + `<x/>`,
		"other encoding":  `<?xml version="1.0" encoding="utf-16"?>` + envelopeOf("", `<m:GetFolder/>`)[38:],
		"unknown element": envelopeOf("", `<m:MakeCoffee/>`),
		"no content":      envelopeOf("", `<m:GetFolder/>`),
	} {
		status, text := alice.raw(body)
		if status != http.StatusInternalServerError || !strings.Contains(text, ">ErrorSchemaValidation</e:ResponseCode>") {
			t.Errorf("%s: %d %s", name, status, text)
		}
	}
}

func TestTooLargeARequest(t *testing.T) {
	l := start(t)
	req, err := http.NewRequest(http.MethodPost, l.URL(), strings.NewReader(strings.Repeat(" ", maxRequest+1)))
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth("alice", "portico")
	resp, err := l.client.Do(req)
	if err != nil {
		t.Skipf("the connection was closed before the answer was read, as HTTP allows: %v", err)
	}
	defer resp.Body.Close()
	equal(t, resp.StatusCode, http.StatusRequestEntityTooLarge)
}

const getInbox = `<m:GetFolder><m:FolderShape><t:BaseShape>Default</t:BaseShape></m:FolderShape><m:FolderIds><t:DistinguishedFolderId Id="inbox"/></m:FolderIds></m:GetFolder>`

func TestVersions(t *testing.T) {
	old := start(t, func(c *Config) { c.Schema = "Exchange2010_SP2" })
	modern := start(t)
	for _, c := range []struct {
		l       *lab
		version string
		ok      bool
	}{{modern, "Exchange2019", false}, {modern, "Exchange2016", true}, {modern, "Exchange2007", true}, {modern, "V2017_07_11", true}, {modern, "V2018_01_08", false},
		{modern, "", false}, {old, "Exchange2013", false}, {old, "Exchange2010_SP2", true}, {old, "Exchange2007_SP1", true}} {
		who := c.l.as("alice")
		who.header = `<t:RequestServerVersion Version="` + c.version + `"/>`
		if c.ok {
			who.ok(getInbox)
		} else {
			equal(t, who.refused(getInbox), "ErrorInvalidServerVersion")
		}
	}
	_, text := old.as("alice").raw(envelopeOf("", getInbox))
	if !strings.Contains(text, `<t:ServerVersionInfo MajorVersion="14" MinorVersion="2"`) || !strings.Contains(text, `Version="Exchange2010_SP2"`) {
		t.Errorf("the server does not say its version: %s", text)
	}
	if !strings.HasPrefix(text, `<?xml version="1.0" encoding="utf-8"?><Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/"`) || !strings.HasSuffix(text, "</Envelope>") {
		t.Errorf("the envelope's root has a prefix: %s", text)
	}
	if _, err := New(Config{Schema: "Exchange1999"}); err == nil {
		t.Error("an unknown version was accepted")
	}
}

func TestFaultsAreReadable(t *testing.T) {
	l := start(t)
	status, text := l.as("alice").raw(envelopeOf("", `<m:FindItem Traversal="Sideways"/>`))
	root, err := readTree(strings.NewReader(text))
	if err != nil || status != http.StatusInternalServerError {
		t.Fatalf("%d %v %s", status, err, text)
	}
	f := root.kid("Body", "Fault")
	equal(t, f.text("faultcode"), "a:ErrorSchemaValidation")
	equal(t, f.kid("detail", "Message").Space, nsErrors)
	if f.text("faultstring") == "" {
		t.Error("a fault without a word")
	}
}

// Every code that the lab answers with is one of the schema's.
func TestCodesAreTheSchemas(t *testing.T) {
	dir := schemaFolder()
	if dir == "" {
		if os.Getenv("PORTICO_REQUIRE_PEERS") == "1" {
			t.Fatal("the EWS schema is missing")
		}
		t.Skip("the EWS schema is not at hand")
	}
	schema, err := os.ReadFile(filepath.Join(dir, "messages.xsd"))
	if err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(string(schema), `name="ResponseCodeType"`)
	list, _, _ = strings.Cut(list, "</xs:simpleType>")
	sources, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	code := regexp.MustCompile(`(?:fail|faultf)\("(Error\w+)"[,)]|Code: +"(Error\w+)"|= +"(Error\w+)"$`)
	seen := 0
	for _, name := range sources {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range code.FindAllStringSubmatch(string(text), -1) {
			seen++
			if c := g[1] + g[2] + g[3]; !strings.Contains(list, `value="`+c+`"`) {
				t.Errorf("%s: %s is no response code", name, c)
			}
		}
	}
	if seen < 80 {
		t.Errorf("only %d codes were looked at", seen)
	}
}

// Real clients declare namespaces in their own ways.
func TestRecordedRequestsAreAnswered(t *testing.T) {
	l := start(t)
	for _, c := range []struct{ file, want string }{
		{"davmail-getfolder.xml", "<m:GetFolderResponseMessage ResponseClass=\"Success\">"},
		{"davmail-find.xml", "<m:FindItemResponseMessage ResponseClass=\"Success\">"},
		{"davmail-create.xml", "<m:CreateItemResponseMessage ResponseClass=\"Success\">"},
		{"davmail-timezone.xml", "W. Europe Standard Time"},
		{"evolution-sync.xml", "<m:SyncFolderHierarchyResponseMessage ResponseClass=\"Success\">"},
		{"thunderbird-getfolder.xml", "<m:GetFolderResponseMessage ResponseClass=\"Success\">"},
		{"exchangelib-convertid.xml", "<m:ResponseCode>ErrorInvalidIdMalformed</m:ResponseCode>"},
		{"exchangelib-create.xml", "<m:CreateItemResponseMessage ResponseClass=\"Success\">"},
	} {
		request := string(testdata(t, c.file))
		status, text := l.as("alice").raw(request)
		record(t, "answer", text)
		if status != http.StatusOK || !strings.Contains(text, c.want) {
			t.Errorf("%s: %d %s", c.file, status, text)
		}
	}
	equal(t, l.as("alice").view("2026-03-10T00:00:00Z", "2026-03-12T00:00:00Z"), "[2026-03-10T09:00:00Z DavMail one 2026-03-11T08:00:00Z From Python]")
}

func FuzzReadEnvelope(f *testing.F) {
	for _, name := range []string{"davmail-getfolder.xml", "davmail-find.xml", "davmail-create.xml", "evolution-sync.xml", "exchangelib-create.xml"} {
		f.Add(testdata(f, name))
	}
	f.Add([]byte(`<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>`))
	f.Add([]byte(envelopeOf("", strings.Repeat("<a>", 100))))
	f.Fuzz(func(t *testing.T, data []byte) {
		header, operation, err := readEnvelope(strings.NewReader(string(data)))
		if err != nil {
			return
		}
		if operation == nil || operation.Name == "" {
			t.Fatal("an envelope without an operation was accepted")
		}
		for _, n := range []*node{header, operation} {
			if n == nil {
				continue
			}
			again, err := unpack(pack(n))
			if err != nil {
				t.Fatalf("a tree cannot be kept: %v", err)
			}
			if again.inTypes().String() != n.copy().inTypes().String() {
				t.Fatal("a kept tree is another one")
			}
			if _, err := readTree(strings.NewReader(`<r xmlns:t="x" xmlns:m="y">` + n.copy().inTypes().withPlainAttrs().String() + `</r>`)); err != nil && depthOf(n) < maxDepth-1 {
				t.Fatalf("a tree is written as no XML: %v", err)
			}
		}
	})
}

// withPlainAttrs drops attributes: their names are only ever the lab's own when it writes.
func (n *node) withPlainAttrs() *node {
	n.Attrs = nil
	for _, k := range n.Kids {
		k.withPlainAttrs()
	}
	return n
}

func depthOf(n *node) int {
	deepest := 0
	for _, k := range n.Kids {
		deepest = max(deepest, depthOf(k))
	}
	return deepest + 1
}

func FuzzUnpack(f *testing.F) {
	f.Add(pack(t("Item", at("a", "b"), t("Subject", "x"), t("Body", at("BodyType", "Text"), "y"))))
	f.Add([]byte{1, 'a', 0, 0, 0})
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0x7f})
	f.Fuzz(func(t *testing.T, data []byte) {
		n, err := unpack(data)
		if err != nil {
			return
		}
		again, err := unpack(pack(n))
		if err != nil || again.String() != n.String() {
			t.Fatalf("a kept tree is another one: %v", err)
		}
	})
}
