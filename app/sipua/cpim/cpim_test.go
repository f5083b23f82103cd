package cpim

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"portico/app/portal"
)

var sent = time.Date(2026, 11, 21, 22, 12, 23, 0, time.UTC)

func read(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestAMessageInLinphonesForm(t *testing.T) {
	in := read(t, "linphone.cpim")
	m, err := Parse(in)
	if err != nil {
		t.Fatal(err)
	}
	want := Message{
		From: Party{URI: "sip:alice@example.test"}, To: []Party{{URI: "sip:bob@example.test"}}, DateTime: sent, MessageID: "lj8xQ4tV~Ykz",
		Dispositions: []string{PositiveDelivery, NegativeDelivery, Display}, ContentType: "text/plain;charset=UTF-8", Body: []byte("Grüße & \"quotes\""),
	}
	if !reflect.DeepEqual(m, want) {
		t.Errorf("got  %+v\nwant %+v", m, want)
	}
	if !m.Wants(Display) || m.Wants(Processing) || m.IsNotification() {
		t.Errorf("wants display %v, processing %v; notification %v", m.Wants(Display), m.Wants(Processing), m.IsNotification())
	}
	unix, err := Parse(bytes.ReplaceAll(in, []byte("\r\n"), []byte("\n")))
	if err != nil || !reflect.DeepEqual(unix, want) {
		t.Errorf("with LF: %+v, %v", unix, err)
	}
}

func TestANotificationInLinphonesForm(t *testing.T) {
	m, err := Parse(read(t, "linphone-imdn.cpim"))
	if err != nil || !m.IsNotification() {
		t.Fatalf("%+v, %v", m, err)
	}
	n, err := ParseIMDN(m.Body)
	if want := (IMDN{MessageID: "lj8xQ4tV~Ykz", DateTime: sent, Kind: KindDelivery, Status: Delivered}); err != nil || n != want {
		t.Errorf("%+v, %v", n, err)
	}
}

// The examples of RFC 3862 section 5 and RFC 5438 section 10, with their peculiarities together.
const everything = "From: MR SANDERS <im:piglet@100akerwood.com>\r\n" +
	"To: Depressed Donkey <im:eeyore@100akerwood.com>\r\n" +
	"To: \"Rabbit \\\"R\\\" \\\\ Sons\" <im:rabbit@100akerwood.com>\r\n" +
	"cc: <im:owl@100akerwood.com>\r\n" +
	"DateTime: 2000-12-13T13:40:00-08:00\r\n" +
	"Subject: the weather will be fine\\ttoday\\u0021\r\n" +
	"Subject:;lang=fr beau temps pr\u00e9vu pour aujourd'hui\r\n" +
	"NS: MyFeatures <mid:MessageFeatures@id.foo.com>\r\n" +
	"Require: MyFeatures.VitalMessageOption, imdn.Message-ID\r\n" +
	"MyFeatures.VitalMessageOption: Confirmation-requested\r\n" +
	"MyFeatures.WackyMessageOption:;p=1 Use-silly-font\r\n" +
	"NS: i<urn:ietf:params:imdn>\r\n" +
	"i.Message-ID: <34jk324j>\r\n" +
	"i.Disposition-Notification: Positive-Delivery;x=1,\r\n display\r\n" +
	"i.Original-To: <im:eeyore@old.example>\r\n" +
	"i.IMDN-Record-Route: <sip:server1.example.com>\r\n" +
	"i.IMDN-Route: <sip:server2.example.com>\r\n" +
	"undeclared.Thing: value\r\n" +
	"\r\n" +
	"Content-Type: text/xml; charset=utf-8\r\n" +
	"Content-ID: <1234567890@foo.com>\r\n" +
	"Content-Transfer-Encoding: base64\r\n" +
	"\r\n" +
	"PGJvZHk+SGVyZTwvYm9keT4="

func TestEverythingAMessageCanHave(t *testing.T) {
	in := strings.Replace(everything, "MyFeatures.VitalMessageOption, imdn", "i", 1) // what is required must be known
	m, err := Parse([]byte(in))
	if err != nil {
		t.Fatal(err)
	}
	want := Message{
		From: Party{"MR SANDERS", "im:piglet@100akerwood.com"}, To: []Party{{"Depressed Donkey", "im:eeyore@100akerwood.com"}, {`Rabbit "R" \ Sons`, "im:rabbit@100akerwood.com"}},
		CC: []Party{{"", "im:owl@100akerwood.com"}}, DateTime: time.Date(2000, 12, 13, 21, 40, 0, 0, time.UTC), Subject: "the weather will be fine\ttoday!",
		MessageID: "34jk324j", Dispositions: []string{PositiveDelivery, Display}, OriginalTo: &Party{"", "im:eeyore@old.example"},
		RecordRoute: []Party{{"", "sip:server1.example.com"}}, Route: []Party{{"", "sip:server2.example.com"}}, Require: []string{"imdn.Message-ID"},
		Headers: []Header{
			{Name: "Subject", Params: ";lang=fr", Value: "beau temps prévu pour aujourd'hui"},
			{Namespace: "mid:MessageFeatures@id.foo.com", Name: "VitalMessageOption", Value: "Confirmation-requested"},
			{Namespace: "mid:MessageFeatures@id.foo.com", Name: "WackyMessageOption", Params: ";p=1", Value: "Use-silly-font"},
			{Name: "undeclared.Thing", Value: "value"},
		},
		ContentType: "text/xml; charset=utf-8", ContentHeaders: []MIMEHeader{{"Content-ID", "<1234567890@foo.com>"}}, Body: []byte("<body>Here</body>"),
	}
	if !reflect.DeepEqual(m, want) {
		t.Errorf("got  %+v\nwant %+v", m, want)
	}
	b, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	back, err := Parse(b)
	if err != nil || !reflect.DeepEqual(back, m) {
		t.Errorf("%v\n%s\ngot  %+v\nwant %+v", err, b, back, m)
	}
}

func TestARequiredHeaderThatIsNotKnownRefusesTheMessage(t *testing.T) {
	if _, err := Parse([]byte(everything)); !errors.Is(err, portal.ErrInvalid) || !strings.Contains(err.Error(), "VitalMessageOption") {
		t.Error(err)
	}
}

func TestWhatIsNotAMessage(t *testing.T) {
	good := string(read(t, "linphone.cpim"))
	for name, in := range map[string]string{
		"nothing":             "",
		"text":                "hello",
		"no From":             strings.Replace(good, "From: ", "Form: ", 1),
		"no To":               strings.Replace(good, "To: ", "Too: ", 1),
		"From without end":    strings.Replace(good, "alice@example.test>", "alice@example.test", 1),
		"From of words":       strings.Replace(good, "<sip:alice@example.test>", "Alice", 1),
		"no content headers":  good[:strings.Index(good, "Content-Type")],
		"header without name": strings.Replace(good, "NS: ", ": ", 1),
		"namespace":           strings.Replace(good, "imdn <urn:ietf:params:imdn>", "imdn", 1),
		"content header":      strings.Replace(good, "Content-Length: 18", "nonsense", 1),
		"transfer encoding":   strings.Replace(good, "Content-Length: 18", "Content-Transfer-Encoding: uuencode", 1),
		"base64":              strings.Replace(good, "Content-Length: 18", "Content-Transfer-Encoding: base64", 1),
		"too many headers":    strings.Repeat("X: y\r\n", maxHeaders+1) + good,
		"too large":           good + strings.Repeat("x", MaxBytes),
	} {
		if m, err := Parse([]byte(in)); !errors.Is(err, portal.ErrInvalid) || m.Body != nil {
			t.Errorf("%s: %+v, %v", name, m, err)
		}
	}
}

func TestLenience(t *testing.T) {
	good := string(read(t, "linphone.cpim"))
	for name, tc := range map[string]struct {
		in string
		ok func(Message) bool
	}{
		"bare addresses":         {strings.NewReplacer("<sip:alice@example.test>", "sip:alice@example.test").Replace(good), func(m Message) bool { return m.From.URI == "sip:alice@example.test" }},
		"no NS":                  {strings.Replace(good, "NS: imdn <urn:ietf:params:imdn>\r\n", "", 1), func(m Message) bool { return m.MessageID == "lj8xQ4tV~Ykz" && m.Wants(Display) }},
		"header names":           {strings.NewReplacer("From:", "from:", "To:", "TO :", "imdn.Message-ID", "imdn.Message-Id").Replace(good), func(m Message) bool { return m.MessageID == "lj8xQ4tV~Ykz" }},
		"no date":                {strings.Replace(good, "2026-11-21T22:12:23Z", "tea time", 1), func(m Message) bool { return m.DateTime.IsZero() }},
		"no content type":        {strings.Replace(good, "Content-Type: text/plain;charset=UTF-8\r\n", "", 1), func(m Message) bool { return m.ContentType == "text/plain" }},
		"length beyond the body": {strings.Replace(good, "Content-Length: 18", "Content-Length: 99", 1), func(m Message) bool { return len(m.Body) == 18 }},
		"length short of it":     {strings.Replace(good, "Content-Length: 18", "Content-Length: 7", 1), func(m Message) bool { return string(m.Body) == "Grüße" }},
		"quoted-printable":       {strings.Replace(good, "Content-Length: 18", "Content-Transfer-Encoding: quoted-printable", 1), func(m Message) bool { return len(m.Body) > 0 }},
		"odd escapes":            {strings.Replace(good, "NS:", "Subject: a\\q\\u12\\\r\nNS:", 1), func(m Message) bool { return m.Subject == `a\q\u12\` }},
	} {
		m, err := Parse([]byte(tc.in))
		if err != nil || !tc.ok(m) {
			t.Errorf("%s: %+v, %v", name, m, err)
		}
	}
}

func TestWhatCannotBeWritten(t *testing.T) {
	good := Message{From: Party{URI: "sip:a@b.test"}, To: []Party{{URI: "sip:c@d.test"}}, Body: []byte("x")}
	for name, spoil := range map[string]func(*Message){
		"no From":          func(m *Message) { m.From = Party{} },
		"no To":            func(m *Message) { m.To = nil },
		"line in a URI":    func(m *Message) { m.To = []Party{{URI: "sip:c@d.test>\r\nX: y"}} },
		"line in an id":    func(m *Message) { m.MessageID = "a\r\nb" },
		"line in a type":   func(m *Message) { m.ContentType = "text/plain\r\nX: y" },
		"line in a header": func(m *Message) { m.Headers = []Header{{Name: "X\r\nY", Value: "z"}} },
		"bad parameters":   func(m *Message) { m.Headers = []Header{{Name: "X", Params: "p", Value: "z"}} },
	} {
		m := good
		spoil(&m)
		if b, err := m.Encode(); !errors.Is(err, portal.ErrInvalid) {
			t.Errorf("%s: %q, %v", name, b, err)
		}
	}
	good.From.Name, good.Subject = "Eve\r\nTo: <sip:x@y.test>", "a\nb\x01"
	b, err := good.Encode()
	if err != nil {
		t.Fatal(err)
	}
	m, err := Parse(b)
	if err != nil || m.From.Name != good.From.Name || m.Subject != good.Subject || len(m.To) != 1 {
		t.Errorf("%+v, %v\n%s", m, err, b)
	}
}

func TestIMDNDocuments(t *testing.T) {
	for kind, statuses := range allowed {
		for _, status := range statuses {
			n := IMDN{MessageID: "a<b>&c", DateTime: sent, Recipient: "im:bob@example.test", OriginalRecipient: "im:b@old.example", Subject: "s", Kind: kind, Status: status}
			b, err := EncodeIMDN(n)
			if err != nil || !strings.Contains(string(b), `xmlns="urn:ietf:params:xml:ns:imdn"`) {
				t.Fatalf("%v\n%s", err, b)
			}
			back, err := ParseIMDN(b)
			if n.MessageID = "a<b>&c"; err != nil || back != n {
				t.Errorf("%+v, %v\n%s", back, err, b)
			}
		}
	}
	for name, n := range map[string]IMDN{
		"no id": {Kind: KindDelivery, Status: Delivered}, "no kind": {MessageID: "x", Status: Delivered}, "wrong status": {MessageID: "x", Kind: KindDisplay, Status: Delivered}, "nothing": {},
	} {
		if b, err := EncodeIMDN(n); !errors.Is(err, portal.ErrInvalid) {
			t.Errorf("%s: %s, %v", name, b, err)
		}
	}
	for name, in := range map[string]string{
		"no XML": "delivered", "other root": "<presence/>", "no id": "<imdn><delivery-notification><status><delivered/></status></delivery-notification></imdn>",
		"no status": "<imdn><message-id>x</message-id></imdn>", "unknown status": "<imdn><message-id>x</message-id><display-notification><status><delivered/></status></display-notification></imdn>",
		"DTD": "<!DOCTYPE imdn><imdn><message-id>x</message-id><delivery-notification><status><delivered/></status></delivery-notification></imdn>",
	} {
		if n, err := ParseIMDN([]byte(in)); !errors.Is(err, portal.ErrInvalid) || n != (IMDN{}) {
			t.Errorf("%s: %+v, %v", name, n, err)
		}
	}
}

func TestNotificationsAnswerAMessage(t *testing.T) {
	received, err := Parse(read(t, "linphone.cpim"))
	if err != nil {
		t.Fatal(err)
	}
	received.RecordRoute = []Party{{URI: "sip:relay.example.test"}}
	received.OriginalTo = &Party{URI: "sip:robert@example.test"}
	m, err := Notification(received, Party{}, KindDisplay, Displayed, "n1", sent.Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	b, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	back, err := Parse(b)
	if err != nil || !back.IsNotification() || back.From.URI != "sip:bob@example.test" || back.To[0].URI != "sip:alice@example.test" ||
		back.MessageID != "n1" || len(back.Dispositions) != 0 || len(back.Route) != 1 || back.Disposition != "notification" || !back.DateTime.Equal(sent.Add(time.Minute)) {
		t.Fatalf("%+v, %v\n%s", back, err, b)
	}
	n, err := ParseIMDN(back.Body)
	if want := (IMDN{MessageID: "lj8xQ4tV~Ykz", DateTime: sent, Recipient: "sip:bob@example.test", OriginalRecipient: "sip:robert@example.test", Kind: KindDisplay, Status: Displayed}); err != nil || n != want {
		t.Errorf("%+v, %v", n, err)
	}
	if _, err := Notification(back, Party{}, KindDelivery, Delivered, "n2", sent); !errors.Is(err, portal.ErrInvalid) {
		t.Errorf("a notification about a notification: %v", err)
	}
	if _, err := Notification(received, Party{}, KindDisplay, Stored, "n3", sent); !errors.Is(err, portal.ErrInvalid) {
		t.Errorf("a status the kind cannot have: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(read(f, "linphone.cpim"))
	f.Add(read(f, "linphone-imdn.cpim"))
	f.Add([]byte(everything))
	f.Add([]byte(strings.Replace(everything, "MyFeatures.VitalMessageOption, imdn", "i", 1)))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Parse(b)
		if err != nil {
			if !errors.Is(err, portal.ErrInvalid) {
				t.Fatalf("an error without meaning: %v", err)
			}
			return
		}
		if m.From.URI == "" || len(m.To) == 0 {
			t.Fatalf("from %+v to %+v", m.From, m.To)
		}
		out, err := m.Encode()
		if err != nil {
			return // an odd name or URI that is not repeated
		}
		again, err := Parse(out)
		if err != nil && len(out) <= MaxBytes && len(m.Require) == 0 {
			t.Fatalf("%v\n%q\n%q", err, b, out)
		}
		if err == nil && !bytes.Equal(again.Body, m.Body) {
			t.Fatalf("body %q became %q", m.Body, again.Body)
		}
	})
}

func FuzzParseIMDN(f *testing.F) {
	m, err := Parse(read(f, "linphone-imdn.cpim"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(m.Body)
	f.Add([]byte("<imdn><message-id>x</message-id><display-notification><status><displayed/></status></display-notification></imdn>"))
	f.Fuzz(func(t *testing.T, b []byte) {
		n, err := ParseIMDN(b)
		if err != nil {
			if !errors.Is(err, portal.ErrInvalid) {
				t.Fatal(err)
			}
			return
		}
		out, err := EncodeIMDN(n)
		if err != nil {
			t.Fatalf("%+v: %v", n, err)
		}
		if back, err := ParseIMDN(out); err != nil || back != n {
			t.Fatalf("%+v became %+v, %v", n, back, err)
		}
	})
}
