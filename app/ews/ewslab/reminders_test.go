package ewslab

import (
	"strings"
	"testing"
	"time"
)

func TestReminders(t *testing.T) {
	l := example(t)
	alice := l.as("alice")
	reminded := func(subject, start string, minutes string) ref {
		at, err := time.Parse(time.RFC3339, start)
		if err != nil {
			t.Fatal(err)
		}
		return alice.create(`<t:Subject>` + subject + `</t:Subject><t:ReminderIsSet>true</t:ReminderIsSet><t:ReminderMinutesBeforeStart>` + minutes + `</t:ReminderMinutesBeforeStart><t:Start>` + start +
			`</t:Start><t:End>` + stamp(at.Add(30*time.Minute)) + `</t:End>`)
	}
	soon := reminded("Soon", "2026-03-02T09:00:00Z", "15")
	reminded("Past", "2026-03-02T06:00:00Z", "10")
	reminded("Next week", "2026-03-09T09:00:00Z", "15")
	alice.create(`<t:Subject>Quiet</t:Subject><t:ReminderIsSet>false</t:ReminderIsSet><t:Start>2026-03-02T09:00:00Z</t:Start><t:End>2026-03-02T10:00:00Z</t:End>`)
	alice.create(`<t:Subject>Daily</t:Subject><t:ReminderIsSet>true</t:ReminderIsSet><t:ReminderMinutesBeforeStart>5</t:ReminderMinutesBeforeStart><t:Start>2026-03-01T10:00:00Z</t:Start><t:End>2026-03-01T10:30:00Z</t:End>` +
		`<t:Recurrence><t:DailyRecurrence><t:Interval>1</t:Interval></t:DailyRecurrence><t:NumberedRecurrence><t:StartDate>2026-03-01</t:StartDate><t:NumberOfOccurrences>3</t:NumberOfOccurrences></t:NumberedRecurrence></t:Recurrence>`)
	list := func(more string) (out []*node) {
		return alice.do(`<m:GetReminders>` + more + `</m:GetReminders>`).kid("Reminders").kids()
	}
	names := func(more string) string {
		var out []string
		for _, r := range list(more) {
			out = append(out, r.text("ReminderTime")[8:16]+" "+r.text("Subject"))
		}
		return strings.Join(out, ", ")
	}
	const day = `<m:BeginTime>2026-03-02T00:00:00Z</m:BeginTime><m:EndTime>2026-03-02T23:00:00Z</m:EndTime>`
	equal(t, names(day), "02T05:50 Past, 02T08:45 Soon, 02T09:55 Daily")
	equal(t, names(day+`<m:MaxItems>1</m:MaxItems>`), "02T05:50 Past")
	equal(t, names(day+`<m:ReminderType>Current</m:ReminderType>`), "02T08:45 Soon, 02T09:55 Daily")
	equal(t, names(day+`<m:ReminderType>Old</m:ReminderType>`), "02T05:50 Past")

	act := func(action string, of *node, more string) string {
		return `<m:PerformReminderAction><m:ReminderItemActions><t:ReminderItemAction><t:ActionType>` + action + `</t:ActionType>` + refOf(of.kid("ItemId")).item() + more + `</t:ReminderItemAction></m:ReminderItemActions></m:PerformReminderAction>`
	}
	today := list(day)
	equal(t, alice.do(act("Snooze", today[1], `<t:NewReminderTime>2026-03-02T11:00:00Z</t:NewReminderTime>`)).kid("UpdatedItemIds", "ItemId").attr("Id"), soon.ID)
	alice.do(act("Dismiss", today[2], ""))
	equal(t, names(day), "02T05:50 Past, 02T11:00 Soon")
	// Another occurrence of the series is not dismissed with it.
	equal(t, names(`<m:BeginTime>2026-03-03T00:00:00Z</m:BeginTime><m:EndTime>2026-03-03T23:00:00Z</m:EndTime>`), "03T09:55 Daily")
	equal(t, alice.refused(act("Snooze", today[1], `<t:NewReminderTime>soon</t:NewReminderTime>`)), "ErrorSchemaValidation")
	equal(t, l.as("bob").refused(act("Dismiss", today[1], "")), "ErrorAccessDenied")
}
