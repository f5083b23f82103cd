package ewslab

// The properties of every kind of item in schema order, and what is known of each.

import (
	"strings"
	"sync"
)

// Marks behind a property's name: - read-only; ! left out by FindItem and SyncFolderItems; ? only when asked for by name; + in the Default shape;
// @ a time.
const (
	itemProps = "MimeContent? ItemId-+ ParentFolderId- ItemClass Subject+ Sensitivity+ Body!+ Attachments!-+ DateTimeReceived-@ Size-+ Categories " +
		"Importance InReplyTo IsSubmitted-+ IsDraft-+ IsFromMe-+ IsResend-+ IsUnmodified-+ InternetMessageHeaders! DateTimeSent-@+ DateTimeCreated-@+ " +
		"ResponseObjects!-+ ReminderDueBy@ ReminderIsSet+ ReminderNextTime-@ ReminderMinutesBeforeStart DisplayCc- DisplayTo- DisplayBcc- HasAttachments-+ " +
		"ExtendedProperty Culture EffectiveRights- LastModifiedName- LastModifiedTime-@ IsAssociated- WebClientReadFormQueryString-? " +
		"WebClientEditFormQueryString-? ConversationId- UniqueBody?- Flag StoreEntryId?- InstanceKey?- NormalizedBody?- EntityExtractionResult?- PolicyTag? " +
		"ArchiveTag? RetentionDate?- Preview?- RightsManagementLicenseData?- IsClutter?- BlockStatus?- HasBlockedImages?- TextBody?- IconIndex?- SearchKey?- SortKey?- "
	messageProps = "Sender+ ToRecipients!+ CcRecipients!+ BccRecipients!+ IsReadReceiptRequested+ IsDeliveryReceiptRequested+ ConversationIndex ConversationTopic- " +
		"From+ InternetMessageId+ IsRead+ IsResponseRequested+ References+ ReplyTo! ReceivedBy- ReceivedRepresenting- "
	meetingProps = "AssociatedCalendarItemId-+ IsDelegated-+ IsOutOfDate-+ HasBeenProcessed-+ ResponseType-+ UID-+ RecurrenceId-@ DateTimeStamp-@ IsOrganizer- "
	// calendarCore is what appointments and meeting requests share, up to the conference.
	calendarCore = "Start@+ End@+ OriginalStart-@ IsAllDayEvent+ LegacyFreeBusyStatus+ Location+ When IsMeeting-+ IsCancelled-+ IsRecurring-+ " +
		"MeetingRequestWasSent-+ IsResponseRequested+ CalendarItemType-+ MyResponseType-+ Organizer-+ RequiredAttendees!+ OptionalAttendees!+ Resources!+ " +
		"ConflictingMeetingCount?- AdjacentMeetingCount?- ConflictingMeetings?- AdjacentMeetings?- Duration-+ TimeZone-+ AppointmentReplyTime-@ " +
		"AppointmentSequenceNumber-+ AppointmentState-+ Recurrence!+ FirstOccurrence!-+ LastOccurrence!-+ ModifiedOccurrences!-+ DeletedOccurrences!-+ " +
		"MeetingTimeZone! StartTimeZone EndTimeZone ConferenceType AllowNewTimeProposal IsOnlineMeeting MeetingWorkspaceUrl NetShowUrl EnhancedLocation!? "
	calendarProps = "UID+ RecurrenceId-@ DateTimeStamp-@ " + calendarCore + "StartWallClock-?@ EndWallClock-?@ StartTimeZoneId-? EndTimeZoneId-? " +
		"IntendedFreeBusyStatus-? JoinOnlineMeetingUrl-? OnlineMeetingSettings?- IsOrganizer- CalendarActivityData?- DoNotForwardMeeting? "
	contactProps = "FileAs+ FileAsMapping+ DisplayName+ GivenName Initials MiddleName Nickname CompleteName-+ CompanyName+ EmailAddresses+ PhysicalAddresses+ " +
		"PhoneNumbers+ AssistantName Birthday@ BusinessHomePage Children Companies ContactSource- Department Generation ImAddresses+ JobTitle+ Manager Mileage " +
		"OfficeLocation PostalAddressIndex Profession SpouseName Surname WeddingAnniversary@ HasPicture- PhoneticFullName?- PhoneticFirstName? PhoneticLastName? Alias?- Notes?- Photo?- " +
		"UserSMIMECertificate?- MSExchangeCertificate?- DirectoryId?- ManagerMailbox?- DirectReports?- "
	taskProps = "ActualWork AssignedTime-@ BillingInformation ChangeCount- Companies CompleteDate@ Contacts DelegationState- Delegator- DueDate@+ " +
		"IsAssignmentEditable- IsComplete- IsRecurring- IsTeamTask- Mileage Owner- PercentComplete+ Recurrence! StartDate@+ Status+ StatusDescription- TotalWork "
	listProps = "DisplayName+ FileAs ContactSource- Members!+ "
	postProps = "ConversationIndex ConversationTopic- From+ InternetMessageId+ IsRead+ PostedTime-@ References Sender "

	requestProps  = "MeetingRequestType-+ IntendedFreeBusyStatus-+ " + calendarCore
	responseProps = "Start-@ End-@ Location- Recurrence-! CalendarItemType- ProposedStart-@ ProposedEnd-@ "
	cancelProps   = "Start-@ End-@ Location- Recurrence-! CalendarItemType- "
)

// silentFields are fields that the schema names and the lab does not keep: asking for one answers nothing.
const silentFields = "PredictedActionReasons MimeContentUTF8 Mentions MentionedMe MentionsPreview MentionsEx Hashtags AppliedHashtags AppliedHashtagsPreview Likes " +
	"LikesPreview PendingSocialActivityTagIds AtAllMention CanDelete InferenceClassification FirstBody ApprovalRequestData VotingInformation " +
	"ReminderMessageData PublishedCalendarItemIcs PublishedCalendarItemName MessageSafety ChangeHighlights InboxReminders AbchEmailAddresses " +
	"AccountName IsAutoUpdateDisabled IsMessengerEnabled Comment ContactShortId ContactType CreatedBy Gender IsHidden ObjectId PassportId " +
	"IsPrivate SourceId TrustLevel Urls Cid SkypeAuthCertificate SkypeContext SkypeId XboxLiveTag SkypeRelationship YomiNickname InviteFree " +
	"HidePresenceAndProfile IsPendingOutbound SupportGroupFeeds UserTileHash UnifiedInbox Mris Wlid AbchContactId NotInBirthdayCalendar " +
	"ShellContactType ImMri PresenceTrustLevel OtherMri ProfileLastChanged MobileIMEnabled PartnerNetworkProfilePhotoUrl " +
	"PartnerNetworkThumbnailPhotoUrl PersonId ConversationGuid "

// prop is what is known of a property.
type prop struct {
	Name                                  string
	ReadOnly, NotInFind, OnAsk, Def, Time bool
	place                                 int
}

// kinds are the kinds of items with their properties; read once, never changed.
var kinds = sync.OnceValue(func() map[string]*kind {
	out := map[string]*kind{}
	for elem, list := range map[string]string{
		"Item": itemProps, "Message": itemProps + messageProps, "CalendarItem": itemProps + calendarProps, "Contact": itemProps + contactProps,
		"Task": itemProps + taskProps, "DistributionList": itemProps + listProps, "PostItem": itemProps + postProps,
		"MeetingMessage": itemProps + messageProps + meetingProps, "MeetingRequest": itemProps + messageProps + meetingProps + requestProps,
		"MeetingResponse": itemProps + messageProps + meetingProps + responseProps, "MeetingCancellation": itemProps + messageProps + meetingProps + cancelProps,
	} {
		k := &kind{byName: map[string]*prop{}}
		for i, word := range strings.Fields(list) {
			name := strings.TrimRight(word, "-!?+@")
			marks := word[len(name):]
			p := &prop{Name: name, ReadOnly: strings.Contains(marks, "-"), NotInFind: strings.Contains(marks, "!"), OnAsk: strings.Contains(marks, "?"),
				Def: strings.Contains(marks, "+"), Time: strings.Contains(marks, "@"), place: i}
			k.list = append(k.list, p)
			k.byName[name] = p
		}
		out[elem] = k
	}
	return out
})

// kind is a kind of item.
type kind struct {
	list   []*prop
	byName map[string]*prop
}

// kindOf returns the properties of an element; nil when it is no item.
func kindOf(elem string) *kind { return kinds()[elem] }

// knownProperties are the names that some kind of item has, or could have.
var knownProperties = sync.OnceValue(func() map[string]bool {
	known := map[string]bool{}
	for _, name := range strings.Fields(silentFields) {
		known[name] = true
	}
	for _, k := range kinds() {
		for name := range k.byName {
			known[name] = true
		}
	}
	return known
})

// elementForClass is the element that items of a class are answered as.
func elementForClass(class, otherwise string) string {
	c := strings.ToUpper(class)
	switch {
	case strings.HasPrefix(c, "IPM.APPOINTMENT"):
		return "CalendarItem"
	case strings.HasPrefix(c, "IPM.CONTACT"):
		return "Contact"
	case strings.HasPrefix(c, "IPM.TASK"):
		return "Task"
	case strings.HasPrefix(c, "IPM.DISTLIST"):
		return "DistributionList"
	case strings.HasPrefix(c, "IPM.SCHEDULE.MEETING.REQUEST"):
		return "MeetingRequest"
	case strings.HasPrefix(c, "IPM.SCHEDULE.MEETING.CANCELED"):
		return "MeetingCancellation"
	case strings.HasPrefix(c, "IPM.SCHEDULE.MEETING.RESP"):
		return "MeetingResponse"
	case strings.HasPrefix(c, "IPM.POST"):
		return "PostItem"
	case strings.HasPrefix(c, "IPM.NOTE"):
		return "Message"
	}
	return otherwise
}
