package ewslab

// UpdateItem: which properties change, whether the caller knew the present version, what follows.

import (
	"bytes"
	"strconv"
	"strings"
)

func (s *Server) opUpdateItem(c *call) (*node, error) {
	changes := c.req.kid("ItemChanges").all("ItemChange")
	if len(changes) == 0 {
		return nil, invalid("the element 'UpdateItem' has incomplete content.")
	}
	if how := c.req.attr("ConflictResolution"); how == "" || !dispositions("ConflictResolution", how) {
		return nil, invalid("the required attribute 'ConflictResolution' is missing or invalid.")
	}
	for _, name := range []string{"MessageDisposition", "SendMeetingInvitationsOrCancellations"} {
		if !dispositions(name, c.req.attr(name)) {
			return nil, invalid("the '%s' attribute is invalid - the value '%s' is invalid.", name, c.req.attr(name))
		}
	}
	return c.messages(len(changes), func(n int) (out []*node, err error) {
		err = c.update(func(x *tx) error {
			it, err := s.updateItem(x, c, changes[n])
			if err == nil {
				out = []*node{m("Items", createdNode(it)), m("ConflictResults", t("Count", 0))}
			}
			return err
		})
		if err != nil {
			out = one(m("Items"))
		}
		return out, err
	})
}

// updateItem applies one ItemChange.
func (s *Server) updateItem(x *tx, c *call, change *node) (*item, error) {
	if len(change.Kids) < 2 || change.kid("Updates") == nil {
		return nil, invalid("the element 'ItemChange' has incomplete content.")
	}
	it, f, err := c.openItem(x, change.Kids[0], mayModify)
	if err != nil {
		return nil, err
	}
	if err := c.checkVersion(it, change.Kids[0]); err != nil {
		return nil, err
	}
	mode := c.req.attr("SendMeetingInvitationsOrCancellations")
	switch {
	case it.Elem == "CalendarItem" && mode == "":
		return nil, fail("ErrorSendMeetingInvitationsOrCancellationsRequired")
	case it.Elem == "Message" && c.req.attr("MessageDisposition") == "":
		return nil, fail("ErrorMessageDispositionRequired", "Message disposition is required.")
	}
	if err := c.mayLookInto(x, it); err != nil {
		return nil, err
	}
	before := *it
	before.Props = it.Props.copy()
	zones, err := c.zonesOfUpdates(change.kid("Updates"))
	if err != nil {
		return nil, err
	}
	for _, u := range change.kid("Updates").Kids {
		if err := c.applyUpdate(it, u, zones); err != nil {
			return nil, err
		}
	}
	it.ModifiedBy = c.who()
	if it.Elem == "CalendarItem" {
		return it, s.saveAppointment(x, c, &before, it, mode)
	}
	if it.Read != before.Read && bytes.Equal(pack(it.Props), pack(before.Props)) && it.Draft == before.Draft {
		return it, x.saveRead(it, it.Read)
	}
	if err := x.saveItem(it); err != nil {
		return nil, err
	}
	if it.Read != before.Read {
		it.ReadMod = it.Mod
	}
	return it, s.sendUpdated(x, c, it, f)
}

// sendUpdated sends a draft that was changed, when MessageDisposition says so.
func (s *Server) sendUpdated(x *tx, c *call, it *item, f *folder) error {
	how := c.req.attr("MessageDisposition")
	if it.Elem != "Message" || !strings.HasPrefix(how, "Send") {
		return nil
	}
	var saveIn *folder
	if how == "SendAndSaveCopy" {
		var err error
		if saveIn, err = c.saveIn(x, "sentitems"); err != nil {
			return err
		}
	}
	if err := s.sendMessage(x, c, it, saveIn); err != nil {
		return err
	}
	return x.eraseItem(it)
}

// checkVersion compares the caller's change key with the item's as ConflictResolution says: NeverOverwrite needs the present one, AutoResolve
// merges property by property, AlwaysOverwrite does not look.
func (c *call) checkVersion(it *item, ref *node) error {
	key, err := parseChangeKey(ref.attr("ChangeKey"))
	if err != nil || c.req.attr("ConflictResolution") != "NeverOverwrite" {
		return err
	}
	if key == 0 {
		return fail("ErrorChangeKeyRequiredForWriteOperations")
	}
	if key != max(it.Mod, it.ReadMod) {
		return fail("ErrorIrresolvableConflict")
	}
	return nil
}

// zonesOfUpdates are the zones that are set along with the times.
func (c *call) zonesOfUpdates(updates *node) (timeZones, error) {
	set := t("Zones")
	for _, u := range updates.Kids {
		value := u.Kids[max(0, len(u.Kids)-1):]
		if u.Name == "SetItemField" && len(value) == 1 {
			set.add(value[0].kid("StartTimeZone"), value[0].kid("EndTimeZone"))
		}
	}
	return c.zonesIn(set)
}

// applyUpdate applies one SetItemField, AppendToItemField or DeleteItemField.
func (c *call) applyUpdate(it *item, u *node, zones timeZones) error {
	p, err := pathIn(u)
	if err != nil {
		return err
	}
	if p.Ext.Type != "" {
		return c.updateExtended(it, u, p)
	}
	kind := kindOf(it.Elem).byName[p.Field]
	if kind == nil {
		if it.Elem == "Item" || u.Name == "DeleteItemField" {
			return nil
		}
		return fail("ErrorInvalidPropertyRequest", "Property is not valid for this object type.")
	}
	if kind.ReadOnly || p.Field == "ItemId" {
		return fail("ErrorInvalidPropertySet")
	}
	if u.Name == "DeleteItemField" {
		return deleteField(it, p)
	}
	wrapper := u.Kids[len(u.Kids)-1]
	if kindOf(wrapper.Name) == nil || len(wrapper.Kids) != 1 {
		return fail("ErrorIncorrectUpdatePropertyCount")
	}
	value := wrapper.Kids[0]
	if value.Name != p.Field {
		return fail("ErrorUpdatePropertyMismatch", "The property of the path and that of the value are not the same.")
	}
	switch {
	case p.Field == "MimeContent":
		return c.readMIME(it, value)
	case p.Field == "IsRead":
		it.Read = isTrue(value.Text)
		return nil
	case p.Field == "Attachments":
		return fail("ErrorInvalidPropertySet")
	}
	clean, err := c.clean(value, kind, zones)
	if err != nil {
		return err
	}
	if u.Name == "AppendToItemField" {
		return appendField(it, p, clean)
	}
	if p.Key != "" {
		return setIndexed(it, p, clean)
	}
	if clean == nil {
		it.remove(p.Field)
		return nil
	}
	if strings.HasSuffix(p.Field, "Attendees") || p.Field == "Resources" {
		keepAnswers(it, clean)
	}
	it.set(clean)
	return nil
}

// keepAnswers carries over what is known of the answers of those who stay invited.
func keepAnswers(it *item, list *node) {
	known := map[string]*node{}
	for _, field := range []string{"RequiredAttendees", "OptionalAttendees", "Resources"} {
		for _, a := range it.get(field).kids() {
			known[strings.ToLower(a.text("Mailbox", "EmailAddress"))] = a
		}
	}
	for n, a := range list.Kids {
		if old := known[strings.ToLower(a.text("Mailbox", "EmailAddress"))]; old != nil {
			kept := old.copy()
			kept.Kids[0] = a.kid("Mailbox")
			list.Kids[n] = kept
		}
	}
}

func (c *call) updateExtended(it *item, u *node, p path) error {
	if u.Name == "DeleteItemField" {
		it.Props.removeExtended(p.Ext)
		return nil
	}
	if u.Name == "AppendToItemField" {
		return fail("ErrorInvalidPropertyAppend", "Append action is invalid for property.")
	}
	e := u.Kids[len(u.Kids)-1].kid("ExtendedProperty")
	if e == nil {
		return fail("ErrorIncorrectUpdatePropertyCount")
	}
	key, err := parseExtKey(e.kid("ExtendedFieldURI"))
	if err != nil {
		return err
	}
	if !key.same(p.Ext) {
		return fail("ErrorUpdatePropertyMismatch", "The property of the path and that of the value are not the same.")
	}
	return it.putExtended(e)
}

// saveAppointment writes a changed appointment or occurrence and lets the invited know.
func (s *Server) saveAppointment(x *tx, c *call, before, it *item, mode string) error {
	if err := s.finishAppointment(it, s.people.byID[it.Mailbox], c.zoneID); err != nil {
		return err
	}
	timed := !it.time("Start").Equal(before.time("Start")) || !it.time("End").Equal(before.time("End"))
	patterned := !samePattern(it.get("Recurrence"), before.get("Recurrence"))
	if timed || patterned {
		n, err := strconv.Atoi(or(it.text("AppointmentSequenceNumber"), "0"))
		if err != nil {
			return err
		}
		it.put("AppointmentSequenceNumber", n+1)
	}
	if it.Master != 0 {
		if timed {
			if err := x.checkBoundary(it); err != nil {
				return err
			}
		}
		if err := x.saveOccurrence(it); err != nil {
			return err
		}
	} else {
		if (timed || patterned) && before.isSeries() {
			if err := x.resetSeries(it); err != nil {
				return err
			}
		}
		if err := x.saveItem(it); err != nil {
			return err
		}
	}
	if mode == "SendToNone" || !it.isMeeting() && !before.isMeeting() {
		return nil
	}
	return s.sendUpdates(x, c, before, it, mode)
}
