package ewslab

// Paths to properties as requests name them: by field, by field and key, by extended property.

import (
	"strconv"
	"strings"
)

// path names one property.
type path struct {
	Field string // element name: Subject, PhoneNumbers, ...; "" for extended properties
	URI   string // the FieldURI as it was sent
	Key   string // of an indexed field: BusinessPhone
	Part  string // of an indexed address: Street, City, ...
	Ext   extKey // of an extended property
	node  *node  // as it was sent
}

// extKey is an extended property in one spelling: the set's identifier or nothing, the name, number or tag, the type.
type extKey struct{ Set, ID, Type string }

// isPath says whether an element is one of the three kinds of path.
func isPath(n *node) bool {
	return n.Name == "FieldURI" || n.Name == "IndexedFieldURI" || n.Name == "ExtendedFieldURI"
}

// pathIn finds the path among an element's children.
func pathIn(n *node) (path, error) {
	for _, k := range n.kids() {
		if isPath(k) {
			return parsePath(k)
		}
	}
	if n != nil {
		return path{}, invalid("the element '%s' has no path.", n.Name)
	}
	return path{}, invalid("a path is missing.")
}

// parsePath reads one path. What the schema does not enumerate is refused.
func parsePath(n *node) (path, error) {
	p := path{node: n}
	if n.Name == "ExtendedFieldURI" {
		var err error
		p.Ext, err = parseExtKey(n)
		return p, err
	}
	p.URI, p.Key = n.attr("FieldURI"), n.attr("FieldIndex")
	space, name, ok := strings.Cut(p.URI, ":")
	if !ok || space == "" || name == "" {
		return p, invalid("the 'FieldURI' attribute is invalid - the value '%s' is invalid.", p.URI)
	}
	if n.Name == "FieldURI" {
		if space != "folder" && !knownProperties()[name] && !otherField(space) {
			return p, invalid("the 'FieldURI' attribute is invalid - the value '%s' is invalid.", p.URI)
		}
		p.Field = name
		return p, nil
	}
	name, p.Part, _ = strings.Cut(name, ":")
	switch name {
	case "InternetMessageHeader":
		p.Field = "InternetMessageHeaders"
	case "ImAddress":
		p.Field = "ImAddresses"
	case "PhysicalAddress":
		p.Field = "PhysicalAddresses"
	case "PhoneNumber":
		p.Field = "PhoneNumbers"
	case "EmailAddress":
		p.Field = "EmailAddresses"
	default:
		return p, invalid("the 'FieldURI' attribute is invalid - the value '%s' is invalid.", p.URI)
	}
	return p, nil
}

// otherField are the families whose fields the lab does not enumerate; asking for one answers nothing.
func otherField(space string) bool {
	return space == "conversation" || space == "persona" || space == "rolemember" || space == "network" || space == "sharingMessage" || space == "postitem"
}

// propertySets are the well-known sets of named properties.
func propertySet(name string) string {
	const tail = "-0000-0000-c000-000000000046"
	switch name {
	case "Appointment":
		return "00062002" + tail
	case "Task":
		return "00062003" + tail
	case "Address":
		return "00062004" + tail
	case "Common":
		return "00062008" + tail
	case "Sharing":
		return "00062040" + tail
	case "PublicStrings":
		return "00020329" + tail
	case "InternetHeaders":
		return "00020386" + tail
	case "Meeting":
		return "6ed8da90-450b-101b-98da-00aa003f1305"
	case "CalendarAssistant":
		return "11000e07-b51b-40d6-af21-caa85edab1d0"
	case "UnifiedMessaging":
		return "4442858e-a9e3-4e80-b900-317a210cc15b"
	}
	return ""
}

// parseExtKey reads an ExtendedFieldURI; numbers may be decimal or hexadecimal.
func parseExtKey(n *node) (extKey, error) {
	k := extKey{Type: n.attr("PropertyType")}
	if k.Type == "" {
		return k, invalid("the required attribute 'PropertyType' is missing.")
	}
	tag, name, number := n.attr("PropertyTag"), n.attr("PropertyName"), n.attr("PropertyId")
	if tag != "" {
		v, err := strconv.ParseUint(tag, 0, 16)
		if err != nil || name != "" || number != "" {
			return k, fail("ErrorInvalidExtendedProperty", "The extended property attribute combination is invalid.")
		}
		k.ID = "0x" + strconv.FormatUint(v, 16)
		return k, nil
	}
	if k.Set = strings.ToLower(strings.Trim(n.attr("PropertySetId"), "{}")); k.Set == "" {
		if k.Set = propertySet(n.attr("DistinguishedPropertySetId")); k.Set == "" {
			return k, fail("ErrorInvalidExtendedProperty", "The extended property attribute combination is invalid.")
		}
	}
	switch {
	case name != "" && number == "":
		k.ID = "name:" + name
	case number != "" && name == "":
		v, err := strconv.ParseInt(number, 0, 32)
		if err != nil {
			return k, fail("ErrorInvalidExtendedProperty", "The extended property attribute combination is invalid.")
		}
		k.ID = "id:" + strconv.FormatInt(v, 10)
	default:
		return k, fail("ErrorInvalidExtendedProperty", "The extended property attribute combination is invalid.")
	}
	return k, nil
}

// same compares without regard to case and to the two forms of strings.
func (k extKey) same(o extKey) bool {
	return k.Set == o.Set && strings.EqualFold(k.ID, o.ID)
}

// named makes the key of a numbered property of a well-known set.
func named(set string, number int, kind string) extKey {
	return extKey{propertySet(set), "id:" + strconv.Itoa(number), kind}
}

// tagged makes the key of a tag.
func tagged(tag int, kind string) extKey {
	return extKey{"", "0x" + strconv.FormatInt(int64(tag), 16), kind}
}

// extended finds an extended property among an element's children.
func (n *node) extended(k extKey) *node {
	for _, e := range n.all("ExtendedProperty") {
		if have, err := parseExtKey(e.kid("ExtendedFieldURI")); err == nil && have.same(k) {
			return e
		}
	}
	return nil
}

// setExtended replaces or adds an extended property.
func (n *node) setExtended(k extKey, e *node) {
	n.removeExtended(k)
	n.add(e)
}

func (n *node) removeExtended(k extKey) {
	if old := n.extended(k); old != nil {
		for i, kid := range n.Kids {
			if kid == old {
				n.Kids = append(n.Kids[:i:i], n.Kids[i+1:]...)
				return
			}
		}
	}
}

// indexed finds the entry of an indexed field under an item's element: Entry with the key; of InternetMessageHeaders the header of that name.
func (n *node) indexed(p path) *node {
	for _, e := range n.kid(p.Field).kids() {
		if p.Field == "InternetMessageHeaders" && strings.EqualFold(e.attr("HeaderName"), p.Key) || e.attr("Key") == p.Key && p.Key != "" {
			return e
		}
	}
	return nil
}
