package soap

import (
	"strings"
	"testing"
)

// What is said is told without credentials, bounded, also when there is no answer or a refusal.
func TestTraceTellsBothSides(t *testing.T) {
	long := strings.Repeat("ü", TraceMax)
	c, _ := scripted(t, func(o *Options) { o.Auth = Basic("svc", "hush") }, reply(500, "text/plain", "later"), xmlReply(itemAnswer("a")+"<!-- "+long+" -->"))
	var sent, came []string
	as := As{Trace: func(out bool, text string) {
		if out {
			sent = append(sent, text)
		} else {
			came = append(came, text)
		}
	}}
	if _, err := c.GetItem(t.Context(), as, getItem("a")); err != nil {
		t.Fatal(err)
	}
	if len(sent) != 2 || len(came) != 2 || !strings.Contains(sent[1], `<t:ItemId Id="a"`) || !strings.Contains(came[0], "later") || !strings.Contains(came[1], "GetItemResponse") {
		t.Fatalf("sent %q, came %.200q", sent, came)
	}
	if n := len(came[1]); n > TraceMax+8 || !strings.HasSuffix(came[1], "…") {
		t.Errorf("%d bytes, %.40q … %q", n, came[1], came[1][n-8:])
	}
	if all := strings.Join(append(sent, came...), ""); strings.Contains(all, "hush") || strings.Contains(all, "Authorization") || strings.Contains(all, "c3ZjOmh1c2g") {
		t.Error("a credential is told of")
	}
}
