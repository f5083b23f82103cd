package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"portico/app/portal"
)

// maxJSONDepth is how deep objects and arrays from outside may nest; the API needs three.
const maxJSONDepth = 16

// json answers with v.
func (s *Server) json(c echo.Context, status int, v any) error {
	body, err := encodeJSON(v)
	if err != nil {
		return err
	}
	return c.Blob(status, "application/json", body)
}

func encodeJSON(v any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false) // it is never put into a page
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("encode JSON: %w", err)
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), nil
}

// body reads the request's JSON into v. Members that v does not have are ignored, since the interface
// may grow; everything else must fit. An empty body is an error unless optional.
func body(c echo.Context, v any) error {
	data, err := jsonOf(c)
	if err != nil {
		return err
	}
	return decodeJSON(data, v)
}

// jsonOf is the request's JSON as it came.
func jsonOf(c echo.Context) ([]byte, error) {
	r := c.Request()
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		return nil, failStatus(http.StatusUnsupportedMediaType, "media-type")
	}
	data, err := io.ReadAll(r.Body)
	if err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return nil, err
		}
		return nil, portal.Fail(portal.ErrInvalid, "json.cut-short").Because(err)
	}
	return data, nil
}

// optionalBody is body for calls that mean something without one.
func optionalBody(c echo.Context, v any) error {
	if c.Request().ContentLength == 0 {
		return nil
	}
	return body(c, v)
}

// decodeJSON reads one JSON object from outside.
func decodeJSON(data []byte, v any) error {
	if !utf8.Valid(data) {
		return portal.Fail(portal.ErrInvalid, "json.utf8")
	}
	if tooDeep(data) {
		return portal.Fail(portal.ErrInvalid, "json.depth")
	}
	if trimmed := bytes.TrimLeft(data, " \t\r\n"); len(trimmed) == 0 || trimmed[0] != '{' {
		return portal.Fail(portal.ErrInvalid, "json.object")
	}
	err := json.Unmarshal(data, v)
	var wrongType *json.UnmarshalTypeError
	var own *portal.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &own):
		return err
	case errors.As(err, &wrongType):
		return portal.Fail(portal.ErrInvalid, "json.type").With("field", wrongType.Field).Because(err)
	}
	return portal.Fail(portal.ErrInvalid, "json.malformed").Because(err)
}

// tooDeep reports whether brackets outside of strings nest deeper than maxJSONDepth.
func tooDeep(data []byte) bool {
	depth, quoted := 0, false
	for i := 0; i < len(data); i++ {
		switch b := data[i]; {
		case quoted && b == '\\':
			i++
		case b == '"':
			quoted = !quoted
		case quoted:
		case b == '{' || b == '[':
			if depth++; depth > maxJSONDepth {
				return true
			}
		case b == '}' || b == ']':
			depth--
		}
	}
	return false
}
