package views

import (
	"strings"
	"time"

	"portico/app/portal"
)

// SettingsPage is the page /settings; the settings themselves are the frame's.
type SettingsPage struct {
	Frame
	// Zones are the time zones to choose from.
	Zones    []string
	Sessions []Session
	// Places are where the person is signed in, with what each says; nil: only Sessions are known.
	Places []portal.Place
	// Saved is set after they were stored.
	Saved bool
	// Saving is what is kept in Exchange; nil where this portal keeps nothing there.
	Saving *portal.Saving
	// ThinChoice is the kind of session that was chosen: Settings.Thin, or ThinHere.
	ThinChoice string
	// LanguageDecided is the language that policy decides on; empty: people choose.
	LanguageDecided string
}

// language is what the choice of languages shows: what is decided, else the person's choice, in a form that is offered.
func (v SettingsPage) language() string {
	if v.LanguageDecided != "" {
		return v.Set().For(v.LanguageDecided).Tag()
	}
	if v.Settings.Locale == "" {
		return ""
	}
	return v.Set().For(v.Settings.Locale).Tag()
}

// Session is one place where the person is signed in.
type Session struct {
	// Agent is the browser's User-Agent header, Remote its network address.
	Agent, Remote        string
	CreatedAt, ExpiresAt time.Time
	// Current is the session this page belongs to.
	Current bool
}

type theme struct{ Value, Key string }

func themes() []theme {
	return []theme{{"", "settings.theme-system"}, {"light", "settings.theme-light"}, {"dark", "settings.theme-dark"}}
}

// browser names a browser and its system from what it says of itself, which is enough to know one's own again.
func (s Session) browser(r Reader) string {
	find := func(names ...string) string {
		for i := 0; i+1 < len(names); i += 2 {
			if strings.Contains(s.Agent, names[i]) {
				return names[i+1]
			}
		}
		return ""
	}
	program := find("Edg/", "Edge", "OPR/", "Opera", "Firefox/", "Firefox", "Chrome/", "Chrome", "Safari/", "Safari", "curl/", "curl")
	system := find("Windows", "Windows", "Android", "Android", "iPhone", "iPhone", "iPad", "iPad", "Mac OS", "macOS", "CrOS", "ChromeOS", "Linux", "Linux")
	switch {
	case program == "":
		return r.Text("settings.session-program")
	case system == "":
		return program
	}
	return r.Text("settings.session-browser", "Program", program, "System", system)
}
