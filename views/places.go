package views

import "portico/app/portal"

// chosen is the provider that counts; empty: all places together.
func (v SettingsPage) chosen() string { return v.Settings.PresenceProvider }

// providers are the places that can be chosen as the one that counts, each provider once.
func (v SettingsPage) providers() []portal.Place {
	var out []portal.Place
	seen := map[string]bool{}
	for _, p := range v.Places {
		if p.Provider != "" && !seen[p.Provider] {
			seen[p.Provider] = true
			out = append(out, p)
		}
	}
	if c := v.chosen(); c != "" && !seen[c] {
		out = append(out, portal.Place{Name: c, Provider: c})
	}
	return out
}

// gone reports whether the provider that was chosen is not there.
func (v SettingsPage) gone(p portal.Place) bool { return p.ID == "" }

// placeName is what people call a place; a browser is known by its own description.
func (r Reader) placeName(p portal.Place) string {
	if p.Kind == portal.PlaceBrowser {
		return Session{Agent: p.Name}.browser(r)
	}
	if p.Name != "" {
		return p.Name
	}
	return r.Text("places.kind." + p.Kind)
}

// providerName is what people call a provider.
func (r Reader) providerName(p portal.Place) string {
	if p.Provider == "portal" {
		return r.Text("places.this-portal")
	}
	return r.placeName(p)
}

// placeSays is what a place says of the person; empty: nothing of its own.
func (r Reader) placeSays(p portal.Place) string {
	if p.Availability == "" {
		return ""
	}
	return r.Presence(portal.Presence{Availability: p.Availability, Activity: p.Activity, Custom: p.Custom})
}
