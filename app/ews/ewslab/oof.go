package ewslab

// Out of office: the settings, whether they are in force, and the automatic reply, once to each sender while they are.

import (
	"database/sql"
	"errors"
	"time"
)

// oofClass is the item class of an automatic reply.
const oofClass = "IPM.Note.Rules.OofTemplate.Microsoft"

// oofSettings are somebody's settings; the zero value is switched off.
type oofSettings struct {
	State, Audience    string
	From, To           time.Time // zero without a duration
	Internal, External string    // HTML
}

// inForce says whether senders are told at an instant.
func (o oofSettings) inForce(at time.Time) bool {
	return o.State == "Enabled" || o.State == "Scheduled" && !at.Before(o.From) && at.Before(o.To)
}

// oof reads a mailbox's settings.
func (x *tx) oof(mailbox int64) (oofSettings, error) {
	var props []byte
	err := x.QueryRow(`SELECT props FROM oof WHERE mailbox = ?`, mailbox).Scan(&props)
	if errors.Is(err, sql.ErrNoRows) {
		return oofSettings{State: "Disabled", Audience: "None"}, nil
	}
	if err != nil {
		return oofSettings{}, err
	}
	n, err := unpack(props)
	if err != nil {
		return oofSettings{}, err
	}
	o, err := readOof(n)
	return o, err
}

// setOof writes them; everybody is told anew.
func (x *tx) setOof(mailbox int64, o oofSettings) error {
	if _, err := x.Exec(`INSERT OR REPLACE INTO oof(mailbox, props) VALUES(?,?)`, mailbox, pack(o.node("UserOofSettings"))); err != nil {
		return err
	}
	_, err := x.Exec(`DELETE FROM oof_told WHERE mailbox = ?`, mailbox)
	return err
}

// node writes the settings.
func (o oofSettings) node(name string) *node {
	n := t(name, t("OofState", o.State), t("ExternalAudience", o.Audience))
	n.add(o.duration())
	return n.add(t("InternalReply", t("Message", o.Internal)), t("ExternalReply", t("Message", o.External)))
}

func (o oofSettings) duration() *node {
	if o.From.IsZero() || o.To.IsZero() {
		return nil
	}
	return t("Duration", t("StartTime", o.From), t("EndTime", o.To))
}

// readOof reads t:UserOofSettings. Times without offset are UTC.
func readOof(n *node) (oofSettings, error) {
	o := oofSettings{State: n.text("OofState"), Audience: n.text("ExternalAudience"), Internal: n.text("InternalReply", "Message"), External: n.text("ExternalReply", "Message")}
	switch o.State {
	case "Disabled", "Enabled", "Scheduled":
	default:
		return o, fail("ErrorInvalidUserOofSettings", "The state is not known.")
	}
	switch o.Audience {
	case "None", "Known", "All":
	default:
		return o, fail("ErrorInvalidUserOofSettings", "The external audience is not known.")
	}
	if d := n.kid("Duration"); d != nil {
		var ok1, ok2 bool
		o.From, ok1 = instant(d.text("StartTime"), time.UTC)
		o.To, ok2 = instant(d.text("EndTime"), time.UTC)
		if !ok1 || !ok2 || !o.From.Before(o.To) {
			return o, fail("ErrorInvalidScheduledOofDuration", "The end of the duration must lie after its start.")
		}
	}
	if o.State == "Scheduled" && o.From.IsZero() {
		return o, fail("ErrorInvalidScheduledOofDuration", "A scheduled note needs a duration.")
	}
	return o, nil
}

// oofOwner is the mailbox that the request names; only its owner may ask.
func (c *call) oofOwner() (*mailbox, error) {
	owner := c.s.people.mailbox(c.req.text("Mailbox", "Address"))
	if owner == nil {
		return nil, fail("ErrorMailRecipientNotFound", "The mailbox was not found.")
	}
	if c.me != nil && c.me.ID != owner.ID {
		return nil, fail(errorAccessDenied)
	}
	return owner, nil
}

// opGetUserOofSettings answers the settings.
func (s *Server) opGetUserOofSettings(c *call) (*node, error) {
	var o oofSettings
	owner, failed := c.oofOwner()
	if failed == nil {
		if err := c.view(func(x *tx) (err error) { o, err = x.oof(owner.ID); return err }); err != nil {
			return nil, err
		}
	}
	msg, err := c.message(nil, failed)
	if err != nil {
		return nil, err
	}
	msg.Name = "ResponseMessage"
	if failed != nil {
		return m("GetUserOofSettingsResponse", msg), nil
	}
	return m("GetUserOofSettingsResponse", msg, o.node("OofSettings"), m("AllowExternalOof", "All")), nil
}

// opSetUserOofSettings replaces them.
func (s *Server) opSetUserOofSettings(c *call) (*node, error) {
	var o oofSettings
	owner, failed := c.oofOwner()
	if failed == nil {
		o, failed = readOof(c.req.kid("UserOofSettings"))
	}
	if failed == nil {
		if err := c.update(func(x *tx) error { return x.setOof(owner.ID, o) }); err != nil {
			return nil, err
		}
	}
	msg, err := c.message(nil, failed)
	if err != nil {
		return nil, err
	}
	msg.Name = "ResponseMessage"
	return m("SetUserOofSettingsResponse", msg), nil
}

// replyAutomatically answers a message for somebody who is out of office, unless its sender was told already.
func (s *Server) replyAutomatically(x *tx, absent *mailbox, arrived *item, sender *mailbox) error {
	if sender == nil || sender.ID == absent.ID || arrived.class() == oofClass || isResponseClass(arrived.class()) {
		return nil
	}
	o, err := x.oof(absent.ID)
	if err != nil || !o.inForce(x.now) || o.Internal == "" {
		return err
	}
	res, err := x.Exec(`INSERT OR IGNORE INTO oof_told(mailbox, sender) VALUES(?,?)`, absent.ID, sender.Email)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return err
	}
	inbox, err := x.standard(sender.ID, "inbox")
	if err != nil {
		return err
	}
	reply := &item{Mailbox: sender.ID, Folder: inbox.ID, Elem: "Message", ModifiedBy: absent.Person.Name, Props: t("Message")}
	reply.put("ItemClass", oofClass)
	reply.put("Subject", "Automatic reply: "+arrived.text("Subject"))
	reply.put("Body", at("BodyType", "HTML"), o.Internal)
	s.address(reply, x.now, absent, sender)
	return x.deliverItem(reply)
}

// opGetMailTips answers what a sender should know of recipients beforehand: whether they are out of office.
func (s *Server) opGetMailTips(c *call) (*node, error) {
	list := m("ResponseMessages")
	err := c.view(func(x *tx) error {
		for _, r := range c.req.kid("Recipients").all("Mailbox") {
			tips, err := s.mailTips(x, r)
			if err != nil {
				return err
			}
			list.add(m("MailTipsResponseMessageType", at("ResponseClass", "Success"), m("ResponseCode", "NoError"), tips))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return m("GetMailTipsResponse", at("ResponseClass", "Success"), m("ResponseCode", "NoError"), list), nil
}

// mailTips is what is known of one recipient.
func (s *Server) mailTips(x *tx, r *node) (*node, error) {
	e := s.people.find(r.text("EmailAddress"))
	if e == nil {
		address := t("RecipientAddress", t("Name", r.text("Name")), t("EmailAddress", r.text("EmailAddress")), t("RoutingType", "SMTP"))
		return m("MailTips", address, t("PendingMailTips", ""), t("InvalidRecipient", true)), nil
	}
	tips := m("MailTips", e.mailboxNode("RecipientAddress"), t("PendingMailTips", ""))
	if e.Mailbox == nil {
		return tips.add(t("TotalMemberCount", len(s.membersOf(e))), t("ExternalMemberCount", 0), t("MaxMessageSize", maxRequest), t("DeliveryRestricted", false),
			t("IsModerated", false), t("InvalidRecipient", false)), nil
	}
	o, err := x.oof(e.Mailbox.ID)
	if err != nil {
		return nil, err
	}
	out := t("OutOfOffice", t("ReplyBody", t("Message", "")))
	if o.inForce(x.now) {
		out = t("OutOfOffice", t("ReplyBody", t("Message", o.Internal)), o.duration())
	}
	return tips.add(out, t("MailboxFull", false), t("TotalMemberCount", 1), t("ExternalMemberCount", 0), t("MaxMessageSize", maxRequest),
		t("DeliveryRestricted", false), t("IsModerated", false), t("InvalidRecipient", false)), nil
}
