package soap

// What all items have in common, messages, and the choice of item kinds.

// Mailbox is a person, list, room or contact as an address. Type is Unknown, OneOff, Mailbox,
// PublicDL, PrivateDL, Contact, PublicFolder, GroupMailbox …
type Mailbox struct {
	Name                string  `ews:"t:Name"`
	EmailAddress        string  `ews:"t:EmailAddress"`
	RoutingType         string  `ews:"t:RoutingType"`
	Type                string  `ews:"t:MailboxType"`
	ItemID              *ItemID `ews:"t:ItemId"`
	OriginalDisplayName string  `ews:"t:OriginalDisplayName"`
}

// Recipient is one address where the schema wants exactly one.
type Recipient struct {
	Mailbox Mailbox `ews:"t:Mailbox,always"`
}

// Body is a text. Type is "HTML" or "Text".
type Body struct {
	Type      string `ews:"@BodyType,always"`
	Truncated *bool  `ews:"@IsTruncated"`
	Text      string `ews:"#"`
}

// MimeContent is an item as MIME or iCalendar, in base64 on the wire.
type MimeContent struct {
	CharacterSet string `ews:"@CharacterSet"`
	Data         []byte `ews:"#"`
}

// EffectiveRights is what the caller may do with an item or folder.
type EffectiveRights struct {
	CreateAssociated bool  `ews:"t:CreateAssociated,always"`
	CreateContents   bool  `ews:"t:CreateContents,always"`
	CreateHierarchy  bool  `ews:"t:CreateHierarchy,always"`
	Delete           bool  `ews:"t:Delete,always"`
	Modify           bool  `ews:"t:Modify,always"`
	Read             bool  `ews:"t:Read,always"`
	ViewPrivateItems *bool `ews:"t:ViewPrivateItems"`
}

// ExtendedProperty is one MAPI property: Value, or Values where its type is an array.
type ExtendedProperty struct {
	Path   ExtendedPath `ews:"t:ExtendedFieldURI,always"`
	Value  *string      `ews:"t:Value"`
	Values []string     `ews:"t:Values>t:Value"`
}

// ExtendedPath is the name of a MAPI property where the schema allows no other kind of path.
type ExtendedPath struct {
	PropertySet   string `ews:"@DistinguishedPropertySetId"`
	PropertySetID string `ews:"@PropertySetId"`
	PropertyTag   string `ews:"@PropertyTag"`
	PropertyName  string `ews:"@PropertyName"`
	PropertyID    *int   `ews:"@PropertyId"`
	PropertyType  string `ews:"@PropertyType,always"`
}

// Extend makes the property p with this value.
func Extend(p Path, value string) ExtendedProperty {
	return ExtendedProperty{Path: p.extended(), Value: &value}
}

// InternetHeader is one header line of a message.
type InternetHeader struct {
	Name  string `ews:"@HeaderName,always"`
	Value string `ews:"#"`
}

// Flag is the follow-up flag of an item: NotFlagged, Flagged or Complete.
type Flag struct {
	Status       string    `ews:"t:FlagStatus,always"`
	StartDate    *DateTime `ews:"t:StartDate"`
	DueDate      *DateTime `ews:"t:DueDate"`
	CompleteDate *DateTime `ews:"t:CompleteDate"`
}

// Item is what every kind of item has. Sensitivity is Normal, Personal, Private or Confidential;
// Importance Low, Normal or High.
type Item struct {
	MimeContent                *MimeContent       `ews:"t:MimeContent"`
	ItemID                     *ItemID            `ews:"t:ItemId"`
	ParentFolderID             *FolderID          `ews:"t:ParentFolderId"`
	ItemClass                  string             `ews:"t:ItemClass"`
	Subject                    string             `ews:"t:Subject"`
	Sensitivity                string             `ews:"t:Sensitivity"`
	Body                       *Body              `ews:"t:Body"`
	Attachments                []Attachment       `ews:"t:Attachments>*"`
	DateTimeReceived           *DateTime          `ews:"t:DateTimeReceived"`
	Size                       *int               `ews:"t:Size"`
	Categories                 []string           `ews:"t:Categories>t:String"`
	Importance                 string             `ews:"t:Importance"`
	InReplyTo                  string             `ews:"t:InReplyTo"`
	IsSubmitted                *bool              `ews:"t:IsSubmitted"`
	IsDraft                    *bool              `ews:"t:IsDraft"`
	IsFromMe                   *bool              `ews:"t:IsFromMe"`
	IsResend                   *bool              `ews:"t:IsResend"`
	IsUnmodified               *bool              `ews:"t:IsUnmodified"`
	InternetMessageHeaders     []InternetHeader   `ews:"t:InternetMessageHeaders>t:InternetMessageHeader"`
	DateTimeSent               *DateTime          `ews:"t:DateTimeSent"`
	DateTimeCreated            *DateTime          `ews:"t:DateTimeCreated"`
	ReminderDueBy              *DateTime          `ews:"t:ReminderDueBy"`
	ReminderIsSet              *bool              `ews:"t:ReminderIsSet"`
	ReminderNextTime           *DateTime          `ews:"t:ReminderNextTime"`
	ReminderMinutesBeforeStart *int               `ews:"t:ReminderMinutesBeforeStart"`
	DisplayCc                  string             `ews:"t:DisplayCc"`
	DisplayTo                  string             `ews:"t:DisplayTo"`
	HasAttachments             *bool              `ews:"t:HasAttachments"`
	ExtendedProperties         []ExtendedProperty `ews:"t:ExtendedProperty"`
	Culture                    string             `ews:"t:Culture"`
	EffectiveRights            *EffectiveRights   `ews:"t:EffectiveRights"`
	LastModifiedName           string             `ews:"t:LastModifiedName"`
	LastModifiedTime           *DateTime          `ews:"t:LastModifiedTime"`
	IsAssociated               *bool              `ews:"t:IsAssociated"`
	WebClientReadForm          string             `ews:"t:WebClientReadFormQueryString"`
	WebClientEditForm          string             `ews:"t:WebClientEditFormQueryString"`
	ConversationID             *ItemID            `ews:"t:ConversationId"`
	UniqueBody                 *Body              `ews:"t:UniqueBody"`
	Flag                       *Flag              `ews:"t:Flag"`
	InstanceKey                []byte             `ews:"t:InstanceKey"`
	Preview                    string             `ews:"t:Preview"`
	TextBody                   *Body              `ews:"t:TextBody"`
}

// Extended gives the value of the MAPI property p and whether the item has it.
func (i *Item) Extended(p Path) (string, bool) {
	if i == nil {
		return "", false
	}
	for _, e := range i.ExtendedProperties {
		if e.Value != nil && e.Path.path().Same(p) {
			return *e.Value, true
		}
	}
	return "", false
}

// Message is a mail.
type Message struct {
	Item
	Sender                     *Recipient `ews:"t:Sender"`
	ToRecipients               []Mailbox  `ews:"t:ToRecipients>t:Mailbox"`
	CcRecipients               []Mailbox  `ews:"t:CcRecipients>t:Mailbox"`
	BccRecipients              []Mailbox  `ews:"t:BccRecipients>t:Mailbox"`
	IsReadReceiptRequested     *bool      `ews:"t:IsReadReceiptRequested"`
	IsDeliveryReceiptRequested *bool      `ews:"t:IsDeliveryReceiptRequested"`
	ConversationIndex          []byte     `ews:"t:ConversationIndex"`
	ConversationTopic          string     `ews:"t:ConversationTopic"`
	From                       *Recipient `ews:"t:From"`
	InternetMessageID          string     `ews:"t:InternetMessageId"`
	IsRead                     *bool      `ews:"t:IsRead"`
	IsResponseRequested        *bool      `ews:"t:IsResponseRequested"`
	References                 string     `ews:"t:References"`
	ReplyTo                    []Mailbox  `ews:"t:ReplyTo>t:Mailbox"`
	ReceivedBy                 *Recipient `ews:"t:ReceivedBy"`
	ReceivedRepresenting       *Recipient `ews:"t:ReceivedRepresenting"`
}

// OtherItem is an item of a kind that is not told apart here (Task, PostItem, DistributionList …): Kind is
// the name of its element.
type OtherItem struct {
	Kind string `ews:"!"`
	Item
}

// AnyItem is one item of any kind; exactly one field is set.
type AnyItem struct {
	Item                *Item                `ews:"t:Item"`
	Message             *Message             `ews:"t:Message"`
	CalendarItem        *CalendarItem        `ews:"t:CalendarItem"`
	MeetingMessage      *MeetingMessage      `ews:"t:MeetingMessage"`
	MeetingRequest      *MeetingRequest      `ews:"t:MeetingRequest"`
	MeetingResponse     *MeetingResponse     `ews:"t:MeetingResponse"`
	MeetingCancellation *MeetingCancellation `ews:"t:MeetingCancellation"`
	Contact             *Contact             `ews:"t:Contact"`
	Other               *OtherItem           `ews:"?"`
}

// Base gives what the item has in common with all others, nil where none is set.
func (a *AnyItem) Base() *Item {
	switch {
	case a == nil:
		return nil
	case a.Item != nil:
		return a.Item
	case a.Message != nil:
		return &a.Message.Item
	case a.CalendarItem != nil:
		return &a.CalendarItem.Item
	case a.MeetingMessage != nil:
		return &a.MeetingMessage.Item
	case a.MeetingRequest != nil:
		return &a.MeetingRequest.Item
	case a.MeetingResponse != nil:
		return &a.MeetingResponse.Item
	case a.MeetingCancellation != nil:
		return &a.MeetingCancellation.Item
	case a.Contact != nil:
		return &a.Contact.Item
	case a.Other != nil:
		return &a.Other.Item
	}
	return nil
}

// Meeting gives what all meeting messages have in common, nil for any other kind.
func (a *AnyItem) Meeting() *MeetingMessage {
	switch {
	case a == nil:
		return nil
	case a.MeetingMessage != nil:
		return a.MeetingMessage
	case a.MeetingRequest != nil:
		return &a.MeetingRequest.MeetingMessage
	case a.MeetingResponse != nil:
		return &a.MeetingResponse.MeetingMessage
	case a.MeetingCancellation != nil:
		return &a.MeetingCancellation.MeetingMessage
	}
	return nil
}

// ID gives the item's id, the zero ItemID where it has none.
func (a *AnyItem) ID() ItemID {
	if b := a.Base(); b != nil && b.ItemID != nil {
		return *b.ItemID
	}
	return ItemID{}
}
