package ewslab

// Items as clients send them: checked against the schema's order, cleaned of what is not theirs to set.

import (
	"strconv"
	"strings"
	"time"
)

// readItem makes an item of an element of CreateItem or of an item attachment. Attachments are answered apart.
func (c *call) readItem(n *node) (it *item, attachments []*node, err error) {
	kind := kindOf(n.Name)
	if kind == nil {
		return nil, nil, invalid("the element '%s' is no item.", n.Name)
	}
	it = &item{Elem: n.Name, Props: &node{Space: "t", Name: n.Name}}
	place := -1
	var mime *node
	zones, err := c.zonesIn(n)
	if err != nil {
		return nil, nil, err
	}
	for _, k := range n.Kids {
		p := kind.byName[k.Name]
		if p == nil {
			return nil, nil, invalid("the element '%s' has invalid child element '%s'.", n.Name, k.Name)
		}
		if p.place < place {
			return nil, nil, invalid("the element '%s' has invalid child element '%s': it comes too late.", n.Name, k.Name)
		}
		place = p.place
		switch {
		case k.Name == "Attachments":
			attachments = k.Kids
		case k.Name == "MimeContent":
			mime = k
		case k.Name == "IsRead":
			it.Read = isTrue(k.Text)
		case k.Name == "ExtendedProperty":
			if err := it.putExtended(k); err != nil {
				return nil, nil, err
			}
		case p.ReadOnly:
		default:
			clean, err := c.clean(k, p, zones)
			if err != nil {
				return nil, nil, err
			}
			it.Props.add(clean)
		}
	}
	it.Elem = elementForClass(it.text("ItemClass"), it.Elem)
	it.Props.Name = it.Elem
	if mime != nil {
		err = c.readMIME(it, mime)
	}
	return it, attachments, err
}

// timeZones are the zones of an appointment's start and end where they stand without offset; zero: the request's.
type timeZones struct{ start, end *time.Location }

// zonesIn reads StartTimeZone and EndTimeZone among an element's children: times that stand beside them without offset are in them.
func (c *call) zonesIn(n *node) (z timeZones, err error) {
	if def := n.kid("StartTimeZone"); def != nil {
		if z.start, err = locationOf(def); err != nil {
			return z, err
		}
		z.end = z.start
	}
	if def := n.kid("EndTimeZone"); def != nil {
		z.end, err = locationOf(def)
	}
	return z, err
}

// zoneFor is the zone of a property's time.
func (c *call) zoneFor(name string, z timeZones) *time.Location {
	switch {
	case name == "Start" && z.start != nil:
		return z.start
	case name == "End" && z.end != nil:
		return z.end
	}
	return c.zone
}

// clean checks and normalises one property.
func (c *call) clean(n *node, p *prop, zones timeZones) (*node, error) {
	n = n.copy().inTypes()
	bad := func() error {
		return invalid("the '%s' element is invalid - the value '%s' is invalid.", n.Name, n.Text)
	}
	switch {
	case p.Time:
		at, ok := instant(n.Text, c.zoneFor(n.Name, zones))
		if !ok {
			return nil, bad()
		}
		n.Text = stamp(at)
		return n, nil
	case len(n.Kids) == 0 && strings.HasPrefix(n.Name, "Is"):
		if !isTrue(n.Text) && n.Text != "false" && n.Text != "0" {
			return nil, bad()
		}
		n.Text = boolText(isTrue(n.Text))
		return n, nil
	}
	switch n.Name {
	case "ReminderIsSet", "AllowNewTimeProposal":
		n.Text = boolText(isTrue(n.Text))
	case "ReminderMinutesBeforeStart":
		if v, err := strconv.Atoi(strings.TrimSpace(n.Text)); err != nil || v < 0 || v > 2629800 {
			return nil, bad()
		}
	case "Sensitivity", "Importance", "LegacyFreeBusyStatus", "Status":
		if !enumerated(n.Name, n.Text) {
			return nil, bad()
		}
	case "Body":
		if kind := n.attr("BodyType"); kind != "HTML" && kind != "Text" {
			return nil, invalid("the required attribute 'BodyType' is missing or invalid.")
		}
	case "RequiredAttendees", "OptionalAttendees", "Resources":
		c.cleanAttendees(n)
	case "ToRecipients", "CcRecipients", "BccRecipients", "ReplyTo":
		for _, box := range n.Kids {
			c.cleanMailbox(box)
		}
	case "From", "Sender":
		c.cleanMailbox(n.kid("Mailbox"))
	case "StartTimeZone", "EndTimeZone":
		return c.cleanZone(n)
	case "Recurrence":
		if kindOf("CalendarItem") != nil && p.NotInFind {
			return n, cleanRecurrence(n)
		}
	}
	if isList(n.Name) && len(n.Kids) == 0 {
		return nil, nil // an empty list is none
	}
	return n, nil
}

func isList(name string) bool {
	switch name {
	case "RequiredAttendees", "OptionalAttendees", "Resources", "ToRecipients", "CcRecipients", "BccRecipients", "ReplyTo", "Categories", "EmailAddresses", "PhoneNumbers",
		"PhysicalAddresses", "ImAddresses", "Companies", "Children", "Contacts", "InternetMessageHeaders":
		return true
	}
	return false
}

// enumerated says whether a value is one of the schema's.
func enumerated(name, value string) bool {
	list := map[string]string{
		"Sensitivity": "Normal Personal Private Confidential", "Importance": "Low Normal High",
		"LegacyFreeBusyStatus": "Free Tentative Busy OOF WorkingElsewhere NoData",
		"Status":               "NotStarted InProgress Completed WaitingOnOthers Deferred",
	}[name]
	for _, v := range strings.Fields(list) {
		if v == value {
			return true
		}
	}
	return false
}

// cleanRecurrence makes dates of what some clients send as times.
func cleanRecurrence(n *node) error {
	for _, k := range n.Kids {
		for _, d := range k.Kids {
			if d.Name == "StartDate" || d.Name == "EndDate" {
				at, ok := civilDate(d.Text)
				if !ok {
					return invalid("the '%s' element is invalid - the value '%s' is invalid.", d.Name, d.Text)
				}
				d.Text = zonedDate(at)
			}
		}
	}
	return nil
}

// cleanZone keeps the id of a known zone and the rules of an unknown one.
func (c *call) cleanZone(n *node) (*node, error) {
	name := or(n.attr("Id"), strings.TrimSpace(n.Text))
	if z, ok := zoneTable().byID[strings.ToLower(name)]; ok {
		return t(n.Name, at("Id", z.ID), at("Name", z.Name)), nil
	}
	if loc, ok := zoneNamed(name); ok {
		id := or(windowsID(loc.String()), name)
		return t(n.Name, at("Id", id), at("Name", zoneName(id))), nil
	}
	if _, err := locationOf(n); err != nil {
		return nil, err
	}
	return n, nil
}

// cleanAttendees drops what a client says about answers (they are not its to give) and completes names.
func (c *call) cleanAttendees(n *node) {
	for i, a := range n.Kids {
		box := a.kid("Mailbox").copy()
		if box == nil {
			box = t("Mailbox")
		}
		c.cleanMailbox(box)
		n.Kids[i] = t("Attendee", box, t("ResponseType", "Unknown"))
	}
}

// cleanMailbox completes an address from the address book, in schema order.
func (c *call) cleanMailbox(box *node) {
	if box == nil {
		return
	}
	name, email := box.text("Name"), box.text("EmailAddress")
	routing, kind := or(box.text("RoutingType"), "SMTP"), or(box.text("MailboxType"), "OneOff")
	if email == "" && strings.Contains(name, "@") {
		email = name
	}
	if e := c.s.people.find(email); e != nil {
		name, email, routing = or(name, e.Person.Name), e.Email, "SMTP"
		kind = e.mailboxType()
	}
	item := box.kid("ItemId")
	box.Kids = nil
	box.add(t("Name", or(name, email)), textOrNil("EmailAddress", email), t("RoutingType", routing), t("MailboxType", kind), item)
}

// mailboxType is what an entry of the address book is (MailboxType).
func (e *entry) mailboxType() string {
	if e.Mailbox == nil {
		return "PublicDL"
	}
	return "Mailbox"
}

// mailboxNode is an entry of the address book as t:Mailbox, or another element of that type.
func (e *entry) mailboxNode(name string) *node {
	return t(name, t("Name", or(e.Person.Name, e.Person.User)), t("EmailAddress", e.Email), t("RoutingType", "SMTP"), t("MailboxType", e.mailboxType()))
}

// putExtended sets an extended property; those that stand for a field set the field.
func (i *item) putExtended(n *node) error {
	n = n.copy().inTypes()
	key, err := parseExtKey(n.kid("ExtendedFieldURI"))
	if err != nil {
		return err
	}
	value := n.text("Value")
	switch {
	case key.same(tagged(0x0e07, "Integer")):
		flags, err := strconv.Atoi(value)
		if err != nil {
			return fail("ErrorInvalidExtendedPropertyValue", "The extended property value is invalid.")
		}
		i.Read, i.Draft = flags&1 != 0, flags&8 != 0
		i.put("IsDraft", i.Draft) // decided by the client: the disposition does not change it
	case key.same(tagged(0x0e06, "SystemTime")):
		at, ok := instant(value, time.UTC)
		if !ok {
			return fail("ErrorInvalidExtendedPropertyValue", "The extended property value is invalid.")
		}
		i.Received = at
	case key.same(tagged(0x0039, "SystemTime")):
		at, ok := instant(value, time.UTC)
		if !ok {
			return fail("ErrorInvalidExtendedPropertyValue", "The extended property value is invalid.")
		}
		i.put("DateTimeSent", at)
	case key.same(tagged(0x0042, "String")):
		i.setRepresented(value)
	case key.same(named("Appointment", 0x8205, "Integer")):
		states := []string{"Free", "Tentative", "Busy", "OOF", "WorkingElsewhere"}
		if v, err := strconv.Atoi(value); err == nil && v >= 0 && v < len(states) {
			i.put("LegacyFreeBusyStatus", states[v])
		}
	case key.same(named("Appointment", 0x8208, "String")):
		i.put("Location", value)
	case key.same(tagged(0x001a, "String")):
		i.put("ItemClass", value)
	case key.same(tagged(0x0037, "String")):
		i.put("Subject", value)
	case key.same(tagged(0x1000, "String")):
		i.put("Body", at("BodyType", "Text"), value)
	default:
		i.Props.setExtended(key, n)
	}
	return nil
}

// setRepresented names who an item is from, by PidTagSentRepresentingName; an address that is known stays.
func (i *item) setRepresented(name string) {
	box := i.get("From").kid("Mailbox")
	if box == nil {
		i.set(t("From", t("Mailbox", t("Name", name), t("RoutingType", "SMTP"), t("MailboxType", "OneOff"))))
		return
	}
	named := t("Mailbox", t("Name", name))
	for _, k := range box.Kids {
		if k.Name != "Name" {
			named.add(k)
		}
	}
	i.set(t("From", named))
}
