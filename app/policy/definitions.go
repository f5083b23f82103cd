package policy

// The policies an administrator sets: their names, which values they take, and what holds where nobody says a word.

import (
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/language"

	"portico/app/portal"
)

// The kinds of a Definition.
const (
	// KindSwitch is "on" or "off"; KindChoice one of Values, of which Choose leaves it to the person.
	KindSwitch, KindChoice = "switch", "choice"
	// KindDuration is a Go duration or days ("30d"), KindSize a number with a unit ("25MB").
	KindDuration, KindSize = "duration", "size"
	// KindURL is the address of a web resource, or None.
	KindURL = "url"
	// KindLanguage is the BCP 47 tag of a language, with a country or without, or Choose.
	KindLanguage = "language"
)

// The words that values are made of.
const (
	On, Off = "on", "off"
	// Choose as a choice: it is the person's. None as an address: there is none, whatever a wider rule says.
	Choose, None = "choose", "none"
)

const (
	// maxInitialDelay is the longest wait before the address book is read afresh.
	maxInitialDelay = time.Hour
	// minRoomRetention is the shortest time that what was said in rooms is kept.
	minRoomRetention = 48 * time.Hour
	maxRoomRetention = 100 * 365 * 24 * time.Hour
	minFileSize      = 1000
	maxFileSize      = 100_000_000_000
	maxStateURL      = 2000
	maxValue         = 4000
)

// Definition says what there is to know of one policy.
type Definition struct {
	Name string `json:"name"`
	Kind string `json:"kind"`
	// Values are the words it takes; nil where the kind says all.
	Values []string `json:"values,omitempty"`
	// Default holds where neither a rule nor the configuration says a word; empty: as the rest of the configuration has it.
	Default string `json:"default"`
	// Doc is the catalogue key of what it does.
	Doc string `json:"doc"`
	// Scopes are the kinds of scope for which it can be set.
	Scopes []string `json:"scopes"`

	// least and most bound a duration that is not zero.
	least, most time.Duration
}

// Definitions lists the policies in the order in which pages show them.
func Definitions() []Definition {
	toggle := func(name, def string) Definition {
		return Definition{Name: name, Kind: KindSwitch, Values: []string{On, Off}, Default: def}
	}
	choice := func(name string) Definition {
		return Definition{Name: name, Kind: KindChoice, Values: []string{On, Off, Choose}, Default: Choose}
	}
	list := []Definition{
		choice(portal.EnableAutoArchiving),
		choice(portal.EnableCallLogAutoArchiving),
		toggle(portal.DisableSavingIM, Off),
		toggle(portal.DisableCalendarPresence, Off),
		toggle(portal.DisableFreeBusyInfo, Off),
		toggle(portal.DisableMeetingSubjectAndLocation, Off),
		toggle(portal.DisablePresenceNote, Off),
		toggle(portal.EnableAppearOffline, On),
		toggle(portal.DisableIM, Off),
		{Name: portal.CustomStateURL, Kind: KindURL, Values: []string{None}, Default: None},
		// The address book is one for all: it is read for everyone or not yet.
		{Name: portal.GalDownloadInitialDelay, Kind: KindDuration, Default: "0s", most: maxInitialDelay, Scopes: []string{portal.ScopeEveryone}},
		{Name: portal.MaxFileSize, Kind: KindSize},
		toggle(portal.MayCreateRooms, On),
		// Who made a room says nothing about who speaks in it: what was said is kept as long for everyone.
		{Name: portal.RoomRetention, Kind: KindDuration, least: minRoomRetention, most: maxRoomRetention, Scopes: []string{portal.ScopeEveryone}},
		choice(portal.ThinSessions),
		{Name: portal.Language, Kind: KindLanguage, Values: []string{Choose}, Default: Choose},
	}
	for i := range list {
		list[i].Doc = "policy." + list[i].Name
		if list[i].Scopes == nil {
			list[i].Scopes = []string{portal.ScopeEveryone, portal.ScopeGroup, portal.ScopePerson}
		}
	}
	return list
}

// field is where a policy stands in what is in force: one of the four is not nil.
func field(in *portal.InForce, name string) (on *bool, word *string, bytes *int64, span *time.Duration) {
	switch name {
	case portal.EnableAutoArchiving:
		word = &in.EnableAutoArchiving
	case portal.EnableCallLogAutoArchiving:
		word = &in.EnableCallLogAutoArchiving
	case portal.DisableSavingIM:
		on = &in.DisableSavingIM
	case portal.DisableCalendarPresence:
		on = &in.DisableCalendarPresence
	case portal.DisableFreeBusyInfo:
		on = &in.DisableFreeBusyInfo
	case portal.DisableMeetingSubjectAndLocation:
		on = &in.DisableMeetingSubjectAndLocation
	case portal.DisablePresenceNote:
		on = &in.DisablePresenceNote
	case portal.EnableAppearOffline:
		on = &in.EnableAppearOffline
	case portal.DisableIM:
		on = &in.DisableIM
	case portal.CustomStateURL:
		word = &in.CustomStateURL
	case portal.GalDownloadInitialDelay:
		span = &in.GalDownloadInitialDelay
	case portal.MaxFileSize:
		bytes = &in.MaxFileSize
	case portal.MayCreateRooms:
		on = &in.MayCreateRooms
	case portal.RoomRetention:
		span = &in.RoomRetention
	case portal.ThinSessions:
		word = &in.ThinSessions
	case portal.Language:
		word = &in.Language
	}
	return on, word, bytes, span
}

// understand puts a canonical value into what is in force; empty is as if nothing were said.
func understand(in *portal.InForce, name, value string) {
	on, w, n, d := field(in, name)
	switch {
	case on != nil:
		*on = value == On
	case w != nil && (value == Choose || value == None):
		*w = ""
	case w != nil:
		*w = value
	case n != nil:
		*n, _ = size(value)
	case d != nil:
		*d, _ = span(value)
	}
}

// carry takes the value of one policy over from another.
func carry(to, from *portal.InForce, name string) {
	on, w, n, d := field(to, name)
	fromOn, fromW, fromN, fromD := field(from, name)
	switch {
	case on != nil:
		*on = *fromOn
	case w != nil:
		*w = *fromW
	case n != nil:
		*n = *fromN
	case d != nil:
		*d = *fromD
	}
}

// Defined gives a policy by its name.
func Defined(name string) (Definition, bool) {
	list := Definitions()
	i := slices.IndexFunc(list, func(d Definition) bool { return d.Name == name })
	if i < 0 {
		return Definition{}, false
	}
	return list[i], true
}

// Parse gives the canonical form of a policy's value: "on" for "true", "1" and "yes", "30d" for "720h", "25MB" for
// "25 mb", a number of minutes for GalDownloadInitialDelay as the original has it. Errors mean ErrInvalid: there is no
// such policy ("policy.unknown"), or it does not take the value ("policy.value", "policy.address"; arguments Name and
// Value).
func Parse(name, value string) (string, error) {
	d, ok := Defined(name)
	if !ok {
		return "", portal.Fail(portal.ErrInvalid, "policy.unknown").With("name", clip(name))
	}
	return d.Parse(value)
}

// Parse is the canonical form of a value of d; see the function Parse.
func (d Definition) Parse(value string) (string, error) {
	v := strings.TrimSpace(value)
	bad := portal.Fail(portal.ErrInvalid, "policy.value").With("name", d.Name).With("value", clip(value))
	if len(v) > maxValue {
		return "", bad
	}
	switch d.Kind {
	case KindSwitch, KindChoice:
		v = word(v)
		if !slices.Contains(d.Values, v) {
			return "", bad
		}
		return v, nil
	case KindDuration:
		if minutes, err := strconv.Atoi(v); err == nil && d.Name == portal.GalDownloadInitialDelay {
			v = strconv.Itoa(minutes) + "m"
		}
		t, ok := span(v)
		if !ok || t < 0 || t > d.most || t > 0 && t < d.least {
			return "", bad
		}
		return spanText(t), nil
	case KindSize:
		n, ok := size(v)
		if !ok || n != 0 && n < minFileSize || n > maxFileSize {
			return "", bad
		}
		return sizeText(n), nil
	case KindLanguage:
		return languageTag(v, bad)
	}
	if strings.EqualFold(v, None) {
		return None, nil
	}
	return StateURL(v)
}

// languageTag is the canonical form of a language's tag: "de" for "DE", "de-AT" for "de_at". Whether the portal has texts in
// it is known to who shows them; where it has none, people choose.
func languageTag(v string, bad error) (string, error) {
	if strings.EqualFold(v, Choose) {
		return Choose, nil
	}
	tag, err := language.Parse(v)
	if err != nil || v == "" || tag == language.Und || strings.ContainsAny(v, " ,;") {
		return "", bad
	}
	return tag.String(), nil
}

// CanBe reports whether the policy can be set for a kind of scope.
func (d Definition) CanBe(scope string) bool { return slices.Contains(d.Scopes, scope) }

// StateURL checks the address of a file of custom states: HTTP or HTTPS ("customstates.scheme" otherwise), with a host,
// without name and password ("policy.address").
func StateURL(s string) (string, error) {
	u, err := url.Parse(s)
	if err != nil || len(s) > maxStateURL {
		return "", portal.Fail(portal.ErrInvalid, "policy.address").With("value", clip(s))
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		return "", portal.Fail(portal.ErrInvalid, "customstates.scheme").With("scheme", clip(u.Scheme))
	}
	if u.Hostname() == "" || u.User != nil || u.Opaque != "" {
		return "", portal.Fail(portal.ErrInvalid, "policy.address").With("value", clip(u.Redacted()))
	}
	u.Fragment, u.RawFragment = "", ""
	u.Host = strings.ToLower(u.Host)
	return u.String(), nil
}

// word gives the portal's word for how people, PowerShell and the registry write switches.
func word(v string) string {
	switch v = strings.ToLower(strings.TrimPrefix(v, "$")); v {
	case "true", "yes", "1":
		return On
	case "false", "no", "0":
		return Off
	}
	return v
}

// span reads a duration: as Go writes it, or whole days ("30d").
func span(v string) (time.Duration, bool) {
	v = strings.ToLower(strings.ReplaceAll(v, " ", ""))
	if days, ok := strings.CutSuffix(v, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 32)
		if err != nil || n > math.MaxInt64/uint64(24*time.Hour) {
			return 0, false
		}
		return time.Duration(n) * 24 * time.Hour, true
	}
	d, err := time.ParseDuration(v)
	return d, err == nil
}

func spanText(d time.Duration) string {
	const day = 24 * time.Hour
	if d >= day && d%day == 0 {
		return strconv.Itoa(int(d/day)) + "d"
	}
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

type unit struct {
	name  string
	bytes int64
}

// units are those of sizes; the larger before the smaller, the longer name before one that ends alike.
func units() []unit {
	return []unit{{"gib", 1 << 30}, {"mib", 1 << 20}, {"kib", 1 << 10}, {"gb", 1e9}, {"mb", 1e6}, {"kb", 1e3}, {"b", 1}}
}

// size reads a number of bytes with its unit; a number alone is in megabytes, as in the configuration.
func size(v string) (int64, bool) {
	v = strings.ToLower(strings.ReplaceAll(v, " ", ""))
	factor := int64(1e6)
	for _, u := range units() {
		if number, ok := strings.CutSuffix(v, u.name); ok {
			v, factor = number, u.bytes
			break
		}
	}
	n, err := strconv.ParseUint(v, 10, 63)
	if err != nil || int64(n) > math.MaxInt64/factor {
		return 0, false
	}
	return int64(n) * factor, true
}

func sizeText(n int64) string {
	for _, u := range []unit{{"GB", 1e9}, {"MB", 1e6}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"kB", 1e3}, {"KiB", 1 << 10}} {
		if n >= u.bytes && n%u.bytes == 0 {
			return strconv.FormatInt(n/u.bytes, 10) + u.name
		}
	}
	return strconv.FormatInt(n, 10) + "B"
}

// clip is what stands in a sentence of something that came from outside.
func clip(s string) string {
	const most = 60
	s = strings.Join(strings.Fields(clean(strings.ToValidUTF8(s, "\ufffd"))), " ")
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}
