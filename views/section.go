package views

// Section is one of the places that the main navigation leads to.
type Section string

// The sections of the main navigation, in its order.
const (
	Chats     Section = "chats"
	Contacts  Section = "contacts"
	Rooms     Section = "rooms"
	Calendar  Section = "calendar"
	Responses Section = "responses"
	History   Section = "history"
	Calls     Section = "calls"
	CRM       Section = "crm"
	Settings  Section = "settings"
	Admin     Section = "admin"
	// Help and Diagnostics are reached from elsewhere.
	Help        Section = "help"
	Diagnostics Section = "diagnostics"
)

// Sections lists the main navigation for a person; Admin is for administrators.
func Sections(admin bool) []Section {
	all := []Section{Chats, Contacts, Rooms, Calendar, Responses, History, Calls, CRM, Settings}
	if admin {
		all = append(all, Admin)
	}
	return all
}

// Path is the section's page.
func (s Section) Path() string {
	if s == Chats {
		return "/chat"
	}
	return "/" + string(s)
}

// icon names the drawn sign of the section.
func (s Section) icon() string {
	if s == Diagnostics {
		return string(Admin)
	}
	return string(s)
}
