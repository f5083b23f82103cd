package ewslab

// Permissions of folders as t:PermissionSet shows and sets them.

import (
	"fmt"
	"strconv"
	"strings"
)

func itoa(n int) string { return strconv.Itoa(n) }

func boolText(b bool) string { return strconv.FormatBool(b) }

// standardLevel are the single rights that a level stands for.
type standardLevel struct {
	createItems, createFolders, owner bool
	edit, remove, read                string
}

func levels() map[string]standardLevel {
	return map[string]standardLevel{
		"None":                              {edit: "None", remove: "None", read: "None"},
		"Owner":                             {true, true, true, "All", "All", "FullDetails"},
		"PublishingEditor":                  {true, true, false, "All", "All", "FullDetails"},
		"Editor":                            {true, false, false, "All", "All", "FullDetails"},
		"PublishingAuthor":                  {true, true, false, "Owned", "Owned", "FullDetails"},
		"Author":                            {true, false, false, "Owned", "Owned", "FullDetails"},
		"NoneditingAuthor":                  {true, false, false, "None", "Owned", "FullDetails"},
		"Reviewer":                          {false, false, false, "None", "None", "FullDetails"},
		"Contributor":                       {true, false, false, "None", "None", "None"},
		"FreeBusyTimeOnly":                  {false, false, false, "None", "None", "TimeOnly"},
		"FreeBusyTimeAndSubjectAndLocation": {false, false, false, "None", "None", "TimeAndSubjectAndLocation"},
	}
}

// permissionSet writes the permissions of a folder; only its owner sees them.
func (c *call) permissionSet(x *tx, f *folder, elem string) (*node, error) {
	if owns, err := c.can(x, f, mayOwn); err != nil || !owns {
		return nil, err
	}
	list, err := x.grants(f.ID)
	if err != nil {
		return nil, err
	}
	prefix, array := "", "Permissions"
	if elem == "CalendarFolder" {
		prefix, array = "Calendar", "CalendarPermissions"
	}
	out := t(array)
	seen := map[string]bool{}
	for _, g := range list {
		seen[g.Email] = true
		out.add(c.permission(g, prefix))
	}
	for _, who := range []string{"default", "anonymous"} {
		if !seen[who] {
			out.add(c.permission(grant{Email: who, Level: "None"}, prefix))
		}
	}
	return t("PermissionSet", out), nil
}

// permission writes one line.
func (c *call) permission(g grant, prefix string) *node {
	user := t("UserId")
	switch g.Email {
	case "default", "anonymous":
		user.add(t("DistinguishedUser", map[string]string{"default": "Default", "anonymous": "Anonymous"}[g.Email]))
	default:
		user.add(t("PrimarySmtpAddress", g.Email))
		if e := c.s.people.find(g.Email); e != nil {
			user.add(t("DisplayName", e.Person.Name))
		}
	}
	l, ok := levels()[g.Level]
	if !ok {
		p := g.Props
		l = standardLevel{p.flag("CanCreateItems"), p.flag("CanCreateSubFolders"), p.flag("IsFolderOwner"), or(p.text("EditItems"), "None"), or(p.text("DeleteItems"), "None"), or(p.text("ReadItems"), "None")}
	}
	return t(prefix+"Permission", user, t("CanCreateItems", l.createItems), t("CanCreateSubFolders", l.createFolders), t("IsFolderOwner", l.owner),
		t("IsFolderVisible", l.owner || l.read == "FullDetails"), t("IsFolderContact", l.owner), t("EditItems", l.edit), t("DeleteItems", l.remove), t("ReadItems", l.read),
		t(prefix+"PermissionLevel", g.Level))
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// setPermissions replaces the permissions of a folder; nil leaves them.
func (c *call) setPermissions(x *tx, f *folder, set *node) error {
	if set == nil {
		return nil
	}
	if _, err := x.Exec(`DELETE FROM rights WHERE folder = ?`, f.ID); err != nil {
		return err
	}
	for _, array := range set.Kids {
		for _, p := range array.Kids {
			g, err := c.readPermission(f, p)
			if err != nil {
				return err
			}
			if err := x.setGrant(g); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *call) readPermission(f *folder, p *node) (grant, error) {
	g := grant{Folder: f.ID, Props: p.copy().inTypes(), Level: or(p.text("PermissionLevel"), p.text("CalendarPermissionLevel"))}
	user := p.kid("UserId")
	switch who := user.text("DistinguishedUser"); {
	case who != "":
		g.Email = strings.ToLower(who)
	default:
		e := c.s.people.find(user.text("PrimarySmtpAddress"))
		if e == nil {
			return g, fail("ErrorInvalidUserInfo", fmt.Sprintf("The user %q is not known.", user.text("PrimarySmtpAddress")))
		}
		g.Email = e.Email
	}
	if _, known := levels()[g.Level]; !known && g.Level != "Custom" {
		return g, fail("ErrorInvalidPermissionSettings", "The permission level is invalid.")
	}
	return g, nil
}
