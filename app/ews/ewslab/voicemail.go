package ewslab

// Voice mail, as Unified Messaging leaves it in a mailbox: a message of its own class with the recording as a file and
// what is known of the call in properties. The lab has no telephones; its door takes what somebody is to have said.

import (
	"context"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// VoicemailPath is where voice mail is left over HTTP: POST a VoiceMessage as JSON; the answer is 201 with the item's id.
// Only from loopback.
const VoicemailPath = "/lab/voicemail"

// maxVoiceSeconds bounds the tones that the lab makes itself.
const maxVoiceSeconds = 120

// VoiceMessage is what somebody leaves in a mailbox.
type VoiceMessage struct {
	Mailbox string    `json:"mailbox"`             // user name or address of whose it is
	From    string    `json:"from,omitempty"`      // e-mail address of the caller, where they have one
	Name    string    `json:"name,omitempty"`      // of the caller; "": as the address book has it, else the number
	Number  string    `json:"number,omitempty"`    // of the caller
	Seconds int       `json:"seconds,omitempty"`   // length; 0: three
	Text    string    `json:"text,omitempty"`      // a transcript or a note
	At      time.Time `json:"at"`                  // when it was left; zero: now
	Class   string    `json:"class,omitempty"`     // item class; "": left after the telephone rang
	Heard   bool      `json:"heard,omitempty"`     // it has been listened to
	Audio   []byte    `json:"audio,omitempty"`     // the recording (base64); none: a tone as WAV
	File    string    `json:"file,omitempty"`      // its name; "": from number and length
	Type    string    `json:"type,omitempty"`      // its media type; "": audio/wav
	Protect bool      `json:"protected,omitempty"` // readable only where rights are managed: the recording is in a sealed file
}

// The classes of voice mail.
const (
	classVoicemail = "IPM.Note.Microsoft.Voicemail.UM.CA"
	classProtected = "IPM.Note.rpmsg.Microsoft.Voicemail.UM"
)

// LeaveVoicemail puts a voice message into a mailbox's Inbox, as new mail, and gives its item id.
func (s *Server) LeaveVoicemail(ctx context.Context, v VoiceMessage) (id string, err error) {
	to := s.people.mailbox(v.Mailbox)
	if to == nil {
		return "", fmt.Errorf("ewslab: voice mail for %q, who has no mailbox", v.Mailbox)
	}
	err = s.update(ctx, func(x *tx) error {
		it, err := s.leave(x, to, v)
		if err == nil {
			id = it.id()
		}
		return err
	})
	return id, err
}

// leave writes a voice message.
func (s *Server) leave(x *tx, to *mailbox, v VoiceMessage) (*item, error) {
	if v.Seconds <= 0 {
		v.Seconds = 3
	}
	if v.At.IsZero() {
		v.At = x.now
	}
	from := s.people.find(v.From)
	if from != nil && v.Name == "" {
		v.Name = from.Person.Name
	}
	inbox, err := x.standard(to.ID, "inbox")
	if err != nil {
		return nil, err
	}
	it := s.voiceItem(to, v, from)
	it.Mailbox, it.Folder, it.Received, it.ModifiedBy = to.ID, inbox.ID, v.At.UTC().Truncate(time.Second), or(v.Name, "Microsoft Exchange")
	if v.Heard {
		it.Read = true
		err = x.insertItem(it)
	} else {
		err = x.deliverItem(it)
	}
	if err != nil {
		return nil, err
	}
	return it, x.insertAttachment(v.recording(it.ID))
}

// voiceItem makes the message with the properties that Unified Messaging sets.
func (s *Server) voiceItem(to *mailbox, v VoiceMessage, from *entry) *item {
	it := &item{Elem: "Message", Props: t("Message")}
	who := or(v.Name, or(v.Number, "an unknown caller"))
	switch {
	case v.Class != "":
		it.put("ItemClass", v.Class)
	case v.Protect:
		it.put("ItemClass", classProtected)
	default:
		it.put("ItemClass", classVoicemail)
	}
	it.put("Subject", fmt.Sprintf("Voice Mail from %s (%s)", who, lengthOf(v.Seconds)))
	body := "<html><body><p>You received a voice mail from " + html.EscapeString(who)
	if v.Number != "" && v.Number != who {
		body += " at " + html.EscapeString(v.Number)
	}
	body += ".</p>"
	if v.Text != "" {
		body += "<p>" + html.EscapeString(v.Text) + "</p>"
	}
	it.put("Body", at("BodyType", "HTML"), body+"</body></html>")
	it.put("DateTimeSent", v.At)
	it.set(t("ToRecipients", s.entryOf(to).mailboxNode("Mailbox")))
	sender := t("Mailbox", t("Name", who), textOrNil("EmailAddress", v.From), t("RoutingType", "SMTP"), t("MailboxType", "OneOff"))
	if from != nil {
		sender = from.mailboxNode("Mailbox")
	}
	it.set(t("From", sender))
	it.put("ReceivedBy", s.entryOf(to).mailboxNode("Mailbox"))
	it.putTagged(0x6801, "Integer", itoa(v.Seconds))
	it.putTagged(0x6802, "String", v.Number)
	it.putTagged(0x6803, "String", v.Name)
	it.putTagged(0x6805, "String", v.fileName())
	return it
}

// putTagged sets an extended property by its tag; an empty one is none.
func (i *item) putTagged(tag int, kind, value string) {
	if value != "" {
		key := tagged(tag, kind)
		i.Props.setExtended(key, t("ExtendedProperty", t("ExtendedFieldURI", at("PropertyTag", key.ID), at("PropertyType", kind)), t("Value", value)))
	}
}

func lengthOf(seconds int) string {
	if seconds == 1 {
		return "1 second"
	}
	return itoa(seconds) + " seconds"
}

func (v VoiceMessage) fileName() string {
	if v.Protect {
		return "message.rpmsg"
	}
	return or(v.File, fmt.Sprintf("%s (%s) Voice Mail.wav", or(v.Number, or(v.Name, "Unknown")), lengthOf(v.Seconds)))
}

// recording is the file that hangs on the message.
func (v VoiceMessage) recording(row int64) *attachment {
	a := &attachment{Item: row, Name: v.fileName(), ContentType: or(v.Type, "audio/wav"), Content: v.Audio, Props: t("FileAttachment")}
	switch {
	case v.Protect:
		a.ContentType, a.Content = "application/x-microsoft-rpmsg-message", []byte("\x76\xe8\x04\x60\xc4\x11\xe3\x86 sealed")
	case len(a.Content) == 0:
		a.Content = tone(min(v.Seconds, maxVoiceSeconds))
	}
	a.Size = len(a.Content)
	return a
}

// serveVoicemail is the door.
func (s *Server) serveVoicemail(w http.ResponseWriter, r *http.Request) {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsLoopback() {
		http.Error(w, "only from this machine", http.StatusForbidden)
		return
	}
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", "POST")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	// A page of another site cannot send this type without being asked first.
	if kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); kind != "application/json" {
		http.Error(w, "send application/json", http.StatusUnsupportedMediaType)
		return
	}
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if err != nil {
		http.Error(w, "the request is too large", http.StatusRequestEntityTooLarge)
		return
	}
	var v VoiceMessage
	if err := json.Unmarshal(data, &v); err != nil {
		http.Error(w, "the request is no voice message: "+err.Error(), http.StatusBadRequest)
		return
	}
	if s.people.mailbox(v.Mailbox) == nil {
		http.Error(w, "there is no such mailbox", http.StatusNotFound)
		return
	}
	id, err := s.LeaveVoicemail(r.Context(), v)
	if err != nil {
		s.log.Error("the lab Exchange could not leave voice mail", "error", err)
		http.Error(w, "the voice mail could not be left", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusCreated)
	if err := json.NewEncoder(w).Encode(map[string]string{"id": id}); err != nil {
		s.log.Debug("the answer about voice mail was not read", "error", err)
	}
}
