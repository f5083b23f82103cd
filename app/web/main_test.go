package web

import (
	"testing"

	"github.com/getkin/kin-openapi/openapi3filter"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	// The validator takes text of a kind that it does not know for an error.
	openapi3filter.RegisterBodyDecoder(icalType, openapi3filter.PlainBodyDecoder)
	openapi3filter.RegisterBodyDecoder(csvType, openapi3filter.PlainBodyDecoder)
	openapi3filter.RegisterBodyDecoder("text/html", openapi3filter.PlainBodyDecoder)
	openapi3filter.RegisterBodyDecoder("audio/wav", openapi3filter.FileBodyDecoder)
	openapi3filter.RegisterBodyDecoder(xmlType, openapi3filter.PlainBodyDecoder)
	goleak.VerifyTestMain(m)
}
