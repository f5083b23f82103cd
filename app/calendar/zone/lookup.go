package zone

import (
	"fmt"
	"strings"
	"time"
)

// Lookup: one name, in whichever of the known spellings.

// nameless are ids that say only that there is no name, in lower case.
var nameless = map[string]bool{
	"": true, "customized time zone": true, "custom": true, "tzone://microsoft/custom": true,
	"benutzerdefinierte zeitzone": true, "angepasste zeitzone": true, "time zone": true, "unknown": true,
}

// spokenMore are the names that a German Windows gives its zones, and abbreviations that IANA does
// not know, where they differ from or are missing in the CLDR's names.
var spokenMore = map[string]string{
	"mitteleuropäische zeit": "Europe/Berlin", "mitteleuropäische normalzeit": "Europe/Berlin",
	"mitteleuropäische sommerzeit": "Europe/Berlin", "mez": "Europe/Berlin", "mesz": "Europe/Berlin",
	"cest": "Europe/Berlin", "central european time": "Europe/Berlin", "central european summer time": "Europe/Berlin",
	"westeuropäische zeit": "Europe/London", "westeuropäische normalzeit": "Europe/London",
	"westeuropäische sommerzeit": "Europe/London", "gmt zeit": "Europe/London", "gmt sommerzeit": "Europe/London", "bst": "Europe/London",
	"britische zeit": "Europe/London", "osteuropäische zeit": "Europe/Bucharest", "oez": "Europe/Bucharest",
	"oesz": "Europe/Bucharest", "eest": "Europe/Bucharest", "romanische zeit": "Europe/Paris", "romanische sommerzeit": "Europe/Paris",
	"westeuropa": "Europe/Berlin", "flez": "Europe/Kyiv", "gtb zeit": "Europe/Bucharest",
	"eastern normalzeit": "America/New_York", "eastern sommerzeit": "America/New_York", "edt": "America/New_York",
	"cdt": "America/Chicago", "mdt": "America/Denver", "pst": "America/Los_Angeles", "pdt": "America/Los_Angeles",
	"pacific normalzeit": "America/Los_Angeles", "pacific sommerzeit": "America/Los_Angeles",
	"russische zeit": "Europe/Moscow", "russische normalzeit": "Europe/Moscow", "moskauer zeit": "Europe/Moscow",
	"indische normalzeit": "Asia/Kolkata", "chinesische normalzeit": "Asia/Shanghai", "tokio normalzeit": "Asia/Tokyo",
	"koordinierte weltzeit": "UTC", "coordinated universal time": "UTC", "weltzeit": "UTC", "utc (koordinierte weltzeit)": "UTC",
}

func lookup(text, territory string) Result {
	low := strings.ToLower(text)
	if nameless[low] {
		return Result{Why: fmt.Sprintf("%q names no zone", text)}
	}
	for _, try := range []func(text, low, territory string) (Result, bool){
		asWindows, asURI, asIANA, asOffset, asDisplay, asSpoken, asPath,
	} {
		if r, ok := try(text, low, territory); ok {
			return r
		}
	}
	return Result{Why: fmt.Sprintf("%q is in no table", text)}
}

// opened finishes an answer whose zone is known by its IANA name.
func opened(name string, sure Sureness, form Form, why string) (Result, bool) {
	z, err := Load(name)
	return Result{z, sure, form, why}, err == nil
}

func asWindows(text, low, territory string) (Result, bool) {
	row := tables().windows[low]
	if row == nil {
		return Result{}, false
	}
	name := tables().zoneOf(row, territory)
	return opened(name, Exact, FormWindows, fmt.Sprintf("%q is the Windows zone %q", text, row.id))
}

func asURI(text, low, _ string) (Result, bool) {
	if low == "tzone://microsoft/utc" {
		return opened("UTC", Exact, FormURI, "Microsoft's address of UTC")
	}
	return Result{}, false
}

func asIANA(text, _, _ string) (Result, bool) {
	kept, ok := Canonical(text)
	if !ok {
		return Result{}, false
	}
	return opened(kept, Exact, FormIANA, fmt.Sprintf("%q is the IANA zone %s", text, kept))
}

func asOffset(text, low, _ string) (Result, bool) {
	if low == "z" {
		return opened("UTC", Exact, FormOffset, "Z is UTC")
	}
	off, ok := parseOffset(text)
	if !ok {
		return Result{}, false
	}
	return Result{Fixed(off), Exact, FormOffset, fmt.Sprintf("%q is an offset and has no daylight time", text)}, true
}

// asDisplay reads "(UTC+01:00) Amsterdam, Berlin, …": first as one of Windows' own English names, then by its cities.
func asDisplay(text, low, territory string) (Result, bool) {
	key := displayKey(text)
	if key == "" {
		return Result{}, false
	}
	if row := tables().display[key]; row != nil {
		return opened(tables().zoneOf(row, territory), Exact, FormDisplay, fmt.Sprintf("%q is how %q is displayed", text, row.id))
	}
	head, _, _ := strings.Cut(low, ")")
	off, ok := parseOffset(head + ")")
	if !ok && head != "(utc" && head != "(gmt" {
		return Result{}, false
	}
	return byCities(text, key, off)
}

// displayKey is a display name without its offset and the words before a colon, in lower case; "" if it is none.
func displayKey(text string) string {
	low := strings.ToLower(text)
	if !strings.HasPrefix(low, "(utc") && !strings.HasPrefix(low, "(gmt") {
		return ""
	}
	_, rest, ok := strings.Cut(low, ")")
	if !ok {
		return ""
	}
	if _, after, ok := strings.Cut(rest, " : "); ok {
		rest = after // "(GMT) Greenwich Mean Time : Dublin, …"
	}
	return strings.TrimSpace(rest)
}

// byCities takes the first city that has a zone of the displayed standard offset; all others that are
// known have to have that offset too.
func byCities(text, key string, off time.Duration) (Result, bool) {
	found := ""
	for city := range strings.SplitSeq(key, ",") {
		z, ok := cityZone(strings.TrimSpace(city))
		if !ok {
			continue
		}
		if standardOffset(z.Location) != off {
			return Result{}, false // a city of the same name elsewhere, or not a list of cities
		}
		if found == "" {
			found = z.Name
		}
	}
	if found == "" {
		return Result{}, false
	}
	return opened(found, Likely, FormDisplay, fmt.Sprintf("the cities and the offset of %q are those of %s", text, found))
}

func cityZone(city string) (Zone, bool) {
	name, ok := cityTable[city]
	if !ok {
		for _, kept := range tables().kept {
			last := kept[strings.LastIndexByte(kept, '/')+1:]
			if strings.EqualFold(strings.ReplaceAll(last, "_", " "), city) {
				name, ok = kept, true
				break
			}
		}
	}
	if !ok {
		return Zone{}, false
	}
	z, err := Load(name)
	return z, err == nil
}

// standardOffset is the lesser of a year's offsets, which is what display names tell.
func standardOffset(loc *time.Location) time.Duration {
	_, jan := time.Date(2025, 1, 15, 0, 0, 0, 0, time.UTC).In(loc).Zone()
	_, jul := time.Date(2025, 7, 15, 0, 0, 0, 0, time.UTC).In(loc).Zone()
	return time.Duration(min(jan, jul)) * time.Second
}

func asSpoken(text, low, _ string) (Result, bool) {
	name, ok := spokenMore[low]
	if !ok {
		name, ok = spokenTable[low]
	}
	if !ok {
		return Result{}, false
	}
	return opened(name, Likely, FormSpoken, fmt.Sprintf("%q is a name of the time in %s and elsewhere", text, name))
}

// asPath finds the IANA name at the end of ids such as "/freeassociation.sourceforge.net/Europe/Berlin".
func asPath(text, _, _ string) (Result, bool) {
	if !strings.HasPrefix(text, "/") {
		return Result{}, false
	}
	parts := strings.Split(text, "/")
	for n := min(3, len(parts)-1); n >= 2; n-- {
		if kept, ok := Canonical(strings.Join(parts[len(parts)-n:], "/")); ok {
			return opened(kept, Exact, FormIANA, fmt.Sprintf("%q ends in the IANA zone %s", text, kept))
		}
	}
	return Result{}, false
}
