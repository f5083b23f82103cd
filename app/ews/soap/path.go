package soap

import (
	"strconv"
	"strings"
)

// key is the identity of a path: tags as numbers, names of sets in one spelling.
func (p Path) key() string {
	if p.Kind == "FieldURI" || p.Kind == "IndexedFieldURI" {
		return p.Kind + "\x00" + p.FieldURI + "\x00" + p.FieldIndex
	}
	tag := p.PropertyTag
	if n, err := strconv.ParseUint(tag, 0, 32); err == nil {
		tag = strconv.FormatUint(n, 10)
	}
	id := ""
	if p.PropertyID != nil {
		id = strconv.Itoa(*p.PropertyID)
	}
	return strings.Join([]string{"MAPI", strings.ToLower(p.PropertySet), strings.ToLower(p.PropertySetID), tag, p.PropertyName, id, p.PropertyType}, "\x00")
}

func (p Path) extended() ExtendedPath {
	return ExtendedPath{PropertySet: p.PropertySet, PropertySetID: p.PropertySetID, PropertyTag: p.PropertyTag,
		PropertyName: p.PropertyName, PropertyID: p.PropertyID, PropertyType: p.PropertyType}
}

func (p ExtendedPath) path() Path {
	return Path{Kind: "ExtendedFieldURI", PropertySet: p.PropertySet, PropertySetID: p.PropertySetID, PropertyTag: p.PropertyTag,
		PropertyName: p.PropertyName, PropertyID: p.PropertyID, PropertyType: p.PropertyType}
}
