package xcap

// The list service (RFC 4826 section 4): one address whose presence is that of everybody on a list.

import (
	"strings"

	"portico/app/portal"
)

const rlsServices = "urn:ietf:params:xml:ns:rls-services"

// EncodeListService writes the document with one service of the address at, for presence of the people. They stand in it
// themselves: Kamailio does not follow references.
func EncodeListService(at portal.Address, people []portal.Address) []byte {
	var b strings.Builder
	b.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n" + `<rls-services xmlns="` + rlsServices + `" xmlns:l="` + resourceLists +
		`"><service uri="` + escape(string(at)) + `"><list name="contacts">`)
	for _, who := range people {
		b.WriteString(`<l:entry uri="` + escape(string(who)) + `"/>`)
	}
	b.WriteString("</list><packages><package>presence</package></packages></service></rls-services>\n")
	return []byte(b.String())
}
