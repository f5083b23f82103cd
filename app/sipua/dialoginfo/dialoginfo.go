// Package dialoginfo reads dialog information documents (RFC 4235) and keeps the table of somebody's calls
// that a sequence of them describes.
package dialoginfo

import (
	"fmt"
	"strconv"
	"strings"

	"portico/app/portal"
	"portico/app/sipua/markup"
)

// MediaType is the content type of a dialog information document.
const MediaType = "application/dialog-info+xml"

const (
	// MaxDialogs is how many dialogs one document, and one table, may have.
	MaxDialogs = 200
	// maxText is the longest id, Call-ID or name that is kept, in bytes.
	maxText = 255
)

// Document is one document.
type Document struct {
	Version uint32
	// Full: it replaces all that was said before; otherwise it names only what changed.
	Full bool
	// Entity is whose calls they are; empty where it is not a SIP address.
	Entity portal.Address
	// Dialogs may be terminated ones, also ones that were never heard of.
	Dialogs []portal.Dialog
}

// Parse reads a document. Dialogs without an id or without a state that is known are left out. Errors mean
// portal.ErrInvalid.
func Parse(b []byte) (Document, error) {
	root, err := markup.Parse(b, markup.Limits{Bytes: 128 << 10, Depth: 12, Elements: 20 * MaxDialogs})
	if err != nil {
		return Document{}, fmt.Errorf("dialog-info: %w", err)
	}
	if root.Local != "dialog-info" {
		return Document{}, fmt.Errorf("dialog-info: %w: root element %.40q", portal.ErrInvalid, root.Local)
	}
	version, err := strconv.ParseUint(root.Attr("version"), 10, 32)
	if err != nil {
		return Document{}, fmt.Errorf("dialog-info: %w: version %.20q", portal.ErrInvalid, root.Attr("version"))
	}
	d := Document{Version: uint32(version), Entity: address(root.Attr("entity"))}
	switch root.Attr("state") {
	case "full":
		d.Full = true
	case "partial":
	default:
		return Document{}, fmt.Errorf("dialog-info: %w: state %.20q", portal.ErrInvalid, root.Attr("state"))
	}
	for _, e := range root.Children {
		if e.Local != "dialog" {
			continue
		}
		if len(d.Dialogs) == MaxDialogs {
			return Document{}, fmt.Errorf("dialog-info: %w: more than %d dialogs", portal.ErrInvalid, MaxDialogs)
		}
		if one, ok := dialog(e); ok {
			d.Dialogs = append(d.Dialogs, one)
		}
	}
	return d, nil
}

// dialog reads one dialog element (RFC 4235 section 4.1).
func dialog(e *markup.Element) (portal.Dialog, bool) {
	d := portal.Dialog{ID: e.Attr("id"), CallID: e.Attr("call-id"), Initiator: strings.EqualFold(e.Attr("direction"), "initiator")}
	if d.ID == "" || len(d.ID) > maxText || len(d.CallID) > maxText {
		return d, false
	}
	d.State = portal.DialogState(strings.ToLower(e.Child("state").Value()))
	switch d.State {
	case portal.DialogTrying, portal.DialogProceeding, portal.DialogEarly, portal.DialogConfirmed, portal.DialogTerminated:
	default:
		return d, false
	}
	remote := e.Child("remote")
	identity := remote.Child("identity")
	d.Remote = address(identity.Value())
	if d.Remote == "" {
		d.Remote = address(remote.Child("target").Attr("uri"))
	}
	if name := identity.Attr("display"); len(name) <= maxText {
		d.Name = name
	}
	return d, true
}

// address reads a SIP address as peers write it, with or without angle brackets; empty for anything else.
func address(s string) portal.Address {
	if i := strings.IndexByte(s, '<'); i >= 0 {
		s, _, _ = strings.Cut(s[i+1:], ">")
	}
	a, err := portal.ParseAddress(s)
	if err != nil {
		return "" // a telephone number, say: known only as the name then
	}
	return a
}
