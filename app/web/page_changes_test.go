package web

import (
	"net/http"
	"strings"
	"testing"

	"portico/app/portal"
)

// What was refused far outside of the week that is shown is said by the calendar, and listed where it can be tried again or given up.
func TestRefusedChangesHaveAPage(t *testing.T) {
	h := newHouse(t, at(wednesday(t)), hasty)
	api, a := h.signIn(alice), h.viennese(alice, "en")
	first, second := api.far("far"), api.far("further")
	a.shows("/calendar/changes", "#changes-pane .empty", 1)
	h.mail.pull(true)
	api.renamed(first)
	h.refuseNext(alice)
	eventually(t, "the first is refused", func() bool { return h.failed(alice) == 1 })
	h.mail.pull(true)
	api.renamed(second)
	h.refuseNext(alice)
	eventually(t, "the second is refused", func() bool { return h.failed(alice) == 2 })

	doc := a.shows(thisWeek, `p[data-live=exchange] a[href="/calendar/changes"]`, 1)
	if got := text(doc.Find("p[data-live=exchange]")); !strings.Contains(got, "2 changes were refused.") {
		t.Errorf("the banner: %q", got)
	}
	doc = a.shows("/calendar/changes", ".unsent > li[data-sync=failed]", 2)
	row := doc.Find(".unsent > li").First()
	if got := text(row); !strings.Contains(got, "Further away") || !strings.Contains(got, "2029") || !strings.Contains(got, "Subject: Far away → Further away") || !strings.Contains(got, "Refused:") {
		t.Errorf("the page says %q", got)
	}
	retry := doc.Find(`form[action="/calendar/far/retry"]`).AttrOr("action", "")
	a.submit(retry, "here", "/calendar/changes").leadsTo("/calendar/changes")
	a.shows("/calendar/changes", ".unsent > li", 1)
	a.submit("/calendar/further/discard", "here", "/calendar/changes").leadsTo("/calendar/changes")
	a.shows("/calendar/changes", "#changes-pane .empty", 1)
	if e, ok := h.mail.inBox(alice, "Further away"); !ok || e.ID == "" && e.RemoteID == "" {
		t.Errorf("what was tried again: %+v, %v", e, ok)
	}
	if _, ok := h.mail.inBox(alice, "Far away"); !ok {
		t.Error("what was given up is no longer as it was")
	}
	a.shows(thisWeek, "p[data-live=exchange][hidden]", 1)
}

// failed is how many changes of somebody the server has refused.
func (h *house) failed(who portal.Address) int {
	st, err := h.calendar.Status(h.t.Context(), who)
	if err != nil {
		h.t.Fatal(err)
	}
	return st.Failed
}

func TestChangesPageWithoutACalendar(t *testing.T) {
	h := newHouse(t, func(s *settings) { s.noCalendar = true })
	h.viennese(alice, "en").call(http.MethodGet, "/calendar/changes", nil, http.StatusServiceUnavailable)
}
