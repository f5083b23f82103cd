package soap

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"portico/app/portal"
)

const (
	streamOpen  = `<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/"><soap11:Header xmlns:soap11="http://schemas.xmlsoap.org/soap/envelope/"/><soap11:Body xmlns:soap11="s"><m:GetStreamingEventsResponse xmlns:m="m" xmlns:t="t"><m:ResponseMessages><m:GetStreamingEventsResponseMessage ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode>`
	streamClose = `</m:GetStreamingEventsResponseMessage></m:ResponseMessages></m:GetStreamingEventsResponse></soap11:Body></Envelope>`
	alive       = streamOpen + `<m:ConnectionStatus>OK</m:ConnectionStatus>` + streamClose
	closed      = streamOpen + `<m:ConnectionStatus>Closed</m:ConnectionStatus>` + streamClose
	lost        = `<Envelope><Body><GetStreamingEventsResponse><ResponseMessages><GetStreamingEventsResponseMessage ResponseClass="Error"><MessageText>gone</MessageText><ResponseCode>ErrorSubscriptionNotFound</ResponseCode><ErrorSubscriptionIds><SubscriptionId>s1</SubscriptionId><SubscriptionId>s7</SubscriptionId></ErrorSubscriptionIds></GetStreamingEventsResponseMessage></ResponseMessages></GetStreamingEventsResponse></Body></Envelope>`
)

func happened(id string) string {
	return streamOpen + `<m:Notifications><m:Notification><t:SubscriptionId>` + id + `</t:SubscriptionId><t:CreatedEvent><t:TimeStamp>2026-11-22T09:00:00.1234567Z</t:TimeStamp><t:ItemId Id="i" ChangeKey="c"/><t:ParentFolderId Id="f"/></t:CreatedEvent>` +
		`<t:MovedEvent><t:TimeStamp>2026-11-22T09:00:01Z</t:TimeStamp><t:ItemId Id="n"/><t:ParentFolderId Id="f"/><t:OldItemId Id="o"/><t:OldParentFolderId Id="g"/></t:MovedEvent></m:Notification></m:Notifications>` + streamClose
}

// prefixed is the same stream as another server writes it: every element with a prefix, an XML
// declaration before the first envelope only.
func prefixed(s string) string {
	s = strings.ReplaceAll(s, "<Envelope xmlns=", "<SOAP:Envelope xmlns:SOAP=")
	return `<?xml version="1.0" encoding="UTF-8"?>` + strings.ReplaceAll(s, "</Envelope>", "</SOAP:Envelope>\r\n")
}

func bodyReply(body io.Reader) step {
	return func(r *http.Request) (*http.Response, error) {
		resp, err := reply(200, xmlKind, "")(r)
		resp.Body = io.NopCloser(body)
		return resp, err
	}
}

// heard collects the subscriptions that a stream told of; "." is a sign of life.
type heard []string

func (h *heard) each(n Notification) error {
	if n.SubscriptionID == "" {
		*h = append(*h, ".")
		return nil
	}
	for _, e := range n.Events {
		*h = append(*h, n.SubscriptionID+" "+e.Kind)
	}
	return nil
}

func TestStreamGivesWhatHappens(t *testing.T) {
	all := alive + happened("s1") + alive + happened("s2") + closed + closed
	for name, body := range map[string]io.Reader{
		"as Exchange":  strings.NewReader(all),
		"with prefix":  strings.NewReader(prefixed(all)),
		"byte by byte": iotest.OneByteReader(strings.NewReader(prefixed(all))),
	} {
		t.Run(name, func(t *testing.T) {
			c, s := scripted(t, nil, bodyReply(body))
			var got heard
			if err := c.Stream(background(t), As{Anchor: "ann@example.org"}, []string{"s1", "s2"}, 30, got.each); err != nil {
				t.Fatal(err)
			}
			if want := ". s1 CreatedEvent s1 MovedEvent . s2 CreatedEvent s2 MovedEvent"; strings.Join(got, " ") != want {
				t.Errorf("heard %q", got)
			}
			if !strings.Contains(s.bodies[0], `<m:SubscriptionIds><t:SubscriptionId>s1</t:SubscriptionId><t:SubscriptionId>s2</t:SubscriptionId></m:SubscriptionIds><m:ConnectionTimeout>30<`) {
				t.Errorf("asked %s", s.bodies[0])
			}
			if s.heads[0].Get("X-PreferServerAffinity") != "true" || s.heads[0].Get("Accept-Encoding") != "identity" {
				t.Errorf("headers %v", s.heads[0])
			}
		})
	}
}

func TestStreamGivesEventsInFull(t *testing.T) {
	c, _ := scripted(t, nil, reply(200, xmlKind, happened("s1")+closed))
	var got []Event
	if err := c.Stream(background(t), As{}, []string{"s1"}, 1, func(n Notification) error { got = append(got, n.Events...); return nil }); err != nil {
		t.Fatal(err)
	}
	moved := got[1]
	if moved.ItemID.ID != "n" || moved.OldItemID.ID != "o" || moved.OldParentFolderID.ID != "g" || got[0].TimeStamp.UTC() != time.Date(2026, 11, 22, 9, 0, 0, 123456700, time.UTC) {
		t.Errorf("%+v", got)
	}
}

func TestStreamsThatEndBadly(t *testing.T) {
	stop := errors.New("stop")
	cases := map[string]struct {
		answer  step
		meaning error
		is      error
		says    string
	}{
		"broken off":         {reply(200, xmlKind, alive+happened("s1")), portal.ErrUnavailable, nil, "broke off"},
		"cut":                {reply(200, xmlKind, alive+happened("s1")[:300]), portal.ErrUnavailable, io.ErrUnexpectedEOF, "cut off"},
		"empty":              {reply(200, xmlKind, ""), portal.ErrUnavailable, nil, "cut off"},
		"page":               {reply(200, "text/html", "<html>Proxy</html>"), portal.ErrUnavailable, nil, "Proxy"},
		"lost":               {reply(200, xmlKind, alive+lost), portal.ErrNotFound, nil, "2 subscriptions"},
		"fault":              {faultReply(500, "ErrorExceededConnectionCount", ""), portal.ErrUnavailable, nil, "ErrorExceededConnectionCount"},
		"fault under 200":    {faultReply(200, "ErrorAccessDenied", ""), portal.ErrForbidden, nil, ""},
		"401":                {reply(401, "text/html", ""), portal.ErrUnauthenticated, nil, ""},
		"page under 500":     {reply(500, "text/html", "<html>no"), portal.ErrUnavailable, nil, ""},
		"not reached":        {failing, portal.ErrUnavailable, errBroken, ""},
		"too large":          {reply(200, xmlKind, alive+strings.Replace(alive, "OK", strings.Repeat("O", 5000), 1)), portal.ErrTooMany, nil, ""},
		"the caller's end":   {reply(200, xmlKind, happened("stop")), nil, stop, ""},
		"envelope under 400": {reply(400, xmlKind, alive), portal.ErrInvalid, nil, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			client, s := scripted(t, func(o *Options) { o.MaxAnswer = 4000 }, c.answer)
			err := client.Stream(background(t), As{}, []string{"s1"}, 30, func(n Notification) error {
				if n.SubscriptionID == "stop" {
					return stop
				}
				return nil
			})
			wantMeaning(t, err, c.meaning)
			if err == nil || c.is != nil && !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.says) || s.count() != 1 {
				t.Errorf("sent %d times, %v", s.count(), err)
			}
			var gone *SubscriptionsError
			if errors.As(err, &gone) != (name == "lost") || gone != nil && (len(gone.IDs) != 2 || gone.IDs[1] != "s7" || !SubscriptionLost(err)) {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestASilentStreamIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// Signs of life every 40 s, four times; then nothing, without an end.
		in, out := io.Pipe()
		c, _ := scripted(t, func(o *Options) { o.Silence = time.Minute }, func(r *http.Request) (*http.Response, error) {
			context.AfterFunc(r.Context(), func() { in.CloseWithError(r.Context().Err()) })
			return bodyReply(in)(r)
		})
		go func() {
			for range 4 {
				time.Sleep(40 * time.Second)
				if _, err := io.WriteString(out, alive); err != nil {
					t.Error(err)
				}
			}
		}()
		began := time.Now()
		var got heard
		err := c.Stream(t.Context(), As{}, []string{"s1"}, 30, got.each)
		wantMeaning(t, err, portal.ErrUnavailable)
		if !errors.Is(err, ErrSilent) || len(got) != 4 || time.Since(began) != 220*time.Second {
			t.Errorf("%v after %v, heard %q", err, time.Since(began), got)
		}
	})
}

func TestAStreamThatDoesNotBeginIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := scripted(t, nil, hang)
		err := c.Stream(t.Context(), As{}, []string{"s1"}, 30, new(heard).each)
		if !errors.Is(err, ErrSilent) {
			t.Errorf("got %v", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err = c.Stream(ctx, As{}, []string{"s1"}, 30, new(heard).each)
		if errors.Is(err, ErrSilent) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
}

func TestStreamsAreBoundedAndLeaveRoomForRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answer := func(r *http.Request) (*http.Response, error) {
			b, err := r.GetBody()
			if err != nil {
				return nil, err
			}
			body, err := io.ReadAll(b)
			if err != nil {
				return nil, err
			}
			if strings.Contains(string(body), "GetStreamingEvents") {
				return hang(r)
			}
			return xmlReply(itemAnswer("a"))(r)
		}
		c, s := scripted(t, func(o *Options) { o.Concurrency, o.Streams = 1, 1 }, answer)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 2)
		for range 2 {
			go func() { ended <- c.Stream(ctx, As{}, []string{"s"}, 30, new(heard).each) }()
		}
		synctest.Wait()
		if s.count() != 1 {
			t.Errorf("%d streams", s.count())
		}
		if _, err := c.GetItem(t.Context(), As{}, getItem("a")); err != nil {
			t.Error(err)
		}
		cancel()
		for range 2 {
			if err := <-ended; !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
		}
	})
}
