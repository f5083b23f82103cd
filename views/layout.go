package views

import "portico/app/portal"

// flag is value where on, else empty: a setting and what it needs in one attribute.
func flag(on bool, value string) string {
	if on {
		return value
	}
	return ""
}

// lineText says what is wrong with the person's line.
func (r Reader) lineText(l portal.LineEvent) string {
	key := "line.down"
	if l.State == "refused" {
		key = "line.refused"
	}
	if l.Reason == "" {
		return r.Text(key)
	}
	return r.Text("line.because", "State", r.Text(key), "Reason", r.Sentence(l.Reason, map[string]string{"wait": r.Text("time.a-moment")}))
}

// scriptTexts are the texts that the page's script shows by itself.
func (r Reader) scriptTexts() map[string]string {
	texts := map[string]string{}
	for _, key := range []string{
		"cutoff", "offline", "ended", "queued", "again", "new-below", "notify-ask", "storage", "unread-mark",
	} {
		texts[key] = r.Text("script." + key)
	}
	return texts
}
