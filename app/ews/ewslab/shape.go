package ewslab

// What a caller wants to see of an item: ItemShape.

// shape is a read ItemShape.
type shape struct {
	base   string // IdOnly, Default, AllProperties
	body   string // Best, HTML, Text
	mime   bool
	fields map[string]bool // asked for by name
	keyed  []path          // indexed fields
	ext    []path          // extended properties
	find   bool            // FindItem and SyncFolderItems: no bodies, no lists of people
	limit  int             // MaximumBodySize; 0: none
}

// everything is the shape that shows all that is kept, for tests and for services.
func everything() shape { return shape{base: "AllProperties", body: "Best"} }

// parseShape reads m:ItemShape or m:AttachmentShape.
func parseShape(n *node, find bool) (shape, error) {
	s := shape{base: n.text("BaseShape"), body: n.text("BodyType"), mime: n.flag("IncludeMimeContent"), fields: map[string]bool{}, find: find}
	if n == nil {
		return s, invalid("the item shape is missing.")
	}
	switch s.base {
	case "IdOnly", "Default", "AllProperties":
	case "PcxPeopleSearch", "":
		if n.Name == "AttachmentShape" {
			s.base = "AllProperties"
			break
		}
		return s, invalid("the 'BaseShape' element is invalid - the value '%s' is invalid.", s.base)
	default:
		return s, invalid("the 'BaseShape' element is invalid - the value '%s' is invalid.", s.base)
	}
	if s.body == "" {
		s.body = "Best"
	}
	for _, k := range n.kid("AdditionalProperties").kids() {
		p, err := parsePath(k)
		if err != nil {
			return s, err
		}
		switch {
		case p.Ext.Type != "":
			s.ext = append(s.ext, p)
		case p.Key != "":
			s.keyed = append(s.keyed, p)
		case p.Field == "MimeContent":
			s.mime = true
		default:
			s.fields[p.Field] = true
		}
	}
	return s, nil
}

// wants says whether a property is to be shown.
func (s *shape) wants(p *prop) bool {
	switch {
	case p.Name == "ItemId":
		return true
	case p.Name == "MimeContent":
		return s.mime && !s.find
	case p.Name == "ExtendedProperty":
		return len(s.ext) > 0
	case s.find && p.NotInFind:
		return false
	case s.fields[p.Name]:
		return true
	case p.OnAsk:
		return false
	}
	return s.base == "AllProperties" || s.base == "Default" && p.Def
}

// wantsKeyed answers the indexed paths asked for of a field that is not wanted as a whole.
func (s *shape) wantsKeyed(field string) []path {
	var out []path
	for _, p := range s.keyed {
		if p.Field == field {
			out = append(out, p)
		}
	}
	return out
}
