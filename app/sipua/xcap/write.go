package xcap

// Text in XML.

import (
	"encoding/xml"
	"strings"
	"unicode/utf8"
)

// escape makes s safe in elements and double-quoted attributes; what XML 1.0 cannot carry becomes U+FFFD.
func escape(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 && r != '\t' && r != '\n' && r != '\r' || r == 0xfffe || r == 0xffff {
			return utf8.RuneError
		}
		return r
	}, strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "\t", "&#x9;", "\n", "&#xA;", "\r", "&#xD;").Replace(strings.ToValidUTF8(s, "\uFFFD")))
}

func nameOf(local string) xml.Name { return xml.Name{Space: resourceLists, Local: local} }

func attribute(name, value string) xml.Attr {
	return xml.Attr{Name: xml.Name{Local: name}, Value: value}
}
