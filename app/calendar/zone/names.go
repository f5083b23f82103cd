package zone

import (
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Names: IANA zones and their links, and the Windows ids that stand for them.

// windowsRow is one Windows zone: its id, its English display name, the zone that stands for it in
// the world, and the zones for single territories (several are separated by spaces, the first leads).
type windowsRow struct {
	id, display, golden string
	territories         []territoryZones
}

type territoryZones struct{ territory, zones string }

// modern renames what the CLDR keeps under an old name for stability's sake.
var modern = map[string]string{
	"Etc/UTC": "UTC", "Etc/GMT": "UTC",
	"Africa/Asmera": "Africa/Asmara", "America/Buenos_Aires": "America/Argentina/Buenos_Aires",
	"America/Catamarca": "America/Argentina/Catamarca", "America/Cordoba": "America/Argentina/Cordoba",
	"America/Jujuy": "America/Argentina/Jujuy", "America/Mendoza": "America/Argentina/Mendoza",
	"America/Coral_Harbour": "America/Atikokan", "America/Godthab": "America/Nuuk",
	"America/Indianapolis": "America/Indiana/Indianapolis", "America/Louisville": "America/Kentucky/Louisville",
	"Asia/Calcutta": "Asia/Kolkata", "Asia/Katmandu": "Asia/Kathmandu", "Asia/Rangoon": "Asia/Yangon",
	"Asia/Saigon": "Asia/Ho_Chi_Minh", "Atlantic/Faeroe": "Atlantic/Faroe", "Europe/Kiev": "Europe/Kyiv",
	"Pacific/Enderbury": "Pacific/Kanton", "Pacific/Ponape": "Pacific/Pohnpei", "Pacific/Truk": "Pacific/Chuuk",
}

// index is what lookups need, made once from the tables and never changed.
type index struct {
	canonical map[string]string      // any IANA name in lower case → the name we keep
	windows   map[string]*windowsRow // Windows id, standard and daylight name in lower case
	display   map[string]*windowsRow // display name without its offset, normalised
	ids       map[string]string      // kept name → Windows id
	kept      []string               // all kept names, in the order of the CLDR
	// opened are the zones of the kept names that were asked for, each read from the machine's database once.
	opened map[string]*atomic.Pointer[time.Location]
}

var tables = sync.OnceValue(buildIndex)

func buildIndex() *index {
	x := &index{canonical: map[string]string{}, windows: map[string]*windowsRow{},
		display: map[string]*windowsRow{}, ids: map[string]string{}, opened: map[string]*atomic.Pointer[time.Location]{}}
	for _, row := range aliasTable {
		names := strings.Fields(row)
		kept := names[0]
		if m, ok := modern[kept]; ok {
			kept = m
		}
		for _, n := range append(names, kept) {
			x.canonical[strings.ToLower(n)] = kept
		}
		x.kept = append(x.kept, kept)
		x.opened[kept] = &atomic.Pointer[time.Location]{}
	}
	for i := range windowsTable {
		x.addWindows(&windowsTable[i])
	}
	return x
}

// open gives the location of a name that Canonical gave. What cannot be read now is tried again the next time.
func (x *index) open(kept string) (*time.Location, error) {
	known := x.opened[kept]
	if known == nil { // one that only the machine's database knows
		return time.LoadLocation(kept)
	}
	if loc := known.Load(); loc != nil {
		return loc, nil
	}
	loc, err := time.LoadLocation(kept)
	if err == nil {
		known.Store(loc)
	}
	return loc, err
}

func (x *index) addWindows(row *windowsRow) {
	id := strings.ToLower(row.id)
	x.windows[id] = row
	x.windows[strings.Replace(id, "standard time", "daylight time", 1)] = row
	if key := displayKey(row.display); key != "" {
		x.display[key] = row
	}
	// The world's zone of a row belongs to that row, whatever other rows say for their territories.
	x.ids[x.keep(row.golden)] = row.id
	for _, t := range row.territories {
		for _, z := range strings.Fields(t.zones) {
			if k := x.keep(z); x.ids[k] == "" {
				x.ids[k] = row.id
			}
		}
	}
}

func (x *index) keep(name string) string {
	if k, ok := x.canonical[strings.ToLower(name)]; ok {
		return k
	}
	return name
}

var ianaShape = regexp.MustCompile(`^[A-Z][A-Za-z0-9_+-]{0,30}(/[A-Za-z0-9_+-]{1,30}){1,2}$`)

// Canonical gives the name under which we keep an IANA zone: links are followed ("Asia/Calcutta" is
// "Asia/Kolkata", "US/Eastern" "America/New_York"), case does not matter. ok is false where the name
// is not one of the database; the machine's own "Local" never is.
func Canonical(name string) (kept string, ok bool) {
	if k, ok := tables().canonical[strings.ToLower(name)]; ok {
		return k, true
	}
	if ianaShape.MatchString(name) && !strings.HasPrefix(name, "SystemV/") {
		if _, err := time.LoadLocation(name); err == nil {
			return name, true
		}
	}
	return "", false
}

// FromWindows gives the IANA zone of a Windows id ("W. Europe Standard Time"), of its daylight name
// too. territory is an ISO 3166 two-letter code that chooses among the zones which share the id
// ("CH": Europe/Zurich); empty or without a row of its own it means the world's choice.
func FromWindows(id, territory string) (iana string, ok bool) {
	x := tables()
	row := x.windows[strings.ToLower(strings.TrimSpace(id))]
	if row == nil {
		return "", false
	}
	return x.zoneOf(row, territory), true
}

func (x *index) zoneOf(row *windowsRow, territory string) string {
	for _, t := range row.territories {
		if territory != "" && strings.EqualFold(t.territory, territory) {
			return x.keep(strings.Fields(t.zones)[0])
		}
	}
	return x.keep(row.golden)
}

// Windows gives the Windows id that stands for an IANA zone or link; not every zone has one.
func Windows(iana string) (id string, ok bool) {
	kept, ok := Canonical(iana)
	if !ok {
		return "", false
	}
	id = tables().ids[kept]
	return id, id != ""
}

// Display gives the English name that servers show for a Windows id, "(UTC+01:00) Amsterdam, …".
func Display(windowsID string) (name string, ok bool) {
	row := tables().windows[strings.ToLower(windowsID)]
	if row == nil {
		return "", false
	}
	return row.display, true
}

// WindowsIDs lists every Windows id of the table, west to east.
func WindowsIDs() []string {
	out := make([]string, len(windowsTable))
	for i := range windowsTable {
		out[i] = windowsTable[i].id
	}
	return out
}
