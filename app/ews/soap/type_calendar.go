package soap

// Appointments, meeting messages and the answers to them.

// Attendee is one invited person or resource. ResponseType is Unknown, Organizer, Tentative,
// Accept, Decline or NoResponseReceived, and read-only.
type Attendee struct {
	Mailbox          Mailbox   `ews:"t:Mailbox,always"`
	ResponseType     string    `ews:"t:ResponseType"`
	LastResponseTime *DateTime `ews:"t:LastResponseTime"`
	ProposedStart    *DateTime `ews:"t:ProposedStart"`
	ProposedEnd      *DateTime `ews:"t:ProposedEnd"`
}

// Occurrence is one occurrence as the master of a series tells of it.
type Occurrence struct {
	ItemID        ItemID    `ews:"t:ItemId,always"`
	Start         *DateTime `ews:"t:Start"`
	End           *DateTime `ews:"t:End"`
	OriginalStart *DateTime `ews:"t:OriginalStart"`
}

// DeletedOccurrence is an occurrence that was taken out of its series.
type DeletedOccurrence struct {
	Start *DateTime `ews:"t:Start"`
}

// EnhancedLocation is the place of an appointment in newer servers.
type EnhancedLocation struct {
	DisplayName string `ews:"t:DisplayName,always"`
	Annotation  string `ews:"t:Annotation"`
}

// CalendarItem is an appointment or meeting. LegacyFreeBusyStatus is Free, Tentative, Busy, OOF,
// WorkingElsewhere (2013 and later) or NoData; CalendarItemType Single, Occurrence, Exception or
// RecurringMaster; MyResponseType as in Attendee.
type CalendarItem struct {
	Item
	UID                       string              `ews:"t:UID"`
	RecurrenceID              *DateTime           `ews:"t:RecurrenceId"`
	DateTimeStamp             *DateTime           `ews:"t:DateTimeStamp"`
	Start                     *DateTime           `ews:"t:Start"`
	End                       *DateTime           `ews:"t:End"`
	OriginalStart             *DateTime           `ews:"t:OriginalStart"`
	IsAllDayEvent             *bool               `ews:"t:IsAllDayEvent"`
	LegacyFreeBusyStatus      string              `ews:"t:LegacyFreeBusyStatus"`
	Location                  string              `ews:"t:Location"`
	When                      string              `ews:"t:When"`
	IsMeeting                 *bool               `ews:"t:IsMeeting"`
	IsCancelled               *bool               `ews:"t:IsCancelled"`
	IsRecurring               *bool               `ews:"t:IsRecurring"`
	MeetingRequestWasSent     *bool               `ews:"t:MeetingRequestWasSent"`
	IsResponseRequested       *bool               `ews:"t:IsResponseRequested"`
	CalendarItemType          string              `ews:"t:CalendarItemType"`
	MyResponseType            string              `ews:"t:MyResponseType"`
	Organizer                 *Recipient          `ews:"t:Organizer"`
	RequiredAttendees         []Attendee          `ews:"t:RequiredAttendees>t:Attendee"`
	OptionalAttendees         []Attendee          `ews:"t:OptionalAttendees>t:Attendee"`
	Resources                 []Attendee          `ews:"t:Resources>t:Attendee"`
	ConflictingMeetingCount   *int                `ews:"t:ConflictingMeetingCount"`
	AdjacentMeetingCount      *int                `ews:"t:AdjacentMeetingCount"`
	Duration                  string              `ews:"t:Duration"`
	TimeZone                  string              `ews:"t:TimeZone"`
	AppointmentReplyTime      *DateTime           `ews:"t:AppointmentReplyTime"`
	AppointmentSequenceNumber *int                `ews:"t:AppointmentSequenceNumber"`
	AppointmentState          *int                `ews:"t:AppointmentState"`
	Recurrence                *Recurrence         `ews:"t:Recurrence"`
	FirstOccurrence           *Occurrence         `ews:"t:FirstOccurrence"`
	LastOccurrence            *Occurrence         `ews:"t:LastOccurrence"`
	ModifiedOccurrences       []Occurrence        `ews:"t:ModifiedOccurrences>t:Occurrence"`
	DeletedOccurrences        []DeletedOccurrence `ews:"t:DeletedOccurrences>t:DeletedOccurrence"`
	MeetingTimeZone           *MeetingTimeZone    `ews:"t:MeetingTimeZone"`
	StartTimeZone             *TimeZoneDefinition `ews:"t:StartTimeZone"`
	EndTimeZone               *TimeZoneDefinition `ews:"t:EndTimeZone"`
	ConferenceType            *int                `ews:"t:ConferenceType"`
	AllowNewTimeProposal      *bool               `ews:"t:AllowNewTimeProposal"`
	IsOnlineMeeting           *bool               `ews:"t:IsOnlineMeeting"`
	MeetingWorkspaceURL       string              `ews:"t:MeetingWorkspaceUrl"`
	NetShowURL                string              `ews:"t:NetShowUrl"`
	EnhancedLocation          *EnhancedLocation   `ews:"t:EnhancedLocation"`
	StartWallClock            *DateTime           `ews:"t:StartWallClock"`
	EndWallClock              *DateTime           `ews:"t:EndWallClock"`
	StartTimeZoneID           string              `ews:"t:StartTimeZoneId"`
	EndTimeZoneID             string              `ews:"t:EndTimeZoneId"`
	IntendedFreeBusyStatus    string              `ews:"t:IntendedFreeBusyStatus"`
	JoinOnlineMeetingURL      string              `ews:"t:JoinOnlineMeetingUrl"`
	IsOrganizer               *bool               `ews:"t:IsOrganizer"`
}

// MeetingMessage is what all messages about a meeting have in common.
type MeetingMessage struct {
	Message
	AssociatedCalendarItemID *ItemID   `ews:"t:AssociatedCalendarItemId"`
	IsDelegated              *bool     `ews:"t:IsDelegated"`
	IsOutOfDate              *bool     `ews:"t:IsOutOfDate"`
	HasBeenProcessed         *bool     `ews:"t:HasBeenProcessed"`
	ResponseType             string    `ews:"t:ResponseType"`
	UID                      string    `ews:"t:UID"`
	RecurrenceID             *DateTime `ews:"t:RecurrenceId"`
	DateTimeStamp            *DateTime `ews:"t:DateTimeStamp"`
	IsOrganizer              *bool     `ews:"t:IsOrganizer"`
}

// MeetingRequest is an invitation. MeetingRequestType is None, FullUpdate, InformationalUpdate,
// NewMeetingRequest, Outdated, SilentUpdate or PrincipalWantsCopy.
type MeetingRequest struct {
	MeetingMessage
	MeetingRequestType        string              `ews:"t:MeetingRequestType"`
	IntendedFreeBusyStatus    string              `ews:"t:IntendedFreeBusyStatus"`
	Start                     *DateTime           `ews:"t:Start"`
	End                       *DateTime           `ews:"t:End"`
	OriginalStart             *DateTime           `ews:"t:OriginalStart"`
	IsAllDayEvent             *bool               `ews:"t:IsAllDayEvent"`
	LegacyFreeBusyStatus      string              `ews:"t:LegacyFreeBusyStatus"`
	Location                  string              `ews:"t:Location"`
	When                      string              `ews:"t:When"`
	IsMeeting                 *bool               `ews:"t:IsMeeting"`
	IsCancelled               *bool               `ews:"t:IsCancelled"`
	IsRecurring               *bool               `ews:"t:IsRecurring"`
	MeetingRequestWasSent     *bool               `ews:"t:MeetingRequestWasSent"`
	CalendarItemType          string              `ews:"t:CalendarItemType"`
	MyResponseType            string              `ews:"t:MyResponseType"`
	Organizer                 *Recipient          `ews:"t:Organizer"`
	RequiredAttendees         []Attendee          `ews:"t:RequiredAttendees>t:Attendee"`
	OptionalAttendees         []Attendee          `ews:"t:OptionalAttendees>t:Attendee"`
	Resources                 []Attendee          `ews:"t:Resources>t:Attendee"`
	ConflictingMeetingCount   *int                `ews:"t:ConflictingMeetingCount"`
	AdjacentMeetingCount      *int                `ews:"t:AdjacentMeetingCount"`
	Duration                  string              `ews:"t:Duration"`
	TimeZone                  string              `ews:"t:TimeZone"`
	AppointmentReplyTime      *DateTime           `ews:"t:AppointmentReplyTime"`
	AppointmentSequenceNumber *int                `ews:"t:AppointmentSequenceNumber"`
	AppointmentState          *int                `ews:"t:AppointmentState"`
	Recurrence                *Recurrence         `ews:"t:Recurrence"`
	FirstOccurrence           *Occurrence         `ews:"t:FirstOccurrence"`
	LastOccurrence            *Occurrence         `ews:"t:LastOccurrence"`
	ModifiedOccurrences       []Occurrence        `ews:"t:ModifiedOccurrences>t:Occurrence"`
	DeletedOccurrences        []DeletedOccurrence `ews:"t:DeletedOccurrences>t:DeletedOccurrence"`
	MeetingTimeZone           *MeetingTimeZone    `ews:"t:MeetingTimeZone"`
	StartTimeZone             *TimeZoneDefinition `ews:"t:StartTimeZone"`
	EndTimeZone               *TimeZoneDefinition `ews:"t:EndTimeZone"`
	ConferenceType            *int                `ews:"t:ConferenceType"`
	AllowNewTimeProposal      *bool               `ews:"t:AllowNewTimeProposal"`
	IsOnlineMeeting           *bool               `ews:"t:IsOnlineMeeting"`
	MeetingWorkspaceURL       string              `ews:"t:MeetingWorkspaceUrl"`
	NetShowURL                string              `ews:"t:NetShowUrl"`
	EnhancedLocation          *EnhancedLocation   `ews:"t:EnhancedLocation"`
	StartWallClock            *DateTime           `ews:"t:StartWallClock"`
	EndWallClock              *DateTime           `ews:"t:EndWallClock"`
	StartTimeZoneID           string              `ews:"t:StartTimeZoneId"`
	EndTimeZoneID             string              `ews:"t:EndTimeZoneId"`
}

// MeetingResponse is an attendee's answer as the organiser finds it in the Inbox; ResponseType
// of the MeetingMessage says which.
type MeetingResponse struct {
	MeetingMessage
	Start            *DateTime         `ews:"t:Start"`
	End              *DateTime         `ews:"t:End"`
	Location         string            `ews:"t:Location"`
	Recurrence       *Recurrence       `ews:"t:Recurrence"`
	CalendarItemType string            `ews:"t:CalendarItemType"`
	ProposedStart    *DateTime         `ews:"t:ProposedStart"`
	ProposedEnd      *DateTime         `ews:"t:ProposedEnd"`
	EnhancedLocation *EnhancedLocation `ews:"t:EnhancedLocation"`
}

// MeetingCancellation tells an attendee that the meeting does not take place.
type MeetingCancellation struct {
	MeetingMessage
	Start            *DateTime         `ews:"t:Start"`
	End              *DateTime         `ews:"t:End"`
	Location         string            `ews:"t:Location"`
	Recurrence       *Recurrence       `ews:"t:Recurrence"`
	CalendarItemType string            `ews:"t:CalendarItemType"`
	EnhancedLocation *EnhancedLocation `ews:"t:EnhancedLocation"`
}

// MeetingAnswer is what AcceptItem, TentativelyAcceptItem and DeclineItem hold. ReferenceItemID
// is the invitation in the Inbox or the entry in the calendar, with its ChangeKey.
type MeetingAnswer struct {
	Sensitivity     string    `ews:"t:Sensitivity"`
	Body            *Body     `ews:"t:Body"`
	ReferenceItemID *ItemID   `ews:"t:ReferenceItemId"`
	ProposedStart   *DateTime `ews:"t:ProposedStart"`
	ProposedEnd     *DateTime `ews:"t:ProposedEnd"`
}

// SmartResponse is what CancelCalendarItem and ForwardItem hold: NewBodyContent is put before
// the text of the item that ReferenceItemID names.
type SmartResponse struct {
	Subject         string    `ews:"t:Subject"`
	Body            *Body     `ews:"t:Body"`
	ToRecipients    []Mailbox `ews:"t:ToRecipients>t:Mailbox"`
	CcRecipients    []Mailbox `ews:"t:CcRecipients>t:Mailbox"`
	BccRecipients   []Mailbox `ews:"t:BccRecipients>t:Mailbox"`
	ReferenceItemID *ItemID   `ews:"t:ReferenceItemId"`
	NewBodyContent  *Body     `ews:"t:NewBodyContent"`
}

// RemoveItem takes a cancelled meeting out of the attendee's calendar; ReferenceItemID is the
// cancellation.
type RemoveItem struct {
	ReferenceItemID *ItemID `ews:"t:ReferenceItemId"`
}

// NewItem is what CreateItem can be given: an item, or an answer to one; exactly one is set.
type NewItem struct {
	Item                  *Item          `ews:"t:Item"`
	Message               *Message       `ews:"t:Message"`
	CalendarItem          *CalendarItem  `ews:"t:CalendarItem"`
	Contact               *Contact       `ews:"t:Contact"`
	ForwardItem           *SmartResponse `ews:"t:ForwardItem"`
	AcceptItem            *MeetingAnswer `ews:"t:AcceptItem"`
	TentativelyAcceptItem *MeetingAnswer `ews:"t:TentativelyAcceptItem"`
	DeclineItem           *MeetingAnswer `ews:"t:DeclineItem"`
	CancelCalendarItem    *SmartResponse `ews:"t:CancelCalendarItem"`
	RemoveItem            *RemoveItem    `ews:"t:RemoveItem"`
}
