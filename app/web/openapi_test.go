package web

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

func TestTheDocumentIsValidOpenAPI(t *testing.T) {
	h := newHouse(t)
	got := h.guest().call("GET", "/api/v1/openapi.json", nil, 200)
	doc, err := openapi3.NewLoader().LoadFromData(got.body)
	if err != nil {
		t.Fatal(err)
	}
	if doc.OpenAPI != "3.1.0" {
		t.Errorf("version %s", doc.OpenAPI)
	}
	if err := doc.Validate(t.Context(), openapi3.IsOpenAPI31OrLater()); err != nil {
		t.Error(err)
	}
}

// Every route of the API that is served is described, and the other way round.
func TestTheDocumentAndTheRoutesAgree(t *testing.T) {
	h := newHouse(t)
	var served, described []string
	for _, r := range h.server.echo.Routes() {
		path, isAPI := strings.CutPrefix(r.Path, apiPrefix)
		if !isAPI {
			continue
		}
		served = append(served, r.Method+" "+apiPath(path))
	}
	for path, item := range h.contract.doc.Paths.Map() {
		for method := range item.Operations() {
			described = append(described, method+" "+path)
		}
	}
	slices.Sort(served)
	slices.Sort(described)
	if !slices.Equal(served, described) {
		t.Errorf("served    %v\ndescribed %v", served, described)
	}
	if len(served) < 20 {
		t.Errorf("only %d calls", len(served))
	}
}

// What the interface's users were promised is there.
func TestThePromisedCallsAreThere(t *testing.T) {
	h := newHouse(t)
	for _, promised := range []struct{ method, path string }{
		{"POST", "/session"}, {"DELETE", "/session"}, {"GET", "/me"}, {"PUT", "/me/presence"}, {"DELETE", "/me/presence"},
		{"GET", "/presence/{uri}"}, {"POST", "/presence/query"}, {"GET", "/contacts"}, {"PUT", "/contacts/{uri}"},
		{"DELETE", "/contacts/{uri}"}, {"GET", "/directory"}, {"GET", "/conversations"}, {"GET", "/conversations/{peer}/messages"},
		{"POST", "/conversations/{peer}/messages"}, {"POST", "/conversations/{peer}/typing"}, {"POST", "/conversations/{peer}/read"},
		{"GET", "/events"}, {"GET", "/openapi.json"},
		{"GET", "/appointments"}, {"POST", "/appointments"}, {"GET", "/appointments/{id}"}, {"PATCH", "/appointments/{id}"}, {"DELETE", "/appointments/{id}"},
		{"POST", "/appointments/{id}/response"}, {"GET", "/appointments/{id}/responses"}, {"POST", "/planner"},
	} {
		item := h.contract.doc.Paths.Value(promised.path)
		if item == nil || item.GetOperation(promised.method) == nil {
			t.Errorf("%s %s is missing", promised.method, promised.path)
		}
	}
}

// Every schema is used, and every call that needs a sign-in says so.
func TestTheDocumentHasNothingLeftOver(t *testing.T) {
	h := newHouse(t)
	text := string(h.server.openapi)
	for name := range h.contract.doc.Components.Schemas {
		if !strings.Contains(text, `"#/components/schemas/`+name+`"`) {
			t.Errorf("schema %s is not used", name)
		}
	}
	for path, item := range h.contract.doc.Paths.Map() {
		for method, op := range item.Operations() {
			if op.Summary == "" || op.OperationID == "" {
				t.Errorf("%s %s says nothing", method, path)
			}
			public := op.Security != nil && len(*op.Security) == 0
			concrete := strings.NewReplacer("{uri}", bob.Path(), "{peer}", bob.Path(), "{id}", "x").Replace(path)
			status := h.guest().send(method, apiPrefix+concrete, nil).status
			if public == (status == http.StatusUnauthorized) {
				t.Errorf("%s %s: described as public %v, answered %d", method, path, public, status)
			}
		}
	}
}

// A request that the document forbids is one that the server refuses: the examples of what is wrong.
func TestTheServerIsAsStrictAsTheDocument(t *testing.T) {
	h := newHouse(t)
	a := h.signIn(alice)
	for _, bad := range []struct{ method, path, body string }{
		{"PUT", "/me/presence", `{"availability":"unknown"}`},
		{"PUT", "/me/settings", `{"theme":"pink"}`},
		{"POST", "/presence/query", `{}`},
		{"PUT", "/contacts/" + bob.Path(), `{"relationship":"friend"}`},
		{"POST", "/conversations/" + bob.Path() + "/messages", `{"id":"x"}`},
		{"POST", "/conversations/" + bob.Path() + "/messages", `{"text":""}`},
		{"POST", "/conversations/" + bob.Path() + "/typing", `{}`},
		{"GET", "/conversations/" + bob.Path() + "/messages?limit=0", ""},
		{"GET", "/events?since=-1", ""},
	} {
		var body any
		if bad.body != "" {
			body = bad.body
		}
		a.call(bad.method, apiPrefix+bad.path, body, 400)
	}
}

func TestSchemasAreReadable(t *testing.T) {
	var components map[string]any
	if err := json.Unmarshal(openapiSchemas, &components); err != nil {
		t.Fatal(err)
	}
	if len(components["schemas"].(map[string]any)) < 20 {
		t.Error("schemas are missing")
	}
}
