package soap

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"portico/app/ews/soap/binding"
)

// Whatever a server sends: an answer, a fault or an error, never anything else and never for ever.

func FuzzAnswer(f *testing.F) {
	f.Add([]byte(envelope(itemAnswer("a", "ErrorItemNotFound"))))
	f.Add([]byte(envelope(faultBody("ErrorServerBusy", "later", backOff(0)))))
	f.Add([]byte("<html><body>no</html>"))
	f.Add([]byte(`<Envelope><Body><GetItemResponse><ResponseMessages><GetItemResponseMessage><Items><CalendarItem><Start>2026</Start><Attachments><FileAttachment><Content>!</Content></FileAttachment></Attachments></CalendarItem></Items></GetItemResponseMessage></ResponseMessages></GetItemResponse></Body></Envelope>`))
	codec := &binding.Codec{}
	f.Fuzz(func(t *testing.T, in []byte) {
		read := func(r io.Reader) (GetItemResponse, answer, error) {
			var resp GetItemResponse
			a, err := decode(reader(codec, r, 1<<16), "GetItemResponse", &resp)
			return resp, a, err
		}
		resp, a, err := read(bytes.NewReader(in))
		if err != nil {
			if e := broken(err, ""); e.meaning == nil {
				t.Fatalf("%v has no meaning", err)
			}
			return
		}
		again, _, perr := read(iotest.OneByteReader(bytes.NewReader(in)))
		if perr != nil || len(again.Messages) != len(resp.Messages) {
			t.Fatalf("in pieces %v, %d messages for %d", perr, len(again.Messages), len(resp.Messages))
		}
		for i := range resp.Messages {
			if m := resp.Messages[i]; m.Err() != nil && m.failed() == (m.Class == "Success") {
				t.Fatalf("%+v", m)
			}
		}
		if a.fault != nil && a.fault.BackOff > maxBackOff {
			t.Fatalf("a pause of %v", a.fault.BackOff)
		}
	})
}

func FuzzStream(f *testing.F) {
	f.Add([]byte(alive + happened("s1") + closed + closed))
	f.Add([]byte(prefixed(alive + happened("s1") + lost)))
	f.Add([]byte(envelope(faultBody("ErrorExceededConnectionCount", "no", ""))))
	f.Fuzz(func(t *testing.T, in []byte) {
		listen := func(body io.Reader) (heard, error) {
			s := &script{steps: []step{bodyReply(body)}}
			c, err := New(Options{URL: "https://mail.example.org/", HTTP: &http.Client{Transport: s}, MaxAnswer: 1 << 16, Logger: slog.New(slog.DiscardHandler)})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			var got heard
			err = c.Stream(t.Context(), As{}, []string{"s1"}, 30, got.each)
			return got, err
		}
		whole, err := listen(bytes.NewReader(in))
		pieces, perr := listen(iotest.OneByteReader(bytes.NewReader(in)))
		if strings.Join(whole, "|") != strings.Join(pieces, "|") || (err == nil) != (perr == nil) {
			t.Fatalf("whole %q %v, in pieces %q %v", whole, err, pieces, perr)
		}
		if err == nil && !bytes.Contains(in, []byte("Closed")) {
			t.Fatal("ended well without being closed")
		}
	})
}

func FuzzAutodiscover(f *testing.F) {
	f.Add([]byte(poxSettings("https://in.example.org/EWS/Exchange.asmx", ewsURL)))
	f.Add([]byte(pox(`<Action>redirectAddr</Action><RedirectAddr>a@b</RedirectAddr>`)))
	f.Add([]byte(pox(`<Action>redirectUrl</Action><RedirectUrl>https://x/</RedirectUrl>`)))
	f.Add([]byte(poxNo))
	f.Add([]byte(userSettings(ewsURL)))
	codec := &binding.Codec{}
	f.Fuzz(func(t *testing.T, in []byte) {
		s := &search{o: DiscoverOptions{Email: "ann@example.org"}, codec: codec, email: "ann@example.org"}
		check := func(r found, err error) {
			if err == nil && r == (found{}) {
				t.Fatal("neither result nor error")
			}
			if r.result != nil {
				if _, err := checkURL(r.result.EWSURL, false); err != nil {
					t.Fatalf("a result that passwords may not be sent to: %v", err)
				}
			}
		}
		if doc, err := decodePOX(codec.Reader(binding.NewScanner(bytes.NewReader(in), maxDiscovery, discoverDepth))); err == nil {
			check(s.readPOX(doc, "x"))
		}
		var doc settingsAnswer
		if a, err := decode(codec.Reader(binding.NewScanner(bytes.NewReader(in), maxDiscovery, discoverDepth)), "GetUserSettingsResponseMessage", &doc); err == nil && a.fault == nil {
			check(s.readSettings(&doc, "x"))
		}
	})
}
