package ewslab

// Extended properties that show what fields hold.

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// globalID is the meeting's identifier as mail programs keep it (MS-OXOCAL 2.2.1.27) for a UID.
func globalID(uid string) []byte {
	if raw, err := hex.DecodeString(uid); err == nil && strings.HasPrefix(strings.ToUpper(uid), "040000008200E00074C5B7101A82E008") {
		return raw
	}
	raw := []byte{4, 0, 0, 0, 0x82, 0, 0xe0, 0, 0x74, 0xc5, 0xb7, 0x10, 0x1a, 0x82, 0xe0, 0x08}
	raw = append(raw, make([]byte, 20)...)
	data := append([]byte("vCal-Uid\x01\x00\x00\x00"), append([]byte(uid), 0)...)
	return append(binary.LittleEndian.AppendUint32(raw, uint32(len(data))), data...)
}

// mirror is an extended property that shows a field.
type mirror struct {
	key   extKey
	value func(*item) string
}

// mirrors are the extended properties that clients read though nobody set them.
var mirrors = sync.OnceValue(func() []mirror {
	flag := func(b bool) string { return strconv.FormatBool(b) }
	text := func(name string) func(*item) string { return func(i *item) string { return i.text(name) } }
	when := func(name string) func(*item) string {
		return func(i *item) string {
			if at := i.time(name); !at.IsZero() {
				return stamp(at)
			}
			return ""
		}
	}
	meeting := func(i *item) string {
		if i.Elem != "CalendarItem" && !isMeetingMessage(i.Elem) {
			return ""
		}
		return base64.StdEncoding.EncodeToString(globalID(i.text("UID")))
	}
	return []mirror{
		{tagged(0x001a, "String"), (*item).class},
		{tagged(0x0037, "String"), text("Subject")},
		{tagged(0x0039, "SystemTime"), when("DateTimeSent")},
		{tagged(0x0042, "String"), func(i *item) string { return i.get("From").text("Mailbox", "Name") }},
		{tagged(0x0e1d, "String"), func(i *item) string { return topic(i.text("Subject")) }},
		{tagged(0x0e08, "Integer"), func(i *item) string { return strconv.Itoa(i.Size) }},
		{tagged(0x0e07, "Integer"), func(i *item) string { return strconv.Itoa(i.messageFlags()) }},
		{tagged(0x0e06, "SystemTime"), func(i *item) string { return stamp(i.Received) }},
		{tagged(0x0e23, "Integer"), func(i *item) string { return strconv.FormatInt(max(i.ID, i.Master), 10) }},
		{tagged(0x3007, "SystemTime"), func(i *item) string { return stamp(i.Created) }},
		{tagged(0x3008, "SystemTime"), func(i *item) string { return stamp(i.Modified) }},
		{tagged(0x1035, "String"), text("InternetMessageId")},
		{tagged(0x10f3, "String"), func(i *item) string { return strconv.FormatInt(max(i.ID, i.Master), 10) + ".EML" }},
		{tagged(0x1000, "String"), (*item).plainBody},
		{named("Appointment", 0x8205, "Integer"), func(i *item) string { return strconv.Itoa(busyNumber(i.text("LegacyFreeBusyStatus"))) }},
		{named("Appointment", 0x8208, "String"), text("Location")},
		{named("Appointment", 0x820d, "SystemTime"), when("Start")},
		{named("Appointment", 0x820e, "SystemTime"), when("End")},
		{named("Appointment", 0x8215, "Boolean"), func(i *item) string { return flag(i.flag("IsAllDayEvent")) }},
		{named("Appointment", 0x8217, "Integer"), func(i *item) string { return strconv.Itoa(i.state()) }},
		{named("Appointment", 0x8223, "Boolean"), func(i *item) string { return flag(i.isSeries()) }},
		{named("Common", 0x8503, "Boolean"), func(i *item) string { return flag(i.flag("ReminderIsSet")) }},
		{named("Common", 0x8506, "Boolean"), func(i *item) string { return flag(i.text("Sensitivity") == "Private") }},
		{named("Meeting", 3, "Binary"), meeting},
		{named("Meeting", 35, "Binary"), meeting},
		{extKey{propertySet("PublicStrings"), "name:urn:schemas:calendar:instancetype", "Integer"}, func(i *item) string {
			return map[string]string{"Single": "0", "RecurringMaster": "1", "Occurrence": "2", "Exception": "3"}[i.calendarType()]
		}},
	}
})

// mirrored says whether a property shows a field where nobody set it.
func (k extKey) mirrored() bool {
	return slices.ContainsFunc(mirrors(), func(m mirror) bool { return m.key.same(k) })
}

// extendedValue is an extended property that was asked for, nil when there is none.
func (i *item) extendedValue(want path) *node {
	if e := i.Props.extended(want.Ext); e != nil {
		return t("ExtendedProperty", want.node.copy().inTypes(), valueNodes(e))
	}
	for _, m := range mirrors() {
		if m.key.same(want.Ext) {
			if v := m.value(i); v != "" {
				return t("ExtendedProperty", want.node.copy().inTypes(), t("Value", v))
			}
		}
	}
	return nil
}

func valueNodes(e *node) []*node {
	if v := e.kid("Values"); v != nil {
		return []*node{v}
	}
	return []*node{t("Value", e.text("Value"))}
}

// messageFlags are PidTagMessageFlags: 1 read, 8 unsent, 16 with attachments is left out.
func (i *item) messageFlags() int {
	n := 0
	if i.Read {
		n |= 1
	}
	if i.Draft {
		n |= 8
	}
	return n
}

func busyNumber(s string) int {
	switch s {
	case "Free":
		return 0
	case "Tentative":
		return 1
	case "OOF":
		return 3
	case "WorkingElsewhere":
		return 4
	}
	return 2
}
