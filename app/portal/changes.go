package portal

// ContactsChange is one change of a contact list, whole or not at all. It is made in the order of its fields.
type ContactsChange struct {
	// Rename names groups anew, in the contacts too (old to new), all at once; one that gets the name of another group becomes
	// part of it. RemoveGroups takes groups away: their contacts stay, in their other groups or in none. PutGroups adds groups
	// or gives them another rank or fold.
	Rename       map[string]string
	RemoveGroups []string
	PutGroups    []ContactGroup
	Remove       []Address
	Put          []Contact
}

// PoliciesChange is one change of the policies, whole or not at all. It is made in the order of its fields.
type PoliciesChange struct {
	// Drop are rules to go, by Name and Scope.
	Drop []PolicyRule
	Put  []PolicyRule
	// PutGroups replaces groups by their ID; DropGroups are IDs of those that go, with the rules set for them.
	PutGroups  []PolicyGroup
	DropGroups []string
	// Record is the lines for the record of changes.
	Record []PolicyChange
}
