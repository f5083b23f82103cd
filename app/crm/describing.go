package crm

import (
	"strings"

	"portico/app/portal"
)

// Describe is an appointment's description as CRM systems have it: the first line is the subject, the rest the body.
func Describe(a *portal.Appointment) string {
	if a.Body == "" {
		return a.Subject
	}
	return a.Subject + "\n" + a.Body
}

// Undescribe parts a description into the subject (its first line) and the body (the rest).
func Undescribe(text string) (subject, body string) {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	subject, body, _ = strings.Cut(text, "\n")
	return strings.TrimSpace(subject), body
}
