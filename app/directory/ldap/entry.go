package ldap

// An entry as a person or a group. What a directory holds was typed by many, and is checked before it is believed.

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	goldap "github.com/go-ldap/ldap/v3"

	"portico/app/portal"
)

// Bounds on values, in bytes, and on how many of one attribute are looked at.
const (
	maxText    = 256
	maxNumber  = 64
	maxValues  = 100
	maxNumbers = 12
)

// personOf makes a person of an entry; false where it has no address that can be used.
func (d *Directory) personOf(e *goldap.Entry, r *Reading) (portal.Person, bool) {
	p := portal.Person{DisplayName: d.nameOf(e, r), Email: d.emailOf(e),
		Title: d.text(e, AttrTitle, r), Department: d.text(e, AttrDepartment, r), Office: d.text(e, AttrOffice, r), Company: d.text(e, AttrCompany, r)}
	for _, kind := range []struct{ ours, kind string }{{AttrPhone, "work"}, {AttrMobile, "mobile"}, {AttrHome, "home"}, {AttrOther, "other"}} {
		for _, n := range d.values(e, kind.ours) {
			p.Numbers = addNumber(p.Numbers, kind.kind, n)
		}
	}
	for _, n := range p.Numbers {
		p.Phones = append(p.Phones, n.Number)
	}
	p.URI = d.addressOf(e)
	return p, p.URI != ""
}

// groupOf makes a distribution group of an entry; its address is made of its e-mail address.
func (d *Directory) groupOf(e *goldap.Entry, r *Reading) (portal.Person, bool) {
	p := portal.Person{DisplayName: d.nameOf(e, r), Email: d.emailOf(e), Group: true}
	uri, err := portal.ParseAddress(strings.ToLower(p.Email))
	if err != nil {
		return p, false
	}
	p.URI = uri
	if p.DisplayName == "" {
		p.DisplayName = p.Email
	}
	return p, true
}

// addressOf is the SIP address of an entry: the one that it names, else that among its proxy addresses, else its
// e-mail address where that is of the portal's domain. Empty: none.
func (d *Directory) addressOf(e *goldap.Entry) portal.Address {
	for _, v := range d.values(e, AttrSIP) {
		if !strings.Contains(v, "@") {
			v += "@" + d.c.Domain
		}
		if a, err := portal.ParseAddress(v); err == nil {
			return a
		}
	}
	for _, v := range d.values(e, AttrProxy) {
		if _, ok := cutPrefixFold(v, "sip:"); ok {
			if a, err := portal.ParseAddress(v); err == nil {
				return a
			}
		}
	}
	mails := d.values(e, AttrMail)
	for _, v := range d.values(e, AttrProxy) {
		if mail, ok := cutPrefixFold(v, "smtp:"); ok {
			mails = append(mails, mail)
		}
	}
	for _, v := range mails {
		if !email(v) {
			continue
		}
		// Nobody tells e-mail addresses apart by case, and SIP servers know people in lower case.
		if a, err := portal.ParseAddress(strings.ToLower(v)); err == nil && a.Domain() == strings.ToLower(d.c.Domain) {
			return a
		}
	}
	return ""
}

// emailOf is the e-mail address of an entry: the first usable one, else the main one ("SMTP:") of its proxy addresses.
func (d *Directory) emailOf(e *goldap.Entry) string {
	for _, v := range d.values(e, AttrMail) {
		if email(v) {
			return v
		}
	}
	for _, v := range d.values(e, AttrProxy) {
		if mail, ok := strings.CutPrefix(v, "SMTP:"); ok && email(mail) {
			return mail
		}
	}
	return ""
}

// nameOf is what an entry is called.
func (d *Directory) nameOf(e *goldap.Entry, r *Reading) string {
	if name := d.text(e, AttrName, r); name != "" {
		return name
	}
	return strings.TrimSpace(d.text(e, AttrGiven, r) + " " + d.text(e, AttrSurname, r))
}

// values are those of an attribute of ours that are text, in the order of the configuration and then of the directory.
func (d *Directory) values(e *goldap.Entry, ours string) []string {
	var out []string
	for _, name := range d.m[ours] {
		for _, v := range e.GetEqualFoldAttributeValues(name) {
			if len(out) == maxValues {
				return out
			}
			if v = strings.TrimSpace(v); v != "" && len(v) <= portal.MaxAddressLen && readable(v) {
				out = append(out, v)
			}
		}
	}
	return out
}

// text is the first value of an attribute of ours that can be shown, on one line and bounded.
func (d *Directory) text(e *goldap.Entry, ours string, r *Reading) string {
	for _, name := range d.m[ours] {
		for _, v := range e.GetEqualFoldAttributeValues(name) {
			if !utf8.ValidString(v) {
				r.Broken++
				continue
			}
			v = oneLine(v)
			if len(v) > maxText {
				r.Cut++
				v = strings.TrimSpace(cut(v, maxText))
			}
			if v != "" {
				return v
			}
		}
	}
	return ""
}

// first is the first value of the first of these attributes, as it is.
func first(e *goldap.Entry, names []string) string {
	for _, name := range names {
		if v := e.GetEqualFoldAttributeValue(name); v != "" && utf8.ValidString(v) {
			return v
		}
	}
	return ""
}

// addNumber adds a telephone number unless it is none, is there already, or there are enough.
func addNumber(list []portal.Number, kind, number string) []portal.Number {
	number = oneLine(number)
	if rest, ok := cutPrefixFold(number, "tel:"); ok {
		number = rest
	}
	digits := strings.ContainsFunc(number, func(r rune) bool { return r >= '0' && r <= '9' })
	if !digits || len(number) > maxNumber || len(list) >= maxNumbers ||
		slices.ContainsFunc(list, func(n portal.Number) bool { return n.Number == number }) {
		return list
	}
	return append(list, portal.Number{Kind: kind, Number: number})
}

// email tells whether a text is one e-mail address, as far as the portal needs to know.
func email(s string) bool {
	user, domain, ok := strings.Cut(s, "@")
	return ok && user != "" && domain != "" && !strings.ContainsAny(s, " <>\"(),;:\\") && !strings.Contains(domain, "@") && len(s) <= portal.MaxAddressLen
}

// oneLine makes spaces of line breaks and other signs that cannot be seen, of several one.
func oneLine(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || !readableRune(r) }), " ")
}

func readable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return !readableRune(r) })
}

// readableRune is false for control characters and for those that turn a text's direction round.
func readableRune(r rune) bool {
	return !unicode.IsControl(r) && (r < 0x202a || r > 0x202e) && (r < 0x2066 || r > 0x2069)
}

// cut shortens s to at most n bytes of whole characters.
func cut(s string, n int) string {
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

func cutPrefixFold(s, prefix string) (string, bool) {
	if len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix) {
		return s[len(prefix):], true
	}
	return s, false
}
