package web

import (
	"cmp"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"portico/app/hook"
)

// The OpenAPI 3.1 document is made from the route table and the schemas beside it, once, at the start.

//go:embed openapi_schemas.json
var openapiSchemas []byte

//go:embed openapi_calendar.json
var calendarSchemas []byte

//go:embed openapi_contacts.json
var contactSchemas []byte

//go:embed openapi_rooms.json
var roomSchemas []byte

//go:embed openapi_crm.json
var crmSchemas []byte

//go:embed openapi_admin.json
var adminSchemas []byte

//go:embed openapi_history.json
var historySchemas []byte

// operation is what the document says of a call. Errors that any call can have (401 where a sign-in is
// needed, 429, 500) are added by themselves.
type operation struct {
	summary      string
	public       bool
	params       []param
	body         string // name of a schema; empty: no body
	bodyType     string // its media type; empty: JSON
	bodyOptional bool
	signed       bool // by who sends it, instead of a sign-in
	answers      []answer
	errors       []int
	// bare: neither packed nor kept out of every cache; the handler says what holds for the answer.
	bare bool
}

type param struct {
	name, in string
	schema   string
	about    string
}

type answer struct {
	status int
	schema string // name of a schema; empty: no body
	list   bool   // an array of them
	media  string // its media type; empty: JSON
	stream bool   // server-sent events
	about  string
}

// uriParam is an address as a path segment.
func uriParam(name string) param {
	return param{name: name, in: "path", schema: "Address", about: "a SIP address, percent-encoded, with or without its scheme"}
}

var aboutDocument = operation{
	summary: "This document", public: true,
	answers: []answer{{status: 200, schema: "Document"}},
}

func (s *Server) apiDocument(c echo.Context) error {
	return c.Blob(http.StatusOK, "application/json", s.openapi)
}

type object = map[string]any

// document builds the OpenAPI document.
func (s *Server) document() ([]byte, error) {
	var components object
	if err := json.Unmarshal(openapiSchemas, &components); err != nil {
		return nil, fmt.Errorf("web: OpenAPI schemas: %w", err)
	}
	for _, file := range [][]byte{calendarSchemas, contactSchemas, roomSchemas, crmSchemas, historySchemas, adminSchemas, providerSchemas} {
		if err := addSchemas(components, file); err != nil {
			return nil, err
		}
	}
	components["securitySchemes"] = object{
		"bearer":  object{"type": "http", "scheme": "bearer"},
		"cookie":  object{"type": "apiKey", "in": "cookie", "name": s.documentedCookie()},
		"webhook": object{"type": "apiKey", "in": "header", "name": hook.HeaderSignature},
	}
	paths := object{}
	for _, call := range s.calls() {
		path := apiPath(call.path)
		item, ok := paths[path].(object)
		if !ok {
			item = object{}
			paths[path] = item
		}
		item[strings.ToLower(call.method)] = call.operation()
	}
	doc := object{
		"openapi": "3.1.0",
		"info": object{
			"title":   "Portico",
			"version": "1",
			"description": "Presence and instant messages over SIP. Live events: the WebSocket at /ws (subprotocol " +
				protocolJSON + "; frames are packed where permessage-deflate is offered) or the event stream. Programs find all addresses at " + discoveryPath + " of this host. Errors are application/problem+json (RFC 9457); \"reason\" is their stable key.",
		},
		"servers":    []any{object{"url": apiPrefix}},
		"security":   []any{object{"bearer": []any{}}, object{"cookie": []any{}}},
		"paths":      paths,
		"components": components,
	}
	body, err := json.Marshal(doc)
	if err != nil {
		return nil, fmt.Errorf("web: OpenAPI document: %w", err)
	}
	return body, nil
}

// addSchemas adds the schemas of another file.
func addSchemas(components object, file []byte) error {
	var more struct {
		Schemas object `json:"schemas"`
	}
	if err := json.Unmarshal(file, &more); err != nil {
		return fmt.Errorf("web: OpenAPI schemas: %w", err)
	}
	schemas, ok := components["schemas"].(object)
	if !ok {
		return errors.New("web: OpenAPI schemas: there are none")
	}
	maps.Copy(schemas, more.Schemas)
	return nil
}

// apiPath turns Echo's ":name" into OpenAPI's "{name}".
func apiPath(path string) string {
	parts := strings.Split(path, "/")
	for i, p := range parts {
		if name, ok := strings.CutPrefix(p, ":"); ok {
			parts[i] = "{" + name + "}"
		}
	}
	return strings.Join(parts, "/")
}

// operationID names a call for code generators: "get_presence_uri".
func (c call) operationID() string {
	name := strings.NewReplacer("/", "_", ":", "", ".", "_").Replace(strings.TrimPrefix(c.path, "/"))
	return strings.ToLower(c.method) + "_" + name
}

func (c call) operation() object {
	o := c.about
	answers := object{}
	for _, a := range o.answers {
		answers[strconv.Itoa(a.status)] = a.object()
	}
	for _, status := range append(c.common(), o.errors...) {
		answers[strconv.Itoa(status)] = object{"$ref": "#/components/responses/Problem"}
	}
	out := object{"operationId": c.operationID(), "summary": o.summary, "responses": answers}
	switch {
	case o.signed:
		out["security"] = []any{object{"webhook": []any{}}}
	case c.access == anyone:
		out["security"] = []any{}
	}
	if o.body != "" {
		out["requestBody"] = object{
			"required": !o.bodyOptional,
			"content":  object{cmp.Or(o.bodyType, "application/json"): object{"schema": ref(o.body)}},
		}
	}
	var params []any
	for _, p := range o.params {
		params = append(params, object{"name": p.name, "in": p.in, "required": p.in == "path",
			"description": p.about, "schema": ref(p.schema)})
	}
	if params != nil {
		out["parameters"] = params
	}
	return out
}

// common are the errors that a call can have because of how it is reached.
func (c call) common() []int {
	always := []int{http.StatusForbidden, http.StatusInternalServerError, http.StatusServiceUnavailable}
	if c.access != anyone {
		always = append(always, http.StatusUnauthorized, http.StatusTooManyRequests)
	}
	return always
}

func (a answer) object() object {
	about := a.about
	if about == "" {
		about = http.StatusText(a.status)
	}
	out := object{"description": about}
	switch {
	case a.stream:
		out["content"] = object{"text/event-stream": object{"schema": object{"type": "string"}}}
	case a.schema != "" && a.list:
		out["content"] = object{"application/json": object{"schema": object{"type": "array", "items": ref(a.schema)}}}
	case a.schema != "":
		out["content"] = object{cmp.Or(a.media, "application/json"): object{"schema": ref(a.schema)}}
	}
	return out
}

func ref(schema string) object { return object{"$ref": "#/components/schemas/" + schema} }
