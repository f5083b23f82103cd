package soap

// References: how a request names folders, items, attachments and properties.

// FolderID names one folder. ChangeKey is "" where it is not needed.
type FolderID struct {
	ID        string `ews:"@Id,always"`
	ChangeKey string `ews:"@ChangeKey"`
}

// DistinguishedFolderID names a well-known folder ("calendar", "inbox", "msgfolderroot" …), of
// Mailbox where that is given (delegate access), else of whoever is signed in or impersonated.
type DistinguishedFolderID struct {
	Mailbox   *Mailbox `ews:"t:Mailbox"`
	ID        string   `ews:"@Id,always"`
	ChangeKey string   `ews:"@ChangeKey"`
}

// FolderRef is a folder by its id or by its well-known name; exactly one is set.
type FolderRef struct {
	ID            *FolderID              `ews:"t:FolderId"`
	Distinguished *DistinguishedFolderID `ews:"t:DistinguishedFolderId"`
}

// FolderByID is the folder with this id.
func FolderByID(id string) FolderRef { return FolderRef{ID: &FolderID{ID: id}} }

// WellKnown is the well-known folder of this name; mailbox is the primary address of its owner,
// "" for the mailbox the call is made for.
func WellKnown(name, mailbox string) FolderRef {
	d := &DistinguishedFolderID{ID: name}
	if mailbox != "" {
		d.Mailbox = &Mailbox{EmailAddress: mailbox}
	}
	return FolderRef{Distinguished: d}
}

// ItemID names one item in one state: ChangeKey differs after each write.
type ItemID struct {
	ID        string `ews:"@Id,always"`
	ChangeKey string `ews:"@ChangeKey"`
}

// OccurrenceItemID names one occurrence of a series by its place, counted from 1, deleted
// occurrences included.
type OccurrenceItemID struct {
	MasterID  string `ews:"@RecurringMasterId,always"`
	ChangeKey string `ews:"@ChangeKey"`
	Index     int    `ews:"@InstanceIndex,always"`
}

// RecurringMasterItemID names the series that an occurrence belongs to.
type RecurringMasterItemID struct {
	OccurrenceID string `ews:"@OccurrenceId,always"`
	ChangeKey    string `ews:"@ChangeKey"`
}

// ItemRef is an item by one of the three kinds of id; exactly one is set.
type ItemRef struct {
	ID         *ItemID                `ews:"t:ItemId"`
	Occurrence *OccurrenceItemID      `ews:"t:OccurrenceItemId"`
	Master     *RecurringMasterItemID `ews:"t:RecurringMasterItemId"`
}

// ItemByID is the item with this id in whatever state, or in the state changeKey.
func ItemByID(id, changeKey string) ItemRef {
	return ItemRef{ID: &ItemID{ID: id, ChangeKey: changeKey}}
}

// OccurrenceOf is the occurrence number index (from 1) of the series master.
func OccurrenceOf(master, changeKey string, index int) ItemRef {
	return ItemRef{Occurrence: &OccurrenceItemID{MasterID: master, ChangeKey: changeKey, Index: index}}
}

// MasterOf is the series that the occurrence belongs to.
func MasterOf(occurrence string) ItemRef {
	return ItemRef{Master: &RecurringMasterItemID{OccurrenceID: occurrence}}
}

// AttachmentID names one attachment. RootItemID and RootItemChangeKey come in answers: the item it
// hangs on and that item's new state.
type AttachmentID struct {
	ID                string `ews:"@Id,always"`
	RootItemID        string `ews:"@RootItemId"`
	RootItemChangeKey string `ews:"@RootItemChangeKey"`
}

// Path names one property. Kind is "FieldURI", "IndexedFieldURI" or "ExtendedFieldURI"; Field,
// Indexed, TaggedProperty, NamedProperty and NumberedProperty make one.
type Path struct {
	Kind          string `ews:"!"`
	FieldURI      string `ews:"@FieldURI"`
	FieldIndex    string `ews:"@FieldIndex"`
	PropertySet   string `ews:"@DistinguishedPropertySetId"`
	PropertySetID string `ews:"@PropertySetId"`
	PropertyTag   string `ews:"@PropertyTag"` // hexadecimal or decimal as the server pleases: compare the number
	PropertyName  string `ews:"@PropertyName"`
	PropertyID    *int   `ews:"@PropertyId"`
	PropertyType  string `ews:"@PropertyType"`
}

// Field is the property with this schema name ("item:Subject", "calendar:Start").
func Field(uri string) Path { return Path{Kind: "FieldURI", FieldURI: uri} }

// Fields are the properties with these schema names.
func Fields(uris ...string) []Path {
	out := make([]Path, len(uris))
	for i, u := range uris {
		out[i] = Field(u)
	}
	return out
}

// Indexed is one key of a dictionary property ("contacts:PhoneNumber", "BusinessPhone").
func Indexed(uri, index string) Path {
	return Path{Kind: "IndexedFieldURI", FieldURI: uri, FieldIndex: index}
}

// TaggedProperty is the MAPI property with this tag (upper half only: 0x0e23) and type ("String").
func TaggedProperty(tag uint16, kind string) Path {
	return Path{Kind: "ExtendedFieldURI", PropertyTag: hexTag(tag), PropertyType: kind}
}

// NamedProperty is the named MAPI property of a well-known set ("PublicStrings", "Appointment" …).
func NamedProperty(set, name, kind string) Path {
	return Path{Kind: "ExtendedFieldURI", PropertySet: set, PropertyName: name, PropertyType: kind}
}

// NumberedProperty is the numbered MAPI property of a well-known set ("Appointment", 0x8223).
func NumberedProperty(set string, id int, kind string) Path {
	return Path{Kind: "ExtendedFieldURI", PropertySet: set, PropertyID: &id, PropertyType: kind}
}

func hexTag(tag uint16) string {
	const digits = "0123456789abcdef"
	return "0x" + string([]byte{digits[tag>>12], digits[tag>>8&15], digits[tag>>4&15], digits[tag&15]})
}

// Same tells whether both name the same property, comparing tags as numbers and set names and
// identifiers without regard to case.
func (p Path) Same(o Path) bool {
	return p.key() == o.key()
}
