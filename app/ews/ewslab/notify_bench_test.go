package ewslab

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
)

// From a change's request to its event on a stream, with a thousand mailboxes watched on five streams.
func BenchmarkChangeToEvent(b *testing.B) {
	const watched = 1000
	s, people := full(b, watched, 0)
	s.auth.service = &Account{"svc", "p"}
	h := httptest.NewServer(s.Handler())
	b.Cleanup(func() {
		s.hangUp()
		h.CloseClientConnections()
		h.Close()
	})
	post := func(user, body string) *http.Response {
		header := `<t:ExchangeImpersonation><t:ConnectingSID><t:PrimarySmtpAddress>` + user + `@example.test</t:PrimarySmtpAddress></t:ConnectingSID></t:ExchangeImpersonation>`
		req, err := http.NewRequest(http.MethodPost, h.URL+Path, strings.NewReader(envelopeOf(header, body)))
		if err != nil {
			b.Fatal(err)
		}
		req.SetBasicAuth("svc", "p")
		resp, err := h.Client().Do(req)
		if err != nil {
			b.Fatal(err)
		}
		return resp
	}
	whole := func(resp *http.Response) string {
		data, err := io.ReadAll(resp.Body)
		if closeErr := resp.Body.Close(); err != nil || closeErr != nil {
			b.Fatal(err, closeErr)
		}
		return string(data)
	}
	var ids []string
	for _, p := range people {
		answer := whole(post(p.User, `<m:Subscribe><m:StreamingSubscriptionRequest><t:FolderIds>`+folderID("calendar")+`</t:FolderIds><t:EventTypes><t:EventType>CreatedEvent</t:EventType></t:EventTypes></m:StreamingSubscriptionRequest></m:Subscribe>`))
		_, rest, _ := strings.Cut(answer, "SubscriptionId>")
		id, _, _ := strings.Cut(rest, "<")
		ids = append(ids, id)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	heard := make(chan struct{}, 1000)
	for part := range slices.Chunk(ids, maxStreamSubscriptions) {
		resp := post("u0", `<m:GetStreamingEvents><m:SubscriptionIds><t:SubscriptionId>`+strings.Join(part, `</t:SubscriptionId><t:SubscriptionId>`)+`</t:SubscriptionId></m:SubscriptionIds><m:ConnectionTimeout>30</m:ConnectionTimeout></m:GetStreamingEvents>`)
		go func() {
			buffer := make([]byte, 64<<10)
			for {
				n, err := resp.Body.Read(buffer)
				for range bytes.Count(buffer[:n], []byte("</t:CreatedEvent>")) {
					select {
					case heard <- struct{}{}:
					case <-ctx.Done():
						return
					}
				}
				if err != nil {
					return
				}
			}
		}()
	}
	var took []time.Duration
	b.ResetTimer()
	for i := 0; b.Loop(); i++ {
		began := time.Now()
		whole(post(people[i*7%watched].User, fmt.Sprintf(`<m:CreateItem SendMeetingInvitations="SendToNone"><m:Items><t:CalendarItem><t:Subject>%d</t:Subject><t:Start>2026-03-04T10:00:00Z</t:Start><t:End>2026-03-04T11:00:00Z</t:End></t:CalendarItem></m:Items></m:CreateItem>`, i)))
		<-heard
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
}
