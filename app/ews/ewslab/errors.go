package ewslab

// The two ways in which an operation fails: as a whole (fault) and for one thing that was asked (failure).

import (
	"errors"
	"fmt"
)

// Response codes that the core uses in more than one place; the names are the schema's.
const (
	errorSchemaValidation = "ErrorSchemaValidation"
	errorInvalidRequest   = "ErrorInvalidRequest"
	errorItemNotFound     = "ErrorItemNotFound"
	errorFolderNotFound   = "ErrorFolderNotFound"
	errorIDMalformed      = "ErrorInvalidIdMalformed"
	errorAccessDenied     = "ErrorAccessDenied"
	errorInternal         = "ErrorInternalServerError"
)

// fault ends the whole request.
type fault struct {
	Code   string
	Text   string
	Values []attr // names and values of t:MessageXml, as BackOffMilliseconds
}

func (f *fault) Error() string { return f.Code + ": " + f.Text }

// faultf makes a fault.
func faultf(code, format string, args ...any) error {
	return &fault{Code: code, Text: fmt.Sprintf(format, args...)}
}

// invalid is the fault for what the schema forbids.
func invalid(format string, args ...any) error {
	return faultf(errorSchemaValidation, "The request failed schema validation: "+format, args...)
}

// failure belongs to one response message.
type failure struct {
	Code    string
	Text    string
	Warning bool
	Values  []attr
}

func (f *failure) Error() string { return f.Code + ": " + f.Text }

// fail makes a failure; without a text the code's usual one is taken.
func fail(code string, text ...string) error {
	f := &failure{Code: code}
	if len(text) > 0 {
		f.Text = text[0]
	} else {
		f.Text = usualText(code)
	}
	return f
}

// isCode says whether err is a failure of this code.
func isCode(err error, code string) bool {
	var f *failure
	return errors.As(err, &f) && f.Code == code
}

// usualText is what Exchange says with a code.
func usualText(code string) string {
	switch code {
	case errorItemNotFound:
		return "The specified object was not found in the store."
	case errorFolderNotFound:
		return "The specified folder could not be found in the store."
	case errorIDMalformed:
		return "Id is malformed."
	case errorAccessDenied:
		return "Access is denied. Check credentials and try again."
	case "ErrorInvalidChangeKey":
		return "The change key is invalid."
	case "ErrorChangeKeyRequired", "ErrorChangeKeyRequiredForWriteOperations":
		return "A change key is required for this operation."
	case "ErrorIrresolvableConflict":
		return "The send or update operation could not be performed because the change key passed in the request does not match the current change key for the item."
	case "ErrorStaleObject":
		return "The change key passed in the request does not match the current change key for the item."
	case "ErrorSendMeetingInvitationsRequired":
		return "The SendMeetingInvitations attribute is required for calendar items."
	case "ErrorSendMeetingInvitationsOrCancellationsRequired":
		return "The SendMeetingInvitationsOrCancellations attribute is required for calendar items."
	case "ErrorSendMeetingCancellationsRequired":
		return "The SendMeetingCancellations attribute is required for calendar items."
	case "ErrorAffectedTaskOccurrencesRequired":
		return "The AffectedTaskOccurrences attribute is required for tasks."
	case "ErrorNonExistentMailbox":
		return "The SMTP address has no mailbox associated with it."
	case "ErrorFolderExists":
		return "A folder with the specified name already exists."
	case "ErrorInvalidSyncStateData":
		return "The synchronization state data is corrupt or otherwise invalid."
	case "ErrorCalendarOccurrenceIndexIsOutOfRecurrenceRange":
		return "Occurrence index is out of recurrence range."
	case "ErrorCalendarOccurrenceIsDeletedFromRecurrence":
		return "Occurrence with this index was previously deleted from the recurrence."
	case "ErrorRecurrenceHasNoOccurrence":
		return "The recurrence has no occurrences."
	case "ErrorCalendarEndDateIsEarlierThanStartDate":
		return "EndDate is earlier than StartDate."
	case "ErrorCalendarInvalidRecurrence":
		return "The recurrence is invalid."
	case "ErrorInvalidPropertySet":
		return "Set action is invalid for property."
	case "ErrorIncorrectUpdatePropertyCount":
		return "An object within a change description must contain one and only one property to modify."
	case "ErrorAttachmentSizeLimitExceeded":
		return "The size of the attachment exceeds the limit."
	case "ErrorInvalidAttachmentId":
		return "Invalid attachment id."
	case errorInternal:
		return "An internal server error occurred. The operation failed."
	}
	return code
}
