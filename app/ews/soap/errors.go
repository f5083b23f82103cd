package soap

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// ErrSilent is the end of a stream on which nothing came for several keep-alive intervals though
// it was not closed: what happened meanwhile has to be fetched by synchronising.
var ErrSilent = errors.New("the stream went silent")

// ResponseError is a refusal by the server: of a whole request (a fault, an HTTP status) or of
// one item of it (a response message). errors.Is finds the portal meaning of its code.
type ResponseError struct {
	// Operation is what was asked for, "" for a response message on its own.
	Operation string
	// Status is the HTTP status of a refused request, 0 where that was 200.
	Status int
	// Code is the response code ("ErrorItemNotFound"), "" where the server gave none.
	Code string
	// Text is the server's own words, for the log.
	Text string
	// BackOff is how long the server asks to wait.
	BackOff time.Duration
	// Values are further details by name (BackOffMilliseconds, InnerErrorResponseCode,
	// InnerErrorMessageText; the FieldURI that a property error is about).
	Values map[string]string

	meaning error
	retry   retryRule
	cause   error
	parts   bool // of some parts of a response only, which the caller may see
}

// Error is the operator's text: operation, status, code and words of the server.
func (e *ResponseError) Error() string {
	var b strings.Builder
	b.WriteString("exchange")
	if e.Operation != "" {
		b.WriteString(" " + e.Operation)
	}
	if e.Status != 0 {
		fmt.Fprintf(&b, ": HTTP %d", e.Status)
	}
	if e.Code != "" {
		b.WriteString(": " + e.Code)
	}
	if e.Text != "" {
		b.WriteString(": " + e.Text)
	}
	if e.BackOff > 0 {
		fmt.Fprintf(&b, " (wait %s)", e.BackOff)
	}
	if e.cause != nil {
		b.WriteString(": " + e.cause.Error())
	}
	return b.String()
}

// Unwrap gives the meaning and the cause to errors.Is and errors.As.
func (e *ResponseError) Unwrap() []error {
	out := make([]error, 0, 2)
	if e.meaning != nil {
		out = append(out, e.meaning)
	}
	if e.cause != nil {
		out = append(out, e.cause)
	}
	return out
}

// Code gives the response code in err, "" where there is none.
func Code(err error) string {
	var e *ResponseError
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// BackOff gives how long the server in err asks to wait, 0 where it does not.
func BackOff(err error) time.Duration {
	var e *ResponseError
	if errors.As(err, &e) {
		return e.BackOff
	}
	return 0
}

// Unreached tells whether err says that there was no connection to the server at all.
func Unreached(err error) bool {
	var e *ResponseError
	return errors.As(err, &e) && e.retry == unreached
}

// Unsupported tells whether err says that the server does not know the operation at all, so that
// the caller should do without it. A bare HTTP 500 counts, since that is how some servers answer
// what they do not know: ask again some other time.
func Unsupported(err error) bool {
	var e *ResponseError
	if !errors.As(err, &e) {
		return false
	}
	switch e.Code {
	case "ErrorInvalidOperation", "ErrorInvalidRequest", "ErrorSchemaValidation", "ErrorInvalidSchemaVersionForMailboxVersion":
		return true
	case "":
		return e.Status == 500 || e.Status == 501 || e.Status == 400 || e.Status == 405 || e.Status == 404
	}
	return false
}

// SubscriptionLost tells whether err says that a subscription is gone for good: make a new one
// without the old watermark and synchronise.
func SubscriptionLost(err error) bool {
	switch Code(err) {
	case "ErrorSubscriptionNotFound", "ErrorExpiredSubscription", "ErrorInvalidSubscription", "ErrorInvalidWatermark",
		"ErrorMissedNotificationEvents", "ErrorReadEventsFailed", "ErrorSubscriptionAccessDenied",
		"ErrorSubscriptionDelegateAccessNotSupported", "ErrorInvalidSubscriptionRequest", "ErrorProxyRequestNotAllowed",
		"ErrorNewEventStreamConnectionOpened", "ErrorSubscriptionUnsubscribed":
		return true
	}
	return false
}

// SyncStateLost tells whether err says that a sync state is of no use any more: start again
// without one.
func SyncStateLost(err error) bool {
	return Code(err) == "ErrorInvalidSyncStateData"
}

// SubscriptionsError names the subscriptions of a stream that the server no longer knows.
type SubscriptionsError struct {
	IDs []string
	Err error
}

// Error is the operator's text.
func (e *SubscriptionsError) Error() string {
	return fmt.Sprintf("%d subscriptions are lost: %v", len(e.IDs), e.Err)
}

// Unwrap gives the refusal itself.
func (e *SubscriptionsError) Unwrap() error { return e.Err }
