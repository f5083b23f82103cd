// Package winfo reads watcher information documents (RFC 3858) and keeps the table of a person's
// watchers that a sequence of them describes.
package winfo

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"portico/app/portal"
	"portico/app/sipua/markup"
)

// MediaType is the content type of a watcher information document.
const MediaType = "application/watcherinfo+xml"

// MaxWatchers is how many watchers one document, and one table, may have.
const MaxWatchers = 5000

// Document is one document.
type Document struct {
	Version uint32
	// Full: it replaces all that was said before; otherwise it names only what changed.
	Full    bool
	Entries []Entry
}

// Entry is one watcher element: one subscription of somebody.
type Entry struct {
	// Package is the event package that is watched, "presence".
	Package string
	ID      string
	// Who is empty where the watcher is not a SIP address.
	Who portal.Address
	// Name is the display name; mostly empty.
	Name string
	// Status is "pending", "active", "waiting" or "terminated".
	Status string
	// Event is what caused the status: "subscribe", "approved", "deactivated", "rejected", …
	Event string
	// Subscribed is how long they have been subscribed; zero if unsaid.
	Subscribed time.Duration
}

// Parse reads a document. Watchers without a status that is known are left out. Errors mean
// portal.ErrInvalid.
func Parse(b []byte) (Document, error) {
	root, err := markup.Parse(b, markup.Limits{Bytes: 512 << 10, Elements: 3 * MaxWatchers})
	if err != nil {
		return Document{}, fmt.Errorf("watcherinfo: %w", err)
	}
	if root.Local != "watcherinfo" {
		return Document{}, fmt.Errorf("watcherinfo: %w: root element %.40q", portal.ErrInvalid, root.Local)
	}
	version, err := strconv.ParseUint(root.Attr("version"), 10, 32)
	if err != nil {
		return Document{}, fmt.Errorf("watcherinfo: %w: version %.20q", portal.ErrInvalid, root.Attr("version"))
	}
	d := Document{Version: uint32(version)}
	switch root.Attr("state") {
	case "full":
		d.Full = true
	case "partial":
	default:
		return Document{}, fmt.Errorf("watcherinfo: %w: state %.20q", portal.ErrInvalid, root.Attr("state"))
	}
	for _, list := range root.Children {
		if list.Local != "watcher-list" {
			continue
		}
		for _, w := range list.Children {
			if w.Local != "watcher" {
				continue
			}
			e, ok := entry(w)
			if !ok {
				continue
			}
			e.Package = list.Attr("package")
			if len(d.Entries) == MaxWatchers {
				return Document{}, fmt.Errorf("watcherinfo: %w: more than %d watchers", portal.ErrInvalid, MaxWatchers)
			}
			d.Entries = append(d.Entries, e)
		}
	}
	return d, nil
}

func entry(w *markup.Element) (Entry, bool) {
	e := Entry{ID: w.Attr("id"), Status: strings.ToLower(w.Attr("status")), Event: strings.ToLower(w.Attr("event")), Name: w.Attr("display-name")}
	if rank(e.Status) == 0 {
		return e, false
	}
	uri := strings.Trim(w.Value(), "<> ")
	if scheme, rest, ok := strings.Cut(uri, ":"); ok && strings.EqualFold(scheme, "pres") {
		uri = rest
	}
	if who, err := portal.ParseAddress(uri); err == nil {
		e.Who = who
	}
	const maxSeconds = 10 * 366 * 24 * 3600
	if secs, err := strconv.ParseInt(w.Attr("duration-subscribed"), 10, 64); err == nil && secs > 0 {
		e.Subscribed = time.Duration(min(secs, maxSeconds)) * time.Second
	}
	if e.ID == "" {
		e.ID = uri
	}
	return e, e.ID != ""
}

// rank orders statuses by how much a person's several subscriptions say together: one active one
// makes an active watcher. Zero is not a status.
func rank(status string) int {
	switch status {
	case "active":
		return 4
	case "pending":
		return 3
	case "waiting":
		return 2
	case "terminated":
		return 1
	}
	return 0
}
