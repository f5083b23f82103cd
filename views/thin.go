package views

import "portico/app/portal"

// ThinHere is the choice of a thin session in one browser only; the others are those of portal.Settings.
const ThinHere = "here"

// photoSize is how large a person's picture is shown that was asked for, in pixels.
const photoSize = 96

// session is the kind of session as pages say it: "thin" or "full".
func session(r Reader) string {
	if r.Thin {
		return "thin"
	}
	return "full"
}

// thinChoices are the kinds of sessions to choose from.
func thinChoices() []theme {
	return []theme{{"", "thin.auto"}, {"on", "thin.on"}, {ThinHere, "thin.here"}, {"off", "thin.off"}}
}

// thinDecided reports whether policy has decided, so that there is nothing to choose.
func (v SettingsPage) thinDecided() bool { return v.ThinFrom == portal.ThinPolicy }

// thinWhy says why the session is what it is, where the person has not chosen it.
func (v SettingsPage) thinWhy() string {
	switch {
	case v.ThinFrom == portal.ThinPolicy && v.Thin:
		return v.Text("settings.decided-on")
	case v.ThinFrom == portal.ThinPolicy:
		return v.Text("settings.decided-off")
	case v.ThinFrom == portal.ThinNetwork || v.ThinFrom == portal.ThinHeader:
		return v.Text("thin.from-connection")
	}
	return ""
}
