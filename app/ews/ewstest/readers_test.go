package ewstest

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
)

const invitation = "BEGIN:VCALENDAR\r\nBEGIN:VTIMEZONE\r\nTZID:x\r\nEND:VTIMEZONE\r\nBEGIN:VEVENT\r\nUID:u-1\r\nSUMMARY:Eins\\, zwei\r\n" +
	"ATTENDEE;PARTSTAT=ACCEPTED;CN=\"Bob\":mailto:BOB@exam\r\n ple.test\r\nATTENDEE;CN=Eve:mailto:eve@example.test\r\nBEGIN:VALARM\r\nSUMMARY:not this\r\nEND:VALARM\r\n" +
	"DTSTART;TZID=\"Europe/Berlin\":20310324T090000\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nUID:u-1\r\nRECURRENCE-ID:20310331T070000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"

func TestReadEvents(t *testing.T) {
	got := readEvents(invitation)
	if len(got) != 2 {
		t.Fatalf("%d events: %q", len(got), got)
	}
	for name, want := range map[string]string{"SUMMARY": "Eins, zwei", "DTSTART": "20310324T090000", "UID": "u-1", "LOCATION": ""} {
		if v := got[0].text(name); v != want {
			t.Errorf("%s is %q, want %q", name, v, want)
		}
	}
	for email, want := range map[string]string{"bob@example.test": "ACCEPTED", "eve@example.test": "", "nobody@example.test": ""} {
		if v := got[0].partstat(email); v != want {
			t.Errorf("%s has %q, want %q", email, v, want)
		}
	}
	if got[1].text("RECURRENCE-ID") == "" || got[1].text("SUMMARY") != "" {
		t.Errorf("the exception is %q", got[1])
	}
}

func FuzzReadEvents(f *testing.F) {
	f.Add(invitation)
	f.Add("BEGIN:VEVENT\nATTENDEE;PARTSTAT=X")
	f.Fuzz(func(t *testing.T, data string) {
		for _, e := range readEvents(data) {
			for _, l := range e {
				if strings.ContainsAny(l, "\n") {
					t.Fatalf("a line of two: %q", l)
				}
			}
			e.partstat("bob@example.test")
		}
	})
}

// scripted is a connection on which somebody answers each line by what is written down.
func scripted(t *testing.T, answers ...string) net.Conn {
	t.Helper()
	near, far := net.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		r := bufio.NewReader(far)
		for _, a := range answers {
			if _, err := r.ReadString('\n'); err != nil {
				return
			}
			if _, err := io.WriteString(far, a); err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		if err := errors.Join(near.Close(), far.Close()); err != nil {
			t.Error(err)
		}
		<-done
	})
	return near
}

func TestIMAPLines(t *testing.T) {
	conn := scripted(t, "* 2 EXISTS\r\na1 OK [READ-WRITE] done\r\n", "* 1 FETCH (UID 7 BODY[HEADER] {17}\r\nSubject: {5}\r\nx\r\n FLAGS ())\r\n* 2 FETCH (UID 8)\r\na2 OK done\r\n", "a3 NO why\r\n")
	c := &imap{conn: conn, r: bufio.NewReader(conn)}
	got, err := c.messages("INBOX")
	if err != nil || len(got) != 2 || !strings.Contains(got[0], "Subject: {5}") || !strings.HasSuffix(got[0], " FLAGS ())") {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := c.command("SELECT %q", "No"); err == nil || !strings.Contains(err.Error(), "NO why") {
		t.Errorf("refused with %v", err)
	}
}

func TestBERComesBack(t *testing.T) {
	for _, size := range []int{0, 1, 127, 128, 300, 70000} {
		body := bytes.Repeat([]byte{7}, size)
		tag, got, err := readBER(bufio.NewReader(bytes.NewReader(ber(berOctets, body))))
		if err != nil || tag != berOctets || !bytes.Equal(got, body) {
			t.Errorf("%d bytes: %#x, %d bytes, %v", size, tag, len(got), err)
		}
	}
	entry := ber(ldapEntry, berText(berOctets, "uid=bob"), ber(berSequence, ber(berSequence, berText(berOctets, "mail"), ber(0x31, berText(berOctets, "bob@example.test"), berText(berOctets, "b@x"))),
		ber(berSequence, berText(berOctets, "none"), ber(0x31))))
	answer, err := ldapAnswer(bufio.NewReader(bytes.NewReader(ber(berSequence, berInt(berInteger, 2), entry))))
	if err != nil || answer.tag != ldapEntry {
		t.Fatalf("%#x, %v", answer.tag, err)
	}
	got, err := ldapAttributes(answer.body)
	if err != nil || len(got) != 2 || got["dn"] != "uid=bob" || got["mail"] != "bob@example.test" {
		t.Errorf("%v, %v", got, err)
	}
}

func FuzzLDAP(f *testing.F) {
	f.Add(ber(berSequence, berInt(berInteger, 2), ber(ldapEntry, berText(berOctets, "dn"), ber(berSequence))))
	f.Add([]byte{0x30, 0x84, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, data []byte) {
		answer, err := ldapAnswer(bufio.NewReader(bytes.NewReader(data)))
		if err != nil {
			return
		}
		if len(answer.body) > len(data) {
			t.Fatalf("%d bytes out of %d", len(answer.body), len(data))
		}
		if e, err := ldapAttributes(answer.body); err == nil && e == nil {
			t.Fatal("no entry and no error")
		}
	})
}
