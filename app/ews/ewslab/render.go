package ewslab

// Items as clients see them: what is stored and what is computed, in schema order.

import (
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
)

// renderer writes the items of one answer.
type renderer struct {
	x       *tx
	c       *call
	shape   shape
	private map[int64]bool    // by folder: whether the caller sees private items
	folders map[int64]*folder // by row
	files   map[int64]bool    // by row: which of the prepared items have attachments; nil: nothing is prepared
}

func (c *call) renderer(x *tx, s shape) *renderer {
	return &renderer{x: x, c: c, shape: s, private: map[int64]bool{}, folders: map[int64]*folder{}}
}

// prepare reads for many items at once what would be read for each.
func (r *renderer) prepare(items []*item) error {
	if p := kindOf("Item").byName["HasAttachments"]; len(items) < 2 || !r.shape.wants(p) {
		return nil
	}
	r.files = map[int64]bool{}
	var rows []any
	for _, i := range items {
		a, b := rowsOf(i)
		rows = append(rows, a, b)
	}
	for chunk := range slices.Chunk(rows, 900) { // parameters of one statement
		found, err := collect(r.x.Query(`SELECT DISTINCT item FROM attachments WHERE item IN (?`+strings.Repeat(",?", len(chunk)-1)+`)`, chunk...))
		if err != nil {
			return err
		}
		for _, row := range found {
			r.files[row] = true
		}
	}
	return nil
}

// hides says whether the details of an item are not for the caller.
func (r *renderer) hides(i *item) (bool, error) {
	if i.text("Sensitivity") != "Private" {
		return false, nil
	}
	sees, known := r.private[i.Folder]
	if !known {
		f, err := r.folder(i.Folder)
		if err != nil {
			return true, err
		}
		if sees, err = r.c.seesPrivate(r.x, f); err != nil {
			return true, err
		}
		r.private[i.Folder] = sees
	}
	return !sees, nil
}

func (r *renderer) folder(row int64) (*folder, error) {
	if f := r.folders[row]; f != nil {
		return f, nil
	}
	f, err := r.x.folder(row)
	if err == nil {
		r.folders[row] = f
	}
	return f, err
}

// shown is an item as the caller may see it: itself, or masked.
func (r *renderer) shown(i *item) (*item, bool, error) {
	hidden, err := r.hides(i)
	if hidden {
		i = masked(i)
	}
	return i, hidden, err
}

// masked is a private item as those see it who may not look into it.
func masked(i *item) *item {
	o := *i
	o.Props = &node{Space: "t", Name: i.Elem}
	for _, name := range []string{"Sensitivity", "Start", "End", "IsAllDayEvent", "LegacyFreeBusyStatus", "UID", "Recurrence", "StartTimeZone", "EndTimeZone"} {
		o.Props.add(i.get(name))
	}
	o.put("Subject", "Private Appointment")
	return &o
}

// item writes one item.
func (r *renderer) item(i *item) (*node, error) {
	i, hidden, err := r.shown(i)
	if err != nil {
		return nil, err
	}
	kind := kindOf(i.Elem)
	if kind == nil {
		return nil, fmt.Errorf("ewslab: an item of unknown kind %q", i.Elem)
	}
	out := &node{Space: "t", Name: i.Elem}
	for _, p := range kind.list {
		if p.Name == "ExtendedProperty" {
			for _, want := range r.shape.ext {
				out.add(i.extendedValue(want))
			}
			continue
		}
		if !r.shape.wants(p) {
			if keyed := r.keyed(i, p.Name); keyed != nil {
				out.add(keyed)
			}
			continue
		}
		if hidden && (p.Name == "Attachments" || p.Name == "HasAttachments" || p.Name == "MimeContent") {
			continue // they are not among the properties that were left out
		}
		nodes, err := r.property(i, p.Name)
		if err != nil {
			return nil, err
		}
		out.add(nodes...)
	}
	return out, nil
}

// keyed writes the entries of an indexed field that were asked for.
func (r *renderer) keyed(i *item, field string) *node {
	out := t(field)
	seen := map[*node]bool{}
	for _, p := range r.shape.wantsKeyed(field) {
		if e := i.Props.indexed(p); e != nil && !seen[e] {
			seen[e] = true
			out.add(e)
		}
	}
	if len(out.Kids) == 0 {
		return nil
	}
	return out
}

// property writes one property, nothing when the item has none.
func (r *renderer) property(i *item, name string) ([]*node, error) {
	if n, err := r.reading(i, name); n != nil || err != nil {
		return one(n), err
	}
	if n := r.common(i, name); n != nil {
		return one(n), nil
	}
	if i.Elem == "CalendarItem" {
		if n := i.calendarValue(name); n != nil {
			return one(n), nil
		}
	}
	if isMeetingMessage(i.Elem) && name == "IsOrganizer" && i.get(name) == nil {
		return one(t(name, false)), nil
	}
	if i.Elem == "Contact" || i.Elem == "Task" {
		if n := i.contactOrTask(name); n != nil {
			return one(n), nil
		}
	}
	if n := i.get(name); n != nil {
		if r.shape.find && (name == "Organizer" || name == "From" || name == "Sender") {
			return one(nameOnly(n)), nil
		}
		return one(n), nil
	}
	return nil, nil
}

func one(n *node) []*node {
	if n == nil {
		return nil
	}
	return []*node{n}
}

// nameOnly is a person as FindItem shows them.
func nameOnly(n *node) *node {
	who := n.text("Mailbox", "Name")
	if who == "" {
		who = n.text("Mailbox", "EmailAddress")
	}
	return t(n.Name, t("Mailbox", t("Name", who)))
}

// reading are the properties for which more has to be read from the store.
func (r *renderer) reading(i *item, name string) (*node, error) {
	switch name {
	case "ParentFolderId":
		f, err := r.folder(i.Folder)
		if err != nil {
			return nil, err
		}
		return f.node("ParentFolderId"), nil
	case "EffectiveRights":
		return r.rights(i)
	case "Attachments":
		return r.attachments(i)
	case "HasAttachments":
		if r.files != nil {
			a, b := rowsOf(i)
			return t(name, r.files[a] || r.files[b]), nil
		}
		has, err := r.x.hasAttachments(i)
		return t(name, has), err
	case "MimeContent":
		return r.mime(i)
	case "FirstOccurrence", "LastOccurrence", "ModifiedOccurrences", "DeletedOccurrences":
		if i.isSeries() {
			return r.occurrences(i, name)
		}
	}
	return nil, nil
}

// rights is what the caller may do with an item.
func (r *renderer) rights(i *item) (*node, error) {
	f, err := r.folder(i.Folder)
	if err != nil {
		return nil, err
	}
	return r.c.effectiveRights(r.x, f, true)
}

// common are the computed properties that every item has.
func (r *renderer) common(i *item, name string) *node {
	switch name {
	case "ItemId":
		return i.node("ItemId")
	case "ItemClass":
		return t(name, i.class())
	case "Sensitivity", "Importance":
		if i.get(name) == nil {
			return t(name, "Normal")
		}
	case "Body", "NormalizedBody", "UniqueBody", "TextBody":
		return r.body(i, name)
	case "Preview":
		return t(name, firstRunes(strings.Join(strings.Fields(i.plainBody()), " "), 255))
	case "DateTimeReceived":
		return t(name, i.Received)
	case "DateTimeSent":
		if i.get(name) == nil {
			return t(name, i.Created)
		}
	case "DateTimeCreated":
		return t(name, i.Created)
	case "LastModifiedTime":
		return t(name, i.Modified)
	case "LastModifiedName":
		return t(name, i.ModifiedBy)
	case "Size":
		return t(name, i.Size)
	case "IsDraft":
		return t(name, i.Draft)
	case "IsRead":
		return t(name, i.Read)
	case "IsSubmitted", "IsResend", "IsAssociated", "IsFromMe":
		return t(name, i.flag(name))
	case "IsUnmodified":
		return t(name, i.Created.Equal(i.Modified))
	case "ReminderIsSet":
		return t(name, i.flag(name))
	case "ReminderMinutesBeforeStart":
		if i.get(name) == nil {
			return t(name, 15)
		}
	case "ReminderDueBy":
		if i.get(name) == nil && i.Elem == "CalendarItem" && i.flag("ReminderIsSet") {
			return t(name, i.time("Start"))
		}
	case "DisplayTo", "DisplayCc", "DisplayBcc":
		return t(name, i.display(name))
	case "Culture":
		if i.get(name) == nil {
			return t(name, "en-US")
		}
	case "ResponseObjects":
		return i.responseObjects()
	case "ConversationId":
		return t(name, at("Id", i.conversation()))
	case "ConversationTopic":
		return t(name, topic(i.text("Subject")))
	case "IsReadReceiptRequested", "IsDeliveryReceiptRequested":
		return t(name, i.flag(name))
	case "StoreEntryId", "InstanceKey", "SearchKey":
		return t(name, base64.StdEncoding.EncodeToString([]byte(i.id())))
	}
	return nil
}

// body writes the body in the form that was asked for.
func (r *renderer) body(i *item, name string) *node {
	want := r.shape.body
	if name == "TextBody" {
		want = "Text"
	}
	have := i.get("Body")
	kind, text := have.attr("BodyType"), have.text()
	if kind == "" {
		kind = "Text"
	}
	switch {
	case want == "Text" && kind == "HTML":
		kind, text = "Text", textOfHTML(text)
	case want == "HTML" && kind == "Text":
		kind, text = "HTML", htmlOfText(text)
	}
	short := firstRunes(text, r.shape.limit)
	out := t(name, at("BodyType", kind), short)
	if len(short) < len(text) {
		out.setAttr("IsTruncated", "true")
	}
	return out
}

// plainBody is the body as text.
func (i *item) plainBody() string {
	if b := i.get("Body"); b.attr("BodyType") == "HTML" {
		return textOfHTML(b.text())
	}
	return i.text("Body")
}

func firstRunes(s string, n int) string {
	if n <= 0 || len(s) <= n {
		return s
	}
	for k := range s {
		if n--; n < 0 {
			return s[:k]
		}
	}
	return s
}

// display joins the names of recipients or attendees.
func (i *item) display(name string) string {
	fields := map[string][2]string{"DisplayTo": {"ToRecipients", "RequiredAttendees"}, "DisplayCc": {"CcRecipients", "OptionalAttendees"}, "DisplayBcc": {"BccRecipients", "Resources"}}[name]
	var names []string
	add := func(box *node) {
		who := box.text("Name")
		if who == "" {
			who = box.text("EmailAddress")
		}
		names = append(names, who)
	}
	for _, box := range i.get(fields[0]).kids() {
		add(box)
	}
	for _, attendee := range i.get(fields[1]).kids() {
		add(attendee.kid("Mailbox"))
	}
	return strings.Join(names, "; ")
}

// conversation groups messages of one topic.
func (i *item) conversation() string {
	sum := sha1.Sum([]byte(strings.ToLower(topic(i.text("Subject")))))
	return base64.StdEncoding.EncodeToString(append([]byte{'C', byte(i.Mailbox >> 8), byte(i.Mailbox)}, sum[:]...))
}

// topic is a subject without its prefixes.
func topic(subject string) string {
	for {
		head, rest, ok := strings.Cut(subject, ":")
		if !ok || len(head) > 3 || len(head) == 0 {
			return strings.TrimSpace(subject)
		}
		subject = strings.TrimSpace(rest)
	}
}

// orNil is nil for an element without children: the schema has no empty arrays.
func orNil(n *node) *node {
	if len(n.Kids) == 0 {
		return nil
	}
	return n
}
