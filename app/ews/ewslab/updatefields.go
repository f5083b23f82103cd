package ewslab

// What an update does to one field: delete, set an entry, append.

import (
	"bytes"
	"slices"
	"strings"
)

func deleteField(it *item, p path) error {
	switch p.Field {
	case "Start", "End", "UID", "ItemClass", "StartTimeZone", "EndTimeZone", "IsRead", "MimeContent":
		return fail("ErrorInvalidPropertyDelete", "Delete action is invalid for property.")
	}
	if p.Key == "" {
		it.remove(p.Field)
		return nil
	}
	list, e := it.get(p.Field), it.Props.indexed(p)
	if e == nil {
		return nil
	}
	if p.Part != "" && len(e.Kids) > 1 {
		e.Kids = slices.DeleteFunc(e.Kids, func(k *node) bool { return k.Name == p.Part })
		return nil
	}
	list.Kids = slices.DeleteFunc(list.Kids, func(k *node) bool { return k == e })
	if len(list.Kids) == 0 {
		it.remove(p.Field)
	}
	return nil
}

// setIndexed sets one entry of an indexed field, of an address one part of it.
func setIndexed(it *item, p path, value *node) error {
	if value == nil || len(value.Kids) != 1 {
		return fail("ErrorIncorrectUpdatePropertyCount")
	}
	list := it.get(p.Field)
	if list == nil {
		list = t(p.Field)
		it.set(list)
	}
	e := it.Props.indexed(p)
	if e == nil {
		list.add(value.Kids[0])
		return nil
	}
	if p.Part == "" {
		*e = *value.Kids[0]
		return nil
	}
	parts := []string{"Street", "City", "State", "CountryOrRegion", "PostalCode"}
	fresh := value.Kids[0].kid(p.Part)
	old := e.Kids
	e.Kids = nil
	for _, name := range parts {
		if name == p.Part {
			e.add(fresh)
			continue
		}
		for _, k := range old {
			if k.Name == name {
				e.add(k)
			}
		}
	}
	return nil
}

// appendField adds to a body, a text or a list.
func appendField(it *item, p path, value *node) error {
	have := it.get(p.Field)
	switch {
	case value == nil:
		return nil
	case p.Field == "Body":
		if have != nil {
			value.Text = have.Text + value.Text
		}
		it.set(value)
	case isList(p.Field):
		if have == nil {
			it.set(value)
			return nil
		}
		for _, k := range value.Kids {
			if !slices.ContainsFunc(have.Kids, func(o *node) bool { return sameEntry(k, o) }) {
				have.add(k)
			}
		}
	default:
		return fail("ErrorInvalidPropertyAppend", "Append action is invalid for property.")
	}
	return nil
}

// sameEntry says whether two entries of a list mean the same.
func sameEntry(a, b *node) bool {
	address := func(n *node) string {
		return strings.ToLower(or(n.text("Mailbox", "EmailAddress"), n.text("EmailAddress")))
	}
	if address(a) != "" {
		return address(a) == address(b)
	}
	return bytes.Equal(pack(a), pack(b))
}
