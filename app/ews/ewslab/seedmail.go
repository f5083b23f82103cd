package ewslab

// The example mail: voice messages that wait, a conversation that another program has kept, and contacts outside.

import (
	"time"
)

// mail writes what alice and bob find in their mailboxes.
func (d *seeder) mail() error {
	now := d.s.now().Truncate(time.Minute)
	for _, v := range []VoiceMessage{
		{Mailbox: "alice", Number: "+44 20 7946 0018", Name: "Harbour Hotels", Seconds: 11, At: now.Add(-26 * time.Hour), Heard: true,
			Text: "Hello Alice, the terrace is free for the summer party. Could you call me back about the number of guests?"},
		{Mailbox: "alice", From: "bob@" + d.s.people.domain, Number: "+49 30 5550 102", Seconds: 6, At: now.Add(-3 * time.Hour),
			Text: "It is Bob. The customer wants the demo a day earlier."},
		{Mailbox: "bob", From: "alice@" + d.s.people.domain, Number: "+49 30 5550 101", Seconds: 8, At: now.Add(-5 * time.Hour),
			Text: "Alice here. Please bring the figures to the pricing round."},
		{Mailbox: "bob", Number: "+49 40 5550 200", Name: "Legal", Seconds: 19, At: now.Add(-50 * time.Hour), Protect: true},
	} {
		to := d.s.people.mailbox(v.Mailbox)
		if to == nil {
			continue
		}
		if _, err := d.s.leave(d.x, to, v); err != nil {
			return err
		}
	}
	return d.conversation(now.Add(-28 * time.Hour))
}

// conversation is one that Communicator has kept in alice's Conversation History.
func (d *seeder) conversation(began time.Time) error {
	alice, carol := d.s.people.mailbox("alice"), d.s.people.find("carol")
	if alice == nil || carol == nil || alice.Person.NoHistory {
		return nil
	}
	f, err := d.x.standard(alice.ID, "conversationhistory")
	if err != nil {
		return err
	}
	it := &item{Mailbox: alice.ID, Folder: f.ID, Elem: "Message", Read: true, Received: began.Add(4 * time.Minute).UTC(), ModifiedBy: alice.Person.Name, Props: t("Message")}
	it.put("ItemClass", "IPM.Note.Microsoft.Conversation")
	it.put("Subject", "Conversation with "+carol.Person.Name)
	it.put("DateTimeSent", began)
	it.set(t("From", carol.mailboxNode("Mailbox")))
	it.set(t("ToRecipients", d.s.entryOf(alice).mailboxNode("Mailbox"), carol.mailboxNode("Mailbox")))
	said := "<html><body>"
	for i, line := range []struct{ who, text string }{
		{carol.Person.Name, "Do you have the price list for the spring fair?"},
		{alice.Person.Name, "The draft is in the team folder, the discounts are still missing."},
		{carol.Person.Name, "Fine, I fill in the discounts until tomorrow."},
	} {
		said += `<div><span style="font-size:10pt;color:#666666">` + line.who + " [" + began.Add(time.Duration(i)*2*time.Minute).In(alice.Zone).Format("15:04") +
			`]:</span><br><span style="font-size:10pt">` + line.text + "</span></div>"
	}
	it.put("Body", at("BodyType", "HTML"), said+"</body></html>")
	return d.x.insertItem(it)
}

// contacts are people outside whom alice has in her contacts folder.
func (d *seeder) contacts() error {
	alice := d.s.people.mailbox("alice")
	if alice == nil {
		return nil
	}
	f, err := d.x.standard(alice.ID, "contacts")
	if err != nil {
		return err
	}
	for _, c := range []struct{ name, given, surname, email, company, title, phone, mobile string }{
		{"Paula Petersen", "Paula", "Petersen", "paula.petersen@harbour-hotels.test", "Harbour Hotels", "Events Manager", "+44 20 7946 0018", "+44 7700 900118"},
		{"Quentin Roux", "Quentin", "Roux", "q.roux@atelier-roux.test", "Atelier Roux", "Architect", "+33 1 99 00 12 34", ""},
	} {
		it := &item{Mailbox: alice.ID, Folder: f.ID, Elem: "Contact", Read: true, Received: d.s.now().UTC(), ModifiedBy: alice.Person.Name, Props: t("Contact")}
		for name, value := range map[string]string{"ItemClass": "IPM.Contact", "Subject": c.name, "FileAs": c.name, "DisplayName": c.name, "GivenName": c.given,
			"Surname": c.surname, "CompanyName": c.company, "JobTitle": c.title} {
			it.put(name, value)
		}
		it.set(t("EmailAddresses", t("Entry", at("Key", "EmailAddress1"), c.email)))
		phones := t("PhoneNumbers", t("Entry", at("Key", "BusinessPhone"), c.phone))
		if c.mobile != "" {
			phones.add(t("Entry", at("Key", "MobilePhone"), c.mobile))
		}
		it.set(phones)
		if err := d.x.insertItem(it); err != nil {
			return err
		}
	}
	return nil
}
