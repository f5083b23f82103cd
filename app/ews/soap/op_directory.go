package soap

// The directory: names, lists, people, photos, rooms; delegates; conversion of ids.

// Entry is one value of a dictionary of a contact; Key is "EmailAddress1", "BusinessPhone" …
type Entry struct {
	Key         string `ews:"@Key,always"`
	Name        string `ews:"@Name"`
	RoutingType string `ews:"@RoutingType"`
	MailboxType string `ews:"@MailboxType"`
	Value       string `ews:"#"`
}

// PhysicalAddress is a postal address of a contact; Key is Business, Home or Other.
type PhysicalAddress struct {
	Key        string `ews:"@Key,always"`
	Street     string `ews:"t:Street"`
	City       string `ews:"t:City"`
	State      string `ews:"t:State"`
	Country    string `ews:"t:CountryOrRegion"`
	PostalCode string `ews:"t:PostalCode"`
}

// Contact is a person in the directory or in a contacts folder.
type Contact struct {
	Item
	FileAs            string            `ews:"t:FileAs"`
	DisplayName       string            `ews:"t:DisplayName"`
	GivenName         string            `ews:"t:GivenName"`
	Initials          string            `ews:"t:Initials"`
	MiddleName        string            `ews:"t:MiddleName"`
	Nickname          string            `ews:"t:Nickname"`
	CompanyName       string            `ews:"t:CompanyName"`
	EmailAddresses    []Entry           `ews:"t:EmailAddresses>t:Entry"`
	PhysicalAddresses []PhysicalAddress `ews:"t:PhysicalAddresses>t:Entry"`
	PhoneNumbers      []Entry           `ews:"t:PhoneNumbers>t:Entry"`
	AssistantName     string            `ews:"t:AssistantName"`
	ContactSource     string            `ews:"t:ContactSource"`
	Department        string            `ews:"t:Department"`
	ImAddresses       []Entry           `ews:"t:ImAddresses>t:Entry"`
	JobTitle          string            `ews:"t:JobTitle"`
	Manager           string            `ews:"t:Manager"`
	OfficeLocation    string            `ews:"t:OfficeLocation"`
	Surname           string            `ews:"t:Surname"`
	HasPicture        *bool             `ews:"t:HasPicture"`
	Alias             string            `ews:"t:Alias"`
	Notes             string            `ews:"t:Notes"`
	DirectoryID       string            `ews:"t:DirectoryId"`
	ManagerMailbox    *Recipient        `ews:"t:ManagerMailbox"`
	DirectReports     []Mailbox         `ews:"t:DirectReports>t:Mailbox"`
}

// ResolveNames looks one name up; "smtp:" before it asks for an exact address. SearchScope is
// ActiveDirectory, ActiveDirectoryContacts, Contacts or ContactsActiveDirectory.
type ResolveNames struct {
	FullContact  bool        `ews:"@ReturnFullContactData,always"`
	SearchScope  string      `ews:"@SearchScope"`
	ContactShape string      `ews:"@ContactDataShape"`
	Parents      []FolderRef `ews:"m:ParentFolderIds>*"`
	Entry        string      `ews:"m:UnresolvedEntry,always"`
}

// Resolution is one candidate.
type Resolution struct {
	Mailbox Mailbox  `ews:"t:Mailbox,always"`
	Contact *Contact `ews:"t:Contact"`
}

// ResolutionSet is the candidates, at most 100.
type ResolutionSet struct {
	Paging
	Resolutions []Resolution `ews:"t:Resolution"`
}

// ResolveNamesMessage is the candidates of one name. Several candidates are a Warning, none an
// Error with the code ErrorNameResolutionNoResults.
type ResolveNamesMessage struct {
	ResponseMessage
	Set *ResolutionSet `ews:"m:ResolutionSet"`
}

// ResolveNamesResponse has one message.
type ResolveNamesResponse struct {
	Messages []ResolveNamesMessage `ews:"m:ResponseMessages>m:ResolveNamesResponseMessage"`
}

// ExpandDL asks for the members of a list, one level deep.
type ExpandDL struct {
	Mailbox Mailbox `ews:"m:Mailbox,always"`
}

// DLExpansion is the members of a list.
type DLExpansion struct {
	Paging
	Mailboxes []Mailbox `ews:"t:Mailbox"`
}

// ExpandDLMessage is the members of one list.
type ExpandDLMessage struct {
	ResponseMessage
	Expansion *DLExpansion `ews:"m:DLExpansion"`
}

// ExpandDLResponse has one message.
type ExpandDLResponse struct {
	Messages []ExpandDLMessage `ews:"m:ResponseMessages>m:ExpandDLResponseMessage"`
}

// FindPeople searches people (Exchange 2013 and later). Parent is WellKnown("directory", "") for
// the address list of the organisation.
type FindPeople struct {
	Shape       *FolderShape `ews:"m:PersonaShape"`
	Page        IndexedPage  `ews:"m:IndexedPageItemView,always"`
	Restriction *Restriction `ews:"m:Restriction"`
	Sort        []FieldOrder `ews:"m:SortOrder>t:FieldOrder"`
	Parent      *FolderRef   `ews:"m:ParentFolderId"`
	Query       string       `ews:"m:QueryString"`
}

// Persona is one person found.
type Persona struct {
	PersonaID      *ItemID       `ews:"t:PersonaId"`
	PersonaType    string        `ews:"t:PersonaType"`
	DisplayName    string        `ews:"t:DisplayName"`
	GivenName      string        `ews:"t:GivenName"`
	Surname        string        `ews:"t:Surname"`
	Title          string        `ews:"t:Title"`
	Department     string        `ews:"t:Department"`
	CompanyName    string        `ews:"t:CompanyName"`
	Location       string        `ews:"t:Location"`
	EmailAddress   *Mailbox      `ews:"t:EmailAddress"`
	EmailAddresses []Mailbox     `ews:"t:EmailAddresses>t:Address"`
	PhoneNumber    *PersonaPhone `ews:"t:PhoneNumber"`
	ImAddress      string        `ews:"t:ImAddress"`
	// What follows is told when PersonaShape asks for it by name.
	WorkPhones   []PersonaPhoneValue `ews:"t:BusinessPhoneNumbers>t:PhoneNumberAttributedValue"`
	HomePhones   []PersonaPhoneValue `ews:"t:HomePhones>t:PhoneNumberAttributedValue"`
	MobilePhones []PersonaPhoneValue `ews:"t:MobilePhones>t:PhoneNumberAttributedValue"`
	Offices      []PersonaText       `ews:"t:OfficeLocations>t:StringAttributedValue"`
}

// PersonaPhoneValue is a telephone number of a persona that several sources may know.
type PersonaPhoneValue struct {
	Value PersonaPhone `ews:"t:Value,always"`
}

// PersonaText is a text of a persona that several sources may know.
type PersonaText struct {
	Value string `ews:"t:Value,always"`
}

// PersonaPhone is a telephone number of a persona.
type PersonaPhone struct {
	Number string `ews:"t:Number,always"`
	Type   string `ews:"t:Type,always"`
}

// FindPeopleResponse is one page of people.
type FindPeopleResponse struct {
	ResponseMessage
	People []Persona `ews:"m:People>t:Persona"`
	Total  *int      `ews:"m:TotalNumberOfPeopleInView"`
}

// GetUserPhoto asks for somebody's photo. Size is HR48x48, HR64x64, HR96x96, HR120x120,
// HR240x240, HR360x360, HR432x432, HR504x504 or HR648x648.
type GetUserPhoto struct {
	Email string `ews:"m:Email,always"`
	Size  string `ews:"m:SizeRequested,always"`
}

// GetUserPhotoResponse is the photo, as a rule JPEG.
type GetUserPhotoResponse struct {
	ResponseMessage
	HasChanged bool   `ews:"m:HasChanged,always"`
	Picture    []byte `ews:"m:PictureData"`
}

// GetRoomLists asks for the lists of rooms there are.
type GetRoomLists struct{}

// GetRoomListsResponse is the lists as addresses, to be given to GetRooms.
type GetRoomListsResponse struct {
	ResponseMessage
	Lists []Mailbox `ews:"m:RoomLists>t:Address"`
}

// GetRooms asks for the rooms of one list.
type GetRooms struct {
	List Mailbox `ews:"m:RoomList,always"`
}

// Room is one room.
type Room struct {
	ID *Mailbox `ews:"t:Id"`
}

// GetRoomsResponse is the rooms of the list.
type GetRoomsResponse struct {
	ResponseMessage
	Rooms []Room `ews:"m:Rooms>t:Room"`
}

// UserID names a user where rights are given. Distinguished is "Default" or "Anonymous".
type UserID struct {
	SID           string `ews:"t:SID"`
	PrimarySMTP   string `ews:"t:PrimarySmtpAddress"`
	DisplayName   string `ews:"t:DisplayName"`
	Distinguished string `ews:"t:DistinguishedUser"`
	External      string `ews:"t:ExternalUserIdentity"`
}

// GetDelegate asks who may act for a mailbox; Users limits the answer to some.
type GetDelegate struct {
	IncludePermissions bool     `ews:"@IncludePermissions,always"`
	Mailbox            Mailbox  `ews:"m:Mailbox,always"`
	Users              []UserID `ews:"m:UserIds>t:UserId"`
}

// DelegatePermissions is None, Editor, Reviewer, Author or Custom for each folder.
type DelegatePermissions struct {
	Calendar string `ews:"t:CalendarFolderPermissionLevel"`
	Tasks    string `ews:"t:TasksFolderPermissionLevel"`
	Inbox    string `ews:"t:InboxFolderPermissionLevel"`
	Contacts string `ews:"t:ContactsFolderPermissionLevel"`
	Notes    string `ews:"t:NotesFolderPermissionLevel"`
	Journal  string `ews:"t:JournalFolderPermissionLevel"`
}

// DelegateUser is one delegate.
type DelegateUser struct {
	UserID           UserID               `ews:"t:UserId,always"`
	Permissions      *DelegatePermissions `ews:"t:DelegatePermissions"`
	ReceiveCopies    *bool                `ews:"t:ReceiveCopiesOfMeetingMessages"`
	ViewPrivateItems *bool                `ews:"t:ViewPrivateItems"`
}

// DelegateMessage is the answer about one delegate.
type DelegateMessage struct {
	ResponseMessage
	User *DelegateUser `ews:"m:DelegateUser"`
}

// GetDelegateResponse is the delegates. DeliverMeetingRequests is DelegatesOnly, DelegatesAndMe,
// DelegatesAndSendInformationToMe or NoForward.
type GetDelegateResponse struct {
	ResponseMessage
	Messages               []DelegateMessage `ews:"m:ResponseMessages>m:DelegateUserResponseMessageType"`
	DeliverMeetingRequests string            `ews:"m:DeliverMeetingRequests"`
}

// AlternateID is an id in one format: EwsLegacyId, EwsId, EntryId, HexEntryId, StoreId or OwaId.
type AlternateID struct {
	Format    string `ews:"@Format,always"`
	ID        string `ews:"@Id,always"`
	Mailbox   string `ews:"@Mailbox,always"`
	IsArchive *bool  `ews:"@IsArchive"`
}

// ConvertID turns ids into another format.
type ConvertID struct {
	Destination string        `ews:"@DestinationFormat,always"`
	Sources     []AlternateID `ews:"m:SourceIds>t:AlternateId,always"`
}

// ConvertIDMessage is one id turned.
type ConvertIDMessage struct {
	ResponseMessage
	ID *AlternateID `ews:"m:AlternateId"`
}

// ConvertIDResponse has one message for each id.
type ConvertIDResponse struct {
	Messages []ConvertIDMessage `ews:"m:ResponseMessages>m:ConvertIdResponseMessage"`
}
