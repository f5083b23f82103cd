package ewslab

// Replies to messages, and messages that are passed on.

import (
	"strings"
	"time"
)

// replyTo makes a reply or a forwarded copy of a message, and sends or keeps it.
func (s *Server) replyTo(x *tx, c *call, object *node, it *item, disposition string, saveIn *folder) ([]*node, error) {
	who := s.people.byID[it.Mailbox]
	if who == nil {
		return nil, fail(errorItemNotFound)
	}
	reply := &item{Mailbox: who.ID, Elem: "Message", ModifiedBy: c.who(), Read: true, Props: t("Message")}
	prefix := "RE: "
	if object.Name == "ForwardItem" {
		prefix = "FW: "
	}
	reply.put("Subject", or(object.text("Subject"), prefix+topic(it.text("Subject"))))
	kind, text := object.kid("NewBodyContent").attr("BodyType"), object.text("NewBodyContent")
	if text == "" {
		kind, text = object.kid("Body").attr("BodyType"), object.text("Body")
	}
	if kind == "HTML" {
		text += "<hr>" + htmlOfText(it.plainBody())
	} else {
		text += "\r\n\r\n________________________________\r\n" + it.plainBody()
	}
	reply.put("Body", at("BodyType", or(kind, "Text")), text)
	reply.put("From", s.entryOf(who).mailboxNode("Mailbox"))
	for _, list := range []string{"ToRecipients", "CcRecipients", "BccRecipients"} {
		given := object.kid(list).copy()
		if given == nil {
			continue
		}
		for _, box := range given.inTypes().Kids {
			c.cleanMailbox(box)
		}
		reply.set(given)
	}
	if object.Name != "ForwardItem" && reply.get("ToRecipients") == nil {
		s.replyRecipients(reply, it, who, object.Name == "ReplyAllToItem")
	}
	return s.finishReply(x, c, reply, it, object.Name == "ForwardItem", disposition, saveIn)
}

// replyRecipients are the sender, and with all everybody else too.
func (s *Server) replyRecipients(reply, it *item, who *mailbox, all bool) {
	to := t("ToRecipients")
	if from := it.get("From").kid("Mailbox"); from != nil {
		to.add(from.copy())
	}
	if all {
		for _, box := range it.get("ToRecipients").kids() {
			if !strings.EqualFold(box.text("EmailAddress"), who.Email) {
				to.add(box.copy())
			}
		}
		if cc := it.get("CcRecipients"); cc != nil {
			reply.set(cc.copy())
		}
	}
	if len(to.Kids) > 0 {
		reply.set(to)
	}
}

// finishReply writes a reply and sends it, unless it is to be a draft.
func (s *Server) finishReply(x *tx, c *call, reply, it *item, attachments bool, disposition string, saveIn *folder) ([]*node, error) {
	home := "outbox"
	if disposition == "SaveOnly" {
		home, reply.Draft = "drafts", true
	}
	f, err := x.standard(reply.Mailbox, home)
	if err != nil {
		return nil, err
	}
	if disposition == "SaveOnly" && saveIn != nil {
		f = saveIn
	}
	reply.Folder, reply.Received = f.ID, time.Time{}
	if err := x.insertItem(reply); err != nil {
		return nil, err
	}
	if attachments {
		if err := x.copyAttachments(it.ID, reply.ID); err != nil {
			return nil, err
		}
	}
	if disposition == "SaveOnly" {
		return one(createdNode(reply)), nil
	}
	if disposition == "SendAndSaveCopy" && saveIn == nil {
		if saveIn, err = x.standard(reply.Mailbox, "sentitems"); err != nil {
			return nil, err
		}
	}
	if disposition == "SendOnly" {
		saveIn = nil
	}
	if err := s.sendMessage(x, c, reply, saveIn); err != nil {
		return nil, err
	}
	return nil, x.eraseItem(reply)
}
