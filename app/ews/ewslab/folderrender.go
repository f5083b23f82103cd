package ewslab

// Folders as clients see them: FolderShape and the properties of each kind.

import (
	"slices"
	"strings"
)

// folderElement is the element that a folder is answered as.
func folderElement(class string) string {
	switch {
	case strings.HasPrefix(class, "IPF.Appointment"):
		return "CalendarFolder"
	case strings.HasPrefix(class, "IPF.Contact"):
		return "ContactsFolder"
	case strings.HasPrefix(class, "IPF.Task"):
		return "TasksFolder"
	}
	return "Folder"
}

// folderShape is a read FolderShape.
type folderShape struct {
	base   string
	fields map[string]bool
	ext    []path
}

func parseFolderShape(n *node) (folderShape, error) {
	s := folderShape{base: n.text("BaseShape"), fields: map[string]bool{}}
	if !slices.Contains([]string{"IdOnly", "Default", "AllProperties"}, s.base) {
		return s, invalid("the 'BaseShape' element is invalid - the value '%s' is invalid.", s.base)
	}
	for _, k := range n.kid("AdditionalProperties").kids() {
		p, err := parsePath(k)
		if err != nil {
			return s, err
		}
		if p.Ext.Type != "" {
			s.ext = append(s.ext, p)
		} else {
			s.fields[p.Field] = true
		}
	}
	return s, nil
}

// folderProps are in schema order; those of the Default shape with +, those only on request with ?.
func folderProps(elem string) []string {
	list := []string{"FolderId+", "ParentFolderId", "FolderClass", "DisplayName+", "TotalCount+", "ChildFolderCount+", "ExtendedProperty", "EffectiveRights", "DistinguishedFolderId"}
	switch elem {
	case "CalendarFolder", "ContactsFolder":
		return append(list, "SharingEffectiveRights?", "PermissionSet?")
	}
	return append(list, "PermissionSet?", "UnreadCount+")
}

// folderNode writes one folder.
func (c *call) folderNode(x *tx, f *folder, s folderShape) (*node, error) {
	elem := folderElement(f.Class)
	out := t(elem)
	for _, word := range folderProps(elem) {
		name := strings.TrimRight(word, "+?")
		if name == "ExtendedProperty" {
			out.add(c.folderExtended(f, s)...)
			continue
		}
		asked := s.fields[name] || name == "FolderId"
		if !asked && (s.base == "IdOnly" || strings.HasSuffix(word, "?") || s.base == "Default" && !strings.HasSuffix(word, "+")) {
			continue
		}
		n, err := c.folderProperty(x, f, name, elem)
		if err != nil {
			return nil, err
		}
		out.add(n)
	}
	return out, nil
}

func (c *call) folderExtended(f *folder, s folderShape) []*node {
	var out []*node
	for _, want := range s.ext {
		value := ""
		switch {
		case f.Props.extended(want.Ext) != nil:
			out = append(out, t("ExtendedProperty", want.node.copy().inTypes(), valueNodes(f.Props.extended(want.Ext))))
			continue
		case want.Ext.same(tagged(0x3613, "String")):
			value = f.Class
		case want.Ext.same(tagged(0x3001, "String")):
			value = f.Name
		case want.Ext.same(tagged(0x10f4, "Boolean")), want.Ext.same(tagged(0x3601, "Integer")):
			value = map[string]string{"Boolean": "false", "Integer": "1"}[want.Ext.Type]
		case want.Ext.same(tagged(0x670a, "SystemTime")), want.Ext.same(tagged(0x3008, "SystemTime")):
			value = stamp(c.s.now())
		}
		if value != "" {
			out = append(out, t("ExtendedProperty", want.node.copy().inTypes(), t("Value", value)))
		}
	}
	return out
}

func (c *call) folderProperty(x *tx, f *folder, name, elem string) (*node, error) {
	switch name {
	case "FolderId":
		return f.node(name), nil
	case "ParentFolderId":
		if f.Parent == 0 {
			return f.node(name), nil // the root is its own parent
		}
		p, err := x.folder(f.Parent)
		if err != nil {
			return nil, err
		}
		return p.node(name), nil
	case "FolderClass":
		return textOrNil(name, f.Class), nil
	case "DisplayName":
		return t(name, f.Name), nil
	case "TotalCount":
		return count(x, name, `SELECT COUNT(*) FROM items WHERE folder = ? AND master = 0`, f.ID)
	case "UnreadCount":
		return count(x, name, `SELECT COUNT(*) FROM items WHERE folder = ? AND master = 0 AND is_read = 0`, f.ID)
	case "ChildFolderCount":
		return count(x, name, `SELECT COUNT(*) FROM folders WHERE mailbox = ? AND parent = ?`, f.Mailbox, f.ID)
	case "EffectiveRights":
		return c.effectiveRights(x, f, false)
	case "DistinguishedFolderId":
		return textOrNil(name, f.Dist), nil
	case "PermissionSet":
		return c.permissionSet(x, f, elem)
	}
	return nil, nil
}

func textOrNil(name, s string) *node {
	if s == "" {
		return nil
	}
	return t(name, s)
}

func count(x *tx, name, query string, args ...any) (*node, error) {
	n := 0
	err := x.QueryRow(query, args...).Scan(&n)
	return t(name, n), err
}
