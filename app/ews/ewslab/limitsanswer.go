package ewslab

// The shapes in which Exchange refuses what is over a limit, and pages that the limits shorten.

import (
	"fmt"
	"net/http"
	"strconv"
	"time"
)

const busyText = "The server cannot service this request right now. Try again later."

// busyFault is the fault of throttling; the text is the one that clients know it by.
func busyFault(wait time.Duration) *fault {
	return &fault{Code: "ErrorServerBusy", Text: busyText, Values: []attr{backOffValue(wait)}}
}

func backOffValue(wait time.Duration) attr {
	return attr{"BackOffMilliseconds", strconv.FormatInt(wait.Milliseconds(), 10)}
}

// overConcurrency is the fault for one too many at once.
func overConcurrency(text, policy string, limit int) *fault {
	return &fault{Code: "ErrorExceededConnectionCount", Text: text, Values: policyValues(policy, limit, 0)}
}

// policyValues say which part of the policy was in the way.
func policyValues(policy string, limit int, wait time.Duration) []attr {
	return []attr{{"Policy", policy}, {"MaxConcurrencyLimit", strconv.Itoa(limit)},
		{"ErrorMessage", fmt.Sprintf("This operation exceeds the throttling budget for policy part '%s', policy value '%d',  Budget type: 'Ews'.  Suggested backoff time %d ms.",
			policy, limit, wait.Milliseconds())}}
}

// answerLimited answers a request that was refused by enter, in the shape of its kind.
func (s *Server) answerLimited(c *call, err error) error {
	if whole, ok := err.(*fault); ok && whole.Code == "ErrorServerBusy" && s.limiter.inForce().Queued {
		ms, errValue := strconv.ParseInt(whole.Values[0].Value, 10, 64)
		if errValue != nil {
			return errValue
		}
		wait := time.Duration(ms) * time.Millisecond
		c.w.Header().Set("Retry-After", strconv.Itoa(int((wait+time.Second-1)/time.Second)))
		http.Error(c.w, "Service Unavailable", http.StatusServiceUnavailable)
		return nil
	}
	one, ok := err.(*failure)
	if !ok {
		return s.answerError(c, err)
	}
	resp, err := c.messages(1, func(int) ([]*node, error) { return nil, one })
	if err != nil {
		return s.answerError(c, err)
	}
	return s.answer(c.w, resp)
}

// page is page with what the limits leave of it.
func (c *call) page(total int) (from, to, next int, last bool, err error) {
	from, to, next, last, err = page(c.req, total)
	if err != nil {
		return from, to, next, last, err
	}
	search := len(c.req.kid("Restriction").kids()) > 0 || c.req.kid("QueryString") != nil
	want := to - from
	got := c.s.limiter.enterFind(c, want, search)
	if got == want {
		return from, to, next, last, nil
	}
	_, sp1 := dialectNamed("Exchange2010_SP1")
	paged := false
	for _, view := range []string{"IndexedPageItemView", "IndexedPageFolderView", "FractionalPageItemView", "FractionalPageFolderView"} {
		paged = paged || c.req.kid(view) != nil
	}
	switch {
	case c.dialect < sp1:
		c.s.limiter.refused(LimitFind)
		return 0, 0, 0, false, &failure{Code: "ErrorServerBusy", Text: busyText, Values: []attr{backOffValue(time.Second)}}
	case !paged || got == 0:
		c.s.limiter.refused(LimitFind)
		return 0, 0, 0, false, tooManyFound()
	case pagesBackwards(c.req):
		return to - got, to, next - (want - got), false, nil
	}
	return from, from + got, next - (want - got), false, nil
}

// pagesBackwards says whether pages run from the end.
func pagesBackwards(req *node) bool {
	for _, view := range []string{"IndexedPageItemView", "IndexedPageFolderView"} {
		if v := req.kid(view); v != nil && v.attr("BasePoint") == "End" {
			return true
		}
	}
	return false
}

func tooManyFound() error {
	return fail(errorTooMany, "You have exceeded the maximum number of objects that can be returned for the find operation. Use paging to reduce the result size and try your request again.")
}
