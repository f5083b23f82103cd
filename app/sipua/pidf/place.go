package pidf

// What the documents of others say beside availability: where somebody is, what can be sent to them, and with what.

import (
	"fmt"
	"strconv"
	"strings"

	"portico/app/portal"
	"portico/app/sipua/markup"
)

// whereabouts reads place-type and time-offset (RFC 4480 sections 3.7 and 3.12) directly in e.
func whereabouts(e *markup.Element) (location, zone string) {
	if p := e.Child("place-type"); p != nil {
		location = placeName(p)
	}
	if o := e.Child("time-offset"); o != nil {
		zone = zoneOf(o)
	}
	return location, zone
}

// placeName is a kind of place in words: a text, else the name of an element of the registry (RFC 4589).
func placeName(p *markup.Element) string {
	for _, c := range p.Children {
		switch c.Local {
		case "other":
			if text := line(c.Value(), portal.MaxLocationLen); text != "" {
				return text
			}
		case "note", "unknown":
		default:
			return line(strings.ReplaceAll(c.Local, "-", " "), portal.MaxLocationLen)
		}
	}
	return line(p.Child("note").Value(), portal.MaxLocationLen)
}

// zoneOf is the time zone that a description names; else one that has the offset always, where it is of whole hours.
func zoneOf(o *markup.Element) string {
	if name := zoneName(o.Attr("description")); strings.Contains(name, "/") || name == "UTC" {
		return name
	}
	minutes, err := strconv.Atoi(o.Value())
	if err != nil || minutes%60 != 0 || minutes < -12*60 || minutes > 14*60 {
		return ""
	}
	if minutes == 0 {
		return "Etc/GMT"
	}
	return fmt.Sprintf("Etc/GMT%+d", -minutes/60) // these count westwards
}

// refusesIM reports whether a tuple's service says that it takes no instant messages (RFC 5196): MESSAGE is not supported,
// or neither messages nor text are.
func refusesIM(tuple *markup.Element) bool {
	caps := tuple.Child("servcaps")
	methods := caps.Child("methods")
	switch {
	case methods.Child("notsupported").Child("MESSAGE") != nil:
		return true
	case methods.Child("supported").Child("MESSAGE") != nil:
		return false
	}
	return isFalse(caps.Child("message")) && !isTrue(caps.Child("text"))
}

func isTrue(e *markup.Element) bool { return strings.EqualFold(e.Value(), "true") || e.Value() == "1" }
func isFalse(e *markup.Element) bool {
	return strings.EqualFold(e.Value(), "false") || e.Value() == "0"
}

// labelOf is what the endpoint calls itself: the description of its service or device (RFC 5196), or the mark that a
// program is known to leave in its documents.
func labelOf(tuple *markup.Element) string {
	for _, caps := range []string{"servcaps", "devcaps"} {
		if text := tuple.Child(caps).Child("description").Value(); text != "" {
			return line(text, maxEndpoint)
		}
	}
	for _, e := range tuple.Child("status").All() {
		if strings.Contains(e.Space, "linphone.org") {
			return "Linphone"
		}
	}
	switch id := tuple.Attr("id"); {
	case id == "t4109": // the same for everybody
		return "baresip"
	case strings.HasPrefix(id, "pj") && len(id) > 2 && strings.Trim(id[2:], "0123456789abcdef") == "":
		return "PJSIP"
	}
	return ""
}
