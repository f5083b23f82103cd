package views

import (
	"portico/app/portal"
	"portico/static"
)

// flag is value where on, else empty: a setting and what it needs in one attribute.
func flag(on bool, value string) string {
	if on {
		return value
	}
	return ""
}

// script is the page's script: some sections have more to do than others.
func (f Frame) script() string {
	switch f.Section {
	case Calendar:
		return static.CalendarScript
	case Rooms:
		return static.RoomsScript
	case Calls:
		return static.CallsScript
	case Diagnostics:
		return static.DiagnosticsScript
	}
	return static.Script
}

// showsCRM reports whether the page may show something of CRM, whose style the others do not carry.
func (f Frame) showsCRM() bool {
	return f.Section == CRM || f.Section == Admin || f.Section == Calendar
}

// showsPeople reports whether the page shows cards, privacy or places, whose style the others do not carry.
func (f Frame) showsPeople() bool {
	return f.Section == Contacts || f.Section == Chats || f.Section == Settings
}

// lineText says what is wrong with the person's line. The event's reason is the same in fewer words, except
// where it has a text of its own.
func (r Reader) lineText(l portal.LineEvent) string {
	if key := "error." + l.Reason; l.Reason == "line.resuming" && r.Has(key) {
		return r.Text(key)
	}
	if l.State == "refused" {
		return r.Text("line.refused")
	}
	return r.Text("line.down")
}

// scriptTexts are the texts that the page's script shows by itself.
func (r Reader) scriptTexts() map[string]string {
	texts := map[string]string{}
	for _, key := range []string{
		"cutoff", "offline", "ended", "queued", "again", "notify-ask", "storage", "unread-mark",
		"heard-many", "heard-elsewhere", "heard-many-elsewhere", "move-to", "move-keys", "move-left", "moved", "move-failed",
	} {
		texts[key] = r.Text("script."+key, "Number", "{n}", "Name", "{name}", "Text", "{text}")
	}
	return texts
}

// pageTexts are scriptTexts, with those of rooms on their pages. What is filled in by the script stands in braces.
func (f Frame) pageTexts() map[string]string {
	texts := f.scriptTexts()
	if f.Section == Contacts {
		texts["contact-moved"] = f.Text("script.contact-moved", "Name", "{name}", "Group", "{group}")
		texts["contact-move-failed"] = f.Text("script.contact-move-failed")
	}
	if f.Section != Rooms {
		return texts
	}
	for _, key := range []string{
		"cancel", "copied", "editing", "read-by", "read-none", "reply-to", "too-large", "typing", "typing-many", "upload-failed", "uploading",
	} {
		texts["room-"+key] = f.Text("script.room-"+key, "Name", "{name}", "Names", "{names}", "Limit", "{limit}")
	}
	return texts
}
