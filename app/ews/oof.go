package ews

import (
	"context"
	"strings"
	"time"

	"portico/app/ews/soap"
	"portico/app/portal"
)

// Automatic replies: one's own in full, others' as far as everybody may know them. Exchange keeps HTML, people write text.

var oofStates = map[string]string{"Disabled": "disabled", "Enabled": "enabled", "Scheduled": "scheduled"}
var oofAudiences = map[string]string{"None": "none", "Known": "known", "All": "all"}

// said turns a table round.
func said(table map[string]string, word, otherwise string) string {
	for theirs, ours := range table {
		if ours == word {
			return theirs
		}
	}
	return otherwise
}

// OutOfOffice gives somebody's own automatic reply.
func (c *Connector) OutOfOffice(ctx context.Context, who portal.Address) (n portal.OutOfOfficeNote, err error) {
	err = c.do(ctx, who, who, func(a *access) error {
		res, err := a.GetUserOofSettings(ctx, a.as, &soap.GetUserOofSettings{Mailbox: soap.EmailAddress{Address: a.email}})
		if err == nil {
			err = res.Message.Err()
		}
		if err != nil {
			return err
		}
		n = portal.OutOfOfficeNote{State: "disabled", Audience: "none"}
		if s := res.Settings; s != nil {
			n = noteOf(s)
		}
		return nil
	})
	return n, err
}

func noteOf(s *soap.OofSettings) portal.OutOfOfficeNote {
	n := portal.OutOfOfficeNote{State: oofStates[s.State], Audience: oofAudiences[s.ExternalAudience],
		Internal: replyText(s.InternalReply), External: replyText(s.ExternalReply)}
	if n.State == "" {
		n.State = "disabled"
	}
	if n.Audience == "" {
		n.Audience = "none"
	}
	if s.Duration != nil {
		n.From, n.Until = happened(s.Duration.Start), happened(s.Duration.End)
	}
	return n
}

func replyText(r *soap.ReplyBody) string {
	s := r.Text()
	if strings.Contains(s, "<") {
		return plainText(s)
	}
	return tidyText(s)
}

// SetOutOfOffice sets somebody's own automatic reply. Replies whose words did not change keep their form: what was
// formatted elsewhere is not flattened by switching it on here.
func (c *Connector) SetOutOfOffice(ctx context.Context, who portal.Address, note portal.OutOfOfficeNote) error {
	state := said(oofStates, note.State, "")
	if state == "" || state == "Scheduled" && !note.Until.After(note.From) {
		return portal.Fail(portal.ErrInvalid, "calendar.out-of-office")
	}
	return c.do(ctx, who, who, func(a *access) error {
		address := soap.EmailAddress{Address: a.email}
		now, err := a.GetUserOofSettings(ctx, a.as, &soap.GetUserOofSettings{Mailbox: address})
		if err != nil {
			return err
		}
		s := soap.OofSettings{State: state, ExternalAudience: said(oofAudiences, note.Audience, "None"),
			InternalReply: soap.Reply(htmlText(sayable(note.Internal))), ExternalReply: soap.Reply(htmlText(sayable(note.External)))}
		if was := now.Settings; was != nil && now.Message.Err() == nil {
			if replyText(was.InternalReply) == note.Internal && note.Internal != "" {
				s.InternalReply = soap.Reply(was.InternalReply.Text())
			}
			if replyText(was.ExternalReply) == note.External && note.External != "" {
				s.ExternalReply = soap.Reply(was.ExternalReply.Text())
			}
		}
		if !note.From.IsZero() && note.Until.After(note.From) {
			s.Duration = &soap.Window{Start: soap.At(note.From), End: soap.At(note.Until)}
		}
		res, err := a.SetUserOofSettings(ctx, a.as, &soap.SetUserOofSettings{Mailbox: address, Settings: s})
		if err == nil {
			err = res.Message.Err()
		}
		return err
	})
}

// tipsBatch is how many recipients one question about mail tips names.
const tipsBatch = 100

// Tips gives the automatic replies of others, by e-mail address in lower case: only of those who have one in force, as the
// asker would get it. A server that does not know the question gives none.
func (c *Connector) Tips(ctx context.Context, asker portal.Address, emails []string) (map[string]portal.OutOfOfficeNote, error) {
	out := map[string]portal.OutOfOfficeNote{}
	err := c.do(ctx, asker, asker, func(a *access) error {
		for at := 0; at < len(emails); at += tipsBatch {
			if err := a.tips(ctx, emails[at:min(at+tipsBatch, len(emails))], out); err != nil {
				if soap.Unsupported(err) {
					return nil
				}
				return err
			}
		}
		return nil
	})
	return out, err
}

func (a *access) tips(ctx context.Context, emails []string, out map[string]portal.OutOfOfficeNote) error {
	req := &soap.GetMailTips{SendingAs: soap.Mailbox{EmailAddress: a.email, RoutingType: "SMTP"}, Requested: []string{"OutOfOfficeMessage"}}
	for _, e := range emails {
		req.Recipients = append(req.Recipients, soap.Mailbox{EmailAddress: sayable(e), RoutingType: "SMTP"})
	}
	res, err := a.GetMailTips(ctx, a.as, req)
	if err == nil {
		err = res.Err()
	}
	if err != nil {
		return err
	}
	for i := range res.Messages {
		m := &res.Messages[i]
		if m.Err() != nil || m.Tips == nil || m.Tips.OutOfOffice == nil {
			continue // this one has nothing to say
		}
		tip := m.Tips.OutOfOffice
		text := replyText(tip.Reply)
		if text == "" {
			continue
		}
		n := portal.OutOfOfficeNote{State: "enabled", Audience: "all", Internal: text, External: text}
		if d := tip.Duration; d != nil && d.Start != nil && d.End != nil {
			if from, until := happened(d.Start), happened(d.End); until.After(from) && until.Sub(from) < 10*365*24*time.Hour {
				n.State, n.From, n.Until = "scheduled", from, until
			}
		}
		out[strings.ToLower(a.voice(ctx).email(m.Tips.Recipient))] = n
	}
	return nil
}
