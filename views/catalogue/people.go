package catalogue

import (
	"errors"
	"strings"
	"time"

	"portico/app/portal"
)

// Presence is a presence in plain words, without note and time: "Busy, in a call". A text that came with the
// presence (a custom state's) stands for the activity.
func (c *Catalogue) Presence(p portal.Presence) string {
	word := c.Availability(p.Availability)
	if activity := c.Activity(p); activity != "" {
		return c.Text("presence.refined", "Availability", word, "Activity", activity)
	}
	return word
}

// Availability is one availability as a word; one that is none is unknown.
func (c *Catalogue) Availability(a portal.Availability) string {
	if !a.Valid() {
		a = portal.Unknown
	}
	return c.Text("availability." + string(a))
}

// Activity is what refines the availability, in words; empty if nothing does.
func (c *Catalogue) Activity(p portal.Presence) string {
	switch {
	case p.Activity == portal.NoActivity || !p.Activity.Valid():
		return ""
	case strings.HasPrefix(string(p.Activity), "custom-"):
		if text := p.Custom.For(portal.LCID(c.tag)); text != "" || p.Custom != "" {
			return text // a reader whose language is missing sees the plain state
		}
		if p.Text != "" {
			return p.Text
		}
		return c.Text("activity.custom", "Number", strings.TrimPrefix(string(p.Activity), "custom-"))
	}
	return c.Text("activity." + string(p.Activity))
}

// State is a message's state in words, with the reason where it failed.
func (c *Catalogue) State(s portal.State, reason string) string {
	if s != portal.Failed {
		if key := "state." + string(s); c.Has(key) {
			return c.Text(key)
		}
		return ""
	}
	if reason == "" {
		return c.Text("state.failed")
	}
	return c.Text("state.failed-because", "Reason", c.Sentence(reason, nil))
}

// Failure is what people read about an error: never its cause. Where the error says how long to wait, the
// sentence can say it too.
func (c *Catalogue) Failure(err error) string {
	args := map[string]string{}
	var e *portal.Error
	if errors.As(err, &e) {
		for name, value := range e.Args {
			args[name] = value
		}
		if e.RetryAfter > 0 {
			args["wait"] = c.Wait(e.RetryAfter)
		}
	}
	if _, ok := args["wait"]; !ok {
		args["wait"] = c.Text("time.a-moment")
	}
	return c.Sentence(portal.Reason(err), args)
}

// Wait is a duration to wait, rounded up: "20 seconds", "3 minutes".
func (c *Catalogue) Wait(d time.Duration) string {
	seconds := int((d + time.Second - 1) / time.Second)
	if seconds < 120 {
		return c.Count("time.seconds", seconds)
	}
	return c.Count("time.minutes", (seconds+59)/60)
}
