package soap

import (
	"time"

	"portico/app/portal"
)

// The one table from response codes to what they mean for the portal and whether the request may
// be repeated.

// retryRule says which requests may be sent again after a refusal.
type retryRule int

const (
	never     retryRule = iota
	readsOnly           // the server may have begun: what only reads may be repeated
	refused             // the server asked for a pause before it began: everything may be repeated after it
	unreached           // the server was never reached: everything may be repeated
)

type treatment struct {
	meaning error
	retry   retryRule
}

// maxBackOff is the longest wait that a server can ask for.
const maxBackOff = 30 * time.Minute

// treat is the table. A code that is not listed is a request that the server finds fault with.
func treat(code string) treatment {
	switch code {
	case "NoError":
		return treatment{}

	// Refused before it was begun: wait and send again.
	case "ErrorServerBusy", "ErrorExceededConnectionCount", "ErrorTooManyObjectsOpened", "ErrorInsufficientResources":
		return treatment{portal.ErrUnavailable, refused}

	// Failed on the way: whether it was done is not known.
	case "ErrorInternalServerError", "ErrorInternalServerTransientError", "ErrorMailboxStoreUnavailable",
		"ErrorMailboxMoveInProgress", "ErrorMailboxFailover", "ErrorTimeoutExpired", "ErrorConnectionFailed",
		"ErrorADUnavailable", "ErrorADOperation", "ErrorServiceUnavailable",
		"ErrorBatchProcessingStopped", "ErrorNoRespondingCASInDestinationSite", "ErrorProxyCallFailed",
		"ErrorProxiedSubscriptionCallFailure", "ErrorProxyServiceDiscoveryFailed", "ErrorClientDisconnected",
		"ErrorFreeBusyGenerationFailed", "ErrorMeetingSuggestionGenerationFailed", "ErrorNotEnoughMemory",
		"ErrorCrossSiteRequest", "ErrorRequestAborted",
		"ErrorNoApplicableProxyCASServersAvailable", "ErrorMailboxLogonFailed", "ErrorProxyRequestProcessingFailed",
		"ErrorProxySoapException", "ErrorServiceDiscoveryFailed", "ErrorAvailabilityConfigNotFound", "ErrorLogonAsNetworkServiceFailed":
		return treatment{portal.ErrUnavailable, readsOnly}

	// Not there.
	case "ErrorItemNotFound", "ErrorFolderNotFound", "ErrorNonExistentMailbox", "ErrorNameResolutionNoResults",
		"ErrorNameResolutionNoMailbox", "ErrorMailRecipientNotFound", "ErrorRecipientNotFound", "ErrorCannotFindUser",
		"ErrorCalendarOccurrenceIsDeletedFromRecurrence", "ErrorCalendarOccurrenceIndexIsOutOfRecurrenceRange",
		"ErrorSubscriptionNotFound", "ErrorExpiredSubscription", "ErrorSyncFolderNotFound", "ErrorParentFolderNotFound",
		"ErrorToFolderNotFound", "ErrorSavedItemFolderNotFound", "ErrorManagedFolderNotFound", "ErrorDelegateNoUser",
		"ErrorDelegateMissingConfiguration", "ErrorInvalidAttachmentId", "ErrorEventNotFound",
		"ErrorCalendarCannotUpdateDeletedItem":
		return treatment{portal.ErrNotFound, never}

	// Somebody else was quicker, or the state known here is an old one.
	case "ErrorIrresolvableConflict", "ErrorStaleObject", "ErrorInvalidChangeKey", "ErrorChangeKeyRequired",
		"ErrorChangeKeyRequiredForWriteOperations", "ErrorFolderExists", "ErrorObjectTypeChanged",
		"ErrorCalendarMeetingRequestIsOutOfDate", "ErrorInvalidSyncStateData", "ErrorInvalidWatermark",
		"ErrorMissedNotificationEvents", "ErrorReadEventsFailed", "ErrorInvalidSubscription",
		"ErrorNewEventStreamConnectionOpened", "ErrorSubscriptionUnsubscribed",
		"ErrorCalendarIsCancelledForAccept", "ErrorCalendarIsCancelledForDecline", "ErrorCalendarIsCancelledForTentative",
		"ErrorCalendarIsCancelledForRemove", "ErrorDelegateAlreadyExists":
		return treatment{portal.ErrConflict, never}

	// No right to it, or no room for it.
	case "ErrorAccessDenied", "ErrorCreateItemAccessDenied", "ErrorCreateSubfolderAccessDenied", "ErrorImpersonateUserDenied",
		"ErrorImpersonationDenied", "ErrorImpersonationFailed", "ErrorNoFreeBusyAccess", "ErrorSubscriptionAccessDenied",
		"ErrorSubscriptionDelegateAccessNotSupported", "ErrorAccountDisabled", "ErrorSendAsDenied", "ErrorNotDelegate",
		"ErrorCalendarIsNotOrganizer", "ErrorCalendarIsDelegatedForAccept", "ErrorCalendarIsDelegatedForDecline",
		"ErrorCalendarIsDelegatedForTentative", "ErrorCalendarIsDelegatedForRemove", "ErrorCalendarIsGroupMailboxForAccept", "ErrorCalendarIsGroupMailboxForDecline",
		"ErrorCalendarIsGroupMailboxForTentative", "ErrorQuotaExceeded", "ErrorQuotaExceededOnDelete", "ErrorSubmissionQuotaExceeded",
		"ErrorMessagePerFolderCountReceiveQuotaExceeded", "ErrorAccessDeniedDueToCompliance",
		"ErrorCallerIsInvalidADAccount", "ErrorCannotDeleteObject", "ErrorDeleteDistinguishedFolder",
		"ErrorPublicFolderSyncException", "ErrorUserNotAllowedByPolicy",
		"ErrorProxyRequestNotAllowed", "ErrorMailTipsDisabled":
		return treatment{portal.ErrForbidden, never}

	// Not signed in.
	case "ErrorTokenSerializationDenied", "ErrorPasswordExpired", "ErrorPasswordChangeRequired",
		"ErrorInvalidClientSecurityContext", "ErrorInvalidCrossForestCredentials", "ErrorInvalidAuthorizationContext",
		"ErrorProxyTokenExpired", "ErrorUnauthorizedClientAccessTokenRequest", "ErrorInvalidLogonType":
		return treatment{portal.ErrUnauthenticated, never}

	// Too much at once.
	case "ErrorExceededFindCountLimit", "ErrorExceededSubscriptionCount", "ErrorFreeBusyDLLimitReached",
		"ErrorMailboxDataArrayTooBig", "ErrorExceededMessageLimit", "ErrorIndividualMailboxLimitReached":
		return treatment{portal.ErrTooMany, never}
	}
	// Among them what waiting does not mend: ErrorExceededMaxRecipientLimit, too many people invited at once.
	return treatment{portal.ErrInvalid, never}
}
