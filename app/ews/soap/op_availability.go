package soap

// Free/busy, suggestions of times, out of office, mail tips.

// EmailAddress is the shape of an address in availability and out-of-office requests.
type EmailAddress struct {
	Name        string `ews:"t:Name"`
	Address     string `ews:"t:Address,always"`
	RoutingType string `ews:"t:RoutingType"`
}

// MailboxData is one mailbox of a free/busy request. AttendeeType is Organizer, Required,
// Optional, Room or Resource.
type MailboxData struct {
	Email            EmailAddress `ews:"t:Email,always"`
	AttendeeType     string       `ews:"t:AttendeeType,always"`
	ExcludeConflicts *bool        `ews:"t:ExcludeConflicts"`
}

// Window is a span of time; floating values are in the zone of the request.
type Window struct {
	Start *DateTime `ews:"t:StartTime"`
	End   *DateTime `ews:"t:EndTime"`
}

// FreeBusyOptions asks for free/busy of a window, merged by MergedInterval minutes (5..1440).
// RequestedView is MergedOnly, FreeBusy, FreeBusyMerged, Detailed or DetailedMerged.
type FreeBusyOptions struct {
	Window         Window `ews:"t:TimeWindow,always"`
	MergedInterval int    `ews:"t:MergedFreeBusyIntervalInMinutes"`
	RequestedView  string `ews:"t:RequestedView"`
}

// SuggestionsOptions asks for times that suit everybody. MinimumQuality is Excellent, Good, Fair
// or Poor; the window is in whole days.
type SuggestionsOptions struct {
	GoodThreshold      *int      `ews:"t:GoodThreshold"`
	MaxByDay           *int      `ews:"t:MaximumResultsByDay"`
	MaxNonWorkByDay    *int      `ews:"t:MaximumNonWorkHourResultsByDay"`
	DurationMinutes    int       `ews:"t:MeetingDurationInMinutes"`
	MinimumQuality     string    `ews:"t:MinimumSuggestionQuality"`
	Window             Window    `ews:"t:DetailedSuggestionsWindow,always"`
	CurrentMeetingTime *DateTime `ews:"t:CurrentMeetingTime"`
	GlobalObjectID     string    `ews:"t:GlobalObjectId"`
}

// GetUserAvailability asks for free/busy of at most 100 mailboxes, for suggestions, or both.
type GetUserAvailability struct {
	Zone        *SerializableTimeZone `ews:"t:TimeZone"`
	Mailboxes   []MailboxData         `ews:"m:MailboxDataArray>t:MailboxData,always"`
	FreeBusy    *FreeBusyOptions      `ews:"t:FreeBusyViewOptions"`
	Suggestions *SuggestionsOptions   `ews:"t:SuggestionsViewOptions"`
}

// CalendarEventDetails is what a detailed view tells of an entry.
type CalendarEventDetails struct {
	ID            string `ews:"t:ID"`
	Subject       string `ews:"t:Subject"`
	Location      string `ews:"t:Location"`
	IsMeeting     bool   `ews:"t:IsMeeting,always"`
	IsRecurring   bool   `ews:"t:IsRecurring,always"`
	IsException   bool   `ews:"t:IsException,always"`
	IsReminderSet bool   `ews:"t:IsReminderSet,always"`
	IsPrivate     bool   `ews:"t:IsPrivate,always"`
}

// CalendarEvent is one entry of a free/busy answer; times are floating in the request's zone.
type CalendarEvent struct {
	Start    *DateTime             `ews:"t:StartTime"`
	End      *DateTime             `ews:"t:EndTime"`
	BusyType string                `ews:"t:BusyType,always"`
	Details  *CalendarEventDetails `ews:"t:CalendarEventDetails"`
}

// WorkingPeriod is working hours of some days of the week, in minutes from midnight.
type WorkingPeriod struct {
	DayOfWeek []string `ews:"t:DayOfWeek,always,list"`
	Start     int      `ews:"t:StartTimeInMinutes,always"`
	End       int      `ews:"t:EndTimeInMinutes,always"`
}

// WorkingHours is when somebody works, in their own zone.
type WorkingHours struct {
	Zone    SerializableTimeZone `ews:"t:TimeZone,always"`
	Periods []WorkingPeriod      `ews:"t:WorkingPeriodArray>t:WorkingPeriod,always"`
}

// FreeBusyView is the free/busy of one mailbox. Type is what was granted; Merged has one digit
// for each interval: 0 free, 1 tentative, 2 busy, 3 out of office, 4 no data or elsewhere.
type FreeBusyView struct {
	Type         string          `ews:"t:FreeBusyViewType,always"`
	Merged       string          `ews:"t:MergedFreeBusy"`
	Events       []CalendarEvent `ews:"t:CalendarEventArray>t:CalendarEvent"`
	WorkingHours *WorkingHours   `ews:"t:WorkingHours"`
}

// FreeBusyAnswer is the answer about one mailbox.
type FreeBusyAnswer struct {
	Message ResponseMessage `ews:"m:ResponseMessage,always"`
	View    *FreeBusyView   `ews:"m:FreeBusyView"`
}

// Err is why this mailbox has no answer, nil where it has.
func (f *FreeBusyAnswer) Err() error { return f.Message.Err() }

// AttendeeConflict is how one attendee stands to a suggested time. Kind is
// UnknownAttendeeConflictData, IndividualAttendeeConflictData, TooBigGroupAttendeeConflictData or
// GroupAttendeeConflictData.
type AttendeeConflict struct {
	Kind          string `ews:"!"`
	BusyType      string `ews:"t:BusyType"`
	Members       *int   `ews:"t:NumberOfMembers"`
	Available     *int   `ews:"t:NumberOfMembersAvailable"`
	WithConflict  *int   `ews:"t:NumberOfMembersWithConflict"`
	WithoutAnswer *int   `ews:"t:NumberOfMembersWithNoData"`
}

// SuggestedTime is one time that is proposed; conflicts stand in the order of the request.
type SuggestedTime struct {
	MeetingTime *DateTime          `ews:"t:MeetingTime"`
	IsWorkTime  bool               `ews:"t:IsWorkTime,always"`
	Quality     string             `ews:"t:SuggestionQuality,always"`
	Conflicts   []AttendeeConflict `ews:"t:AttendeeConflictDataArray>?"`
}

// SuggestionDay is the proposals of one day.
type SuggestionDay struct {
	Date        *DateTime       `ews:"t:Date"`
	Quality     string          `ews:"t:DayQuality,always"`
	Suggestions []SuggestedTime `ews:"t:SuggestionArray>t:Suggestion"`
}

// SuggestionsAnswer is the proposals of all days.
type SuggestionsAnswer struct {
	Message ResponseMessage `ews:"m:ResponseMessage,always"`
	Days    []SuggestionDay `ews:"m:SuggestionDayResultArray>t:SuggestionDayResult"`
}

// Err is why there are no proposals, nil where there are.
func (s *SuggestionsAnswer) Err() error { return s.Message.Err() }

// GetUserAvailabilityResponse has one answer for each mailbox of the request, in its order.
type GetUserAvailabilityResponse struct {
	FreeBusy    []FreeBusyAnswer   `ews:"m:FreeBusyResponseArray>m:FreeBusyResponse"`
	Suggestions *SuggestionsAnswer `ews:"m:SuggestionsResponse"`
}

// ReplyBody is an automatic reply; Message is HTML.
type ReplyBody struct {
	Language string  `ews:"@xml:lang"`
	Message  *string `ews:"t:Message"`
}

// Text gives the reply, "" where there is none.
func (r *ReplyBody) Text() string {
	if r == nil || r.Message == nil {
		return ""
	}
	return *r.Message
}

// Reply makes a ReplyBody.
func Reply(html string) *ReplyBody { return &ReplyBody{Message: &html} }

// OofSettings is somebody's out-of-office setting. State is Disabled, Enabled or Scheduled;
// ExternalAudience None, Known or All.
type OofSettings struct {
	State            string     `ews:"t:OofState,always"`
	ExternalAudience string     `ews:"t:ExternalAudience,always"`
	Duration         *Window    `ews:"t:Duration"`
	InternalReply    *ReplyBody `ews:"t:InternalReply"`
	ExternalReply    *ReplyBody `ews:"t:ExternalReply"`
}

// GetUserOofSettings asks for a mailbox's out-of-office setting.
type GetUserOofSettings struct {
	Mailbox EmailAddress `ews:"t:Mailbox,always"`
}

// GetUserOofSettingsResponse is the setting.
type GetUserOofSettingsResponse struct {
	Message          ResponseMessage `ews:"m:ResponseMessage,always"`
	Settings         *OofSettings    `ews:"t:OofSettings"`
	AllowExternalOof string          `ews:"m:AllowExternalOof"`
}

// SetUserOofSettings changes a mailbox's out-of-office setting.
type SetUserOofSettings struct {
	Mailbox  EmailAddress `ews:"t:Mailbox,always"`
	Settings OofSettings  `ews:"t:UserOofSettings,always"`
}

// SetUserOofSettingsResponse tells whether it was changed.
type SetUserOofSettingsResponse struct {
	Message ResponseMessage `ews:"m:ResponseMessage,always"`
}

// GetMailTips asks what a sender should know of the recipients before writing. Requested is All,
// OutOfOfficeMessage, MailboxFullStatus, CustomMailTip, ExternalMemberCount, TotalMemberCount,
// MaxMessageSize, DeliveryRestriction, ModerationStatus or InvalidRecipient.
type GetMailTips struct {
	SendingAs  Mailbox   `ews:"m:SendingAs,always"`
	Recipients []Mailbox `ews:"m:Recipients>t:Mailbox,always"`
	Requested  []string  `ews:"m:MailTipsRequested,always,list"`
}

// OutOfOfficeTip is a recipient's automatic reply as the asker would get it.
type OutOfOfficeTip struct {
	Reply    *ReplyBody `ews:"t:ReplyBody"`
	Duration *Window    `ews:"t:Duration"`
}

// MailTips is what is to be known of one recipient.
type MailTips struct {
	Recipient           Mailbox         `ews:"t:RecipientAddress,always"`
	Pending             []string        `ews:"t:PendingMailTips,always,list"`
	OutOfOffice         *OutOfOfficeTip `ews:"t:OutOfOffice"`
	MailboxFull         *bool           `ews:"t:MailboxFull"`
	CustomMailTip       string          `ews:"t:CustomMailTip"`
	TotalMemberCount    *int            `ews:"t:TotalMemberCount"`
	ExternalMemberCount *int            `ews:"t:ExternalMemberCount"`
	MaxMessageSize      *int            `ews:"t:MaxMessageSize"`
	DeliveryRestricted  *bool           `ews:"t:DeliveryRestricted"`
	IsModerated         *bool           `ews:"t:IsModerated"`
	InvalidRecipient    *bool           `ews:"t:InvalidRecipient"`
}

// MailTipsMessage is the answer about one recipient.
type MailTipsMessage struct {
	ResponseMessage
	Tips *MailTips `ews:"m:MailTips"`
}

// GetMailTipsResponse has one message for each recipient.
type GetMailTipsResponse struct {
	ResponseMessage
	Messages []MailTipsMessage `ews:"m:ResponseMessages>m:MailTipsResponseMessageType"`
}
