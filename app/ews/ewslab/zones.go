package ewslab

// Windows time zones: names to rules, and the times that stand without an offset.

import (
	"strings"
	"sync"
	"time"
)

// windowsZone is one zone of the table.
type windowsZone struct {
	ID   string // W. Europe Standard Time
	Name string // (UTC+01:00) Amsterdam, Berlin, ...
	IANA string
	Loc  *time.Location
}

// zoneTable is read once and never changed.
var zoneTable = sync.OnceValue(func() (table struct {
	list []windowsZone
	byID map[string]windowsZone // lower case
}) {
	table.byID = map[string]windowsZone{}
	for line := range strings.Lines(windowsZones) {
		p := strings.Split(strings.TrimSpace(line), "|")
		loc, err := time.LoadLocation(p[2])
		if err != nil {
			continue // not in this build's zone database: not offered
		}
		z := windowsZone{ID: p[0], Name: p[1], IANA: p[2], Loc: loc}
		table.list = append(table.list, z)
		table.byID[strings.ToLower(z.ID)] = z
	}
	return table
})

// zoneNamed finds a zone by its Windows id or, as some clients send, by its name in the zone database.
func zoneNamed(name string) (*time.Location, bool) {
	if z, ok := zoneTable().byID[strings.ToLower(name)]; ok {
		return z.Loc, true
	}
	if strings.EqualFold(name, "UTC") || strings.EqualFold(name, "tzone://Microsoft/Utc") {
		return time.UTC, true
	}
	if strings.Contains(name, "/") && !strings.Contains(name, ":") {
		if loc, err := time.LoadLocation(name); err == nil {
			return loc, true
		}
	}
	return nil, false
}

// windowsID finds the Windows id for a zone database name: its own line first.
func windowsID(iana string) string {
	for _, z := range zoneTable().list {
		if z.IANA == iana {
			return z.ID
		}
	}
	return ""
}

// locationOf finds the zone that a TimeZoneDefinition (or StartTimeZone, EndTimeZone) names.
func locationOf(def *node) (*time.Location, error) {
	name := def.attr("Id")
	if name == "" {
		name = def.text() // a plain string, as one client sends it
	}
	if loc, ok := zoneNamed(name); ok {
		return loc, nil
	}
	if loc := customZone(def); loc != nil {
		return loc, nil
	}
	return nil, fail("ErrorTimeZone", "The specified time zone isn't valid.")
}

// instant reads an xs:dateTime; one without offset is in the zone.
func instant(s string, zone *time.Location) (time.Time, bool) {
	s = strings.TrimSpace(s)
	if at, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return at.UTC(), true
	}
	for _, layout := range []string{"2006-01-02T15:04:05.999999999", "2006-01-02T15:04", "2006-01-02", "2006-01-02Z07:00"} {
		if at, err := time.ParseInLocation(layout, s, zone); err == nil {
			return at.UTC(), true
		}
	}
	return time.Time{}, false
}

// civilDate reads an xs:date, which may carry an offset that means nothing.
func civilDate(s string) (time.Time, bool) {
	s = strings.TrimSpace(s)
	if len(s) < 10 {
		return time.Time{}, false
	}
	at, err := time.Parse("2006-01-02", s[:10])
	return at, err == nil
}
