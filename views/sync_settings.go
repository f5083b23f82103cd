package views

import (
	"fmt"
	"slices"

	"portico/app/portal"
)

// SyncSettingsPage is the page /admin/sync/settings.
type SyncSettingsPage struct {
	Frame
	Notice
	Settings portal.SyncSettings
	// Checked: the settings have just been checked; Findings is what was found.
	Checked  bool
	Findings []portal.SyncFinding
	// Users are the CRM users to choose the user for synchronisation from.
	Users []portal.CRMUser
}

// serverRow is a server in the form; the last row is empty, for another one.
type serverRow struct {
	portal.SyncServerSpec
	N int
}

// servers are the rows of servers: those there are, and an empty one.
func (v SyncSettingsPage) servers() []serverRow {
	var out []serverRow
	for i, s := range v.Settings.Servers {
		out = append(out, serverRow{s, i})
	}
	return append(out, serverRow{portal.SyncServerSpec{Auth: "basic", Impersonate: true}, len(out)})
}

// configured tells whether the configuration names a server.
func (v SyncSettingsPage) configured() bool {
	return slices.ContainsFunc(v.Settings.Servers, func(s portal.SyncServerSpec) bool { return s.Fixed })
}

// own names a field of a server's row.
func (s serverRow) own(field string) string { return fmt.Sprintf("server.%d.%s", s.N, field) }

// offset is by how much a server's times are put right, as the form shows it.
func (v SyncSettingsPage) offset(s serverRow) string {
	return fmt.Sprint(v.Settings.OffsetMinutes[s.Name])
}

// serverAuths are the ways to sign in to a server.
func serverAuths() []string { return []string{"basic", "ntlm", "kerberos", "oauth2"} }

// logLevels are the levels of the live log.
func logLevels() []int { return []int{0, 1, 2, 3, 4, 5} }

// synced are the users who can be the one for synchronisation: those who have a mailbox.
func (v SyncSettingsPage) synced() []portal.CRMUser {
	return slices.DeleteFunc(slices.Clone(v.Users), func(u portal.CRMUser) bool { return !u.Synced() && u.Address != v.Settings.SyncUser })
}

// userName is how a CRM user is called.
func userName(u portal.CRMUser) string {
	if n := u.Name(); n != "" {
		return n
	}
	return u.Address.Bare()
}

// good reports whether nothing bad was found.
func (v SyncSettingsPage) good() bool {
	return !slices.ContainsFunc(v.Findings, func(f portal.SyncFinding) bool { return !f.OK })
}
