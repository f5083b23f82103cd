package views

import "portico/app/portal"

// noticeText is what happened to an appointment, and to which.
func (r Reader) noticeText(e portal.NoticeEvent, by portal.Person) string {
	key := "notice." + e.Kind
	if by.URI == "" {
		key += "-by-nobody"
	}
	return r.Text(key, "Who", name(by), "What", r.subject(portal.Appointment{Subject: e.Subject}))
}

// noticeWhen is when it takes place, or would have.
func (r Reader) noticeWhen(e portal.NoticeEvent) string {
	return r.whenText(portal.Appointment{Start: e.Start, End: e.End, AllDay: e.AllDay})
}
