package ewslab

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// Whatever a signed-in client sends to a service is answered, refused or failed by a code: no panic, no internal error.
func FuzzServices(f *testing.F) {
	const when = `<t:Start>2026-03-04T10:00:00Z</t:Start><t:End>2026-03-04T11:00:00Z</t:End>`
	for _, seed := range []string{
		availability("bob,sales", "DetailedMerged", "2026-03-04T00:00:00", "2026-03-05T00:00:00"), getOof("alice"), setOof("alice", "Scheduled", march), mailTips("bob", "sales"), getDelegate("alice"),
		delegateRequest("AddDelegate", "alice", "heidi", editor, ""), delegateRequest("UpdateDelegate", "alice", "heidi", editor, ""), removeDelegate("alice", "heidi"),
		resolve("bob", ` SearchScope="ActiveDirectory"`), `<m:ExpandDL><m:Mailbox><t:EmailAddress>sales@example.test</t:EmailAddress></m:Mailbox></m:ExpandDL>`, `<m:GetRoomLists/>`,
		`<m:GetRooms><m:RoomList><t:EmailAddress>studios@example.test</t:EmailAddress></m:RoomList></m:GetRooms>`,
		`<m:FindPeople><m:IndexedPageItemView MaxEntriesReturned="2" Offset="1" BasePoint="Beginning"/><m:Restriction><t:Not><t:Exists><t:FieldURI FieldURI="persona:DisplayName"/></t:Exists></t:Not></m:Restriction></m:FindPeople>`,
		`<m:GetPersona><m:EmailAddress><t:EmailAddress>bob@example.test</t:EmailAddress></m:EmailAddress></m:GetPersona>`,
		`<m:GetUserPhoto><m:Email>bob@example.test</m:Email><m:SizeRequested>HR48x48</m:SizeRequested></m:GetUserPhoto>`,
		`<m:GetServerTimeZones ReturnFullTimeZoneData="true"><m:Ids><t:Id>UTC</t:Id></m:Ids></m:GetServerTimeZones>`, `<m:GetReminders><m:MaxItems>3</m:MaxItems></m:GetReminders>`,
		`<m:PerformReminderAction><m:ReminderItemActions><t:ReminderItemAction><t:ActionType>Dismiss</t:ActionType><t:ItemId Id="a"/></t:ReminderItemAction></m:ReminderItemActions></m:PerformReminderAction>`,
		`<m:Subscribe><m:StreamingSubscriptionRequest SubscribeToAllFolders="true"><t:EventTypes><t:EventType>CreatedEvent</t:EventType></t:EventTypes></m:StreamingSubscriptionRequest></m:Subscribe>`,
		`<m:Unsubscribe><m:SubscriptionId>a</m:SubscriptionId></m:Unsubscribe>`, `<m:GetEvents><m:SubscriptionId>a</m:SubscriptionId><m:Watermark>` + watermark(1) + `</m:Watermark></m:GetEvents>`,
		`<m:CreateItem SendMeetingInvitations="SendToAllAndSaveCopy"><m:Items><t:CalendarItem>` + when + attendeeList("RequiredAttendees", "bob", "sales") + attendeeList("Resources", "studio1") + `</t:CalendarItem></m:Items></m:CreateItem>`,
		respond("AcceptItem", `<t:ReferenceItemId Id="a" ChangeKey="b"/>`), respond("ForwardItem", `<t:ToRecipients><t:Mailbox/></t:ToRecipients><t:ReferenceItemId Id="a" ChangeKey="b"/>`),
	} {
		f.Add([]byte(envelopeOf("", seed)))
	}
	now := func() time.Time { return time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC) }
	s, err := New(Config{People: ExamplePeople(), Now: now, Seed: true})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() {
		if err := s.Close(); err != nil {
			f.Error(err)
		}
	})
	f.Fuzz(func(t *testing.T, data []byte) {
		_, operation, err := readEnvelope(bytes.NewReader(data))
		if err != nil {
			return
		}
		c := &call{ctx: t.Context(), s: s, name: strings.TrimSuffix(operation.Name, "Request"), req: operation, dialect: s.top, zone: time.UTC, account: "alice",
			me: s.people.mailbox("alice"), w: httptest.NewRecorder(), r: httptest.NewRequest("POST", Path, nil)}
		op, ok := s.ops[c.name]
		if !ok || op.run == nil {
			return
		}
		resp, err := op.run(c)
		var whole *fault
		var one *failure
		if err != nil && !errors.As(err, &whole) && !errors.As(err, &one) {
			t.Fatalf("%s: %v", c.name, err)
		}
		if err == nil && resp == nil {
			t.Fatalf("%s answers nothing", c.name)
		}
	})
}

func FuzzZoneRule(f *testing.F) {
	f.Add([]byte(strings.ReplaceAll(berlinRule, "t:", "")), "2026-03-29T02:30:00")
	f.Fuzz(func(t *testing.T, data []byte, wall string) {
		n, err := readTree(bytes.NewReader(data))
		if err != nil {
			return
		}
		r, err := readZoneRule(n)
		if err != nil {
			return
		}
		if at, ok := r.instant(wall); ok {
			r.local(at)
		}
		r.serializable()
		r.definition("x")
	})
}

func FuzzWatermark(f *testing.F) {
	f.Add(watermark(7))
	f.Fuzz(func(t *testing.T, text string) {
		seq, err := parseWatermark(text)
		if err == nil && watermark(seq) != strings.TrimSpace(text) {
			t.Fatalf("%q is read as %d", text, seq)
		}
	})
}

// Whatever is left through the door becomes a message that can be read as every other, or is refused.
func FuzzVoiceMessage(f *testing.F) {
	for _, seed := range []string{`{"mailbox":"alice","number":"1","seconds":1}`, `{"mailbox":"alice@example.test","from":"bob","at":"0001-01-01T00:00:00Z","audio":"UklGRg==","file":"a\"b\r\nc.wav"}`,
		`{"mailbox":"alice","class":"\u0000","protected":true,"text":"]]>","name":"\ufffe"}`, `{"mailbox":"nobody"}`, `[]`} {
		f.Add(seed)
	}
	s, err := New(Config{People: people()})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() {
		if err := s.Close(); err != nil {
			f.Error(err)
		}
	})
	f.Fuzz(func(t *testing.T, body string) {
		if len(body) > 4096 {
			return
		}
		r := httptest.NewRequest(http.MethodPost, VoicemailPath, strings.NewReader(body))
		r.RemoteAddr = "127.0.0.1:1"
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		s.serveVoicemail(w, r)
		if w.Code == http.StatusInternalServerError {
			t.Fatalf("%q: %s", body, w.Body)
		}
		if w.Code != http.StatusCreated {
			return
		}
		var said struct{ ID string }
		if err := json.Unmarshal(w.Body.Bytes(), &said); err != nil {
			t.Fatal(err)
		}
		i, err := parseID(said.ID)
		if err != nil {
			t.Fatal(err)
		}
		err = s.update(t.Context(), func(x *tx) error {
			it, err := x.item(i.Row)
			if err != nil {
				return err
			}
			c := &call{ctx: t.Context(), s: s, me: s.people.byID[it.Mailbox]}
			if _, err := c.items(x, []*item{it}, everything()); err != nil {
				return err
			}
			return x.eraseItem(it)
		})
		if err != nil {
			t.Fatalf("%q: %v", body, err)
		}
	})
}
