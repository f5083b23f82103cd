package zone

import "time"

// Matching: which IANA zone has the same offsets in the years that matter.

// Agree tells whether two locations have the same offset from UTC at every instant of the years, both
// included; their first and last day in UTC, which are another year's by some clocks, do not count.
func Agree(a, b *time.Location, y Years) bool {
	t := time.Date(y.From, 1, 2, 0, 0, 0, 0, time.UTC)
	end := time.Date(y.To, 12, 31, 0, 0, 0, 0, time.UTC)
	for t.Before(end) {
		ta, tb := t.In(a), t.In(b)
		_, offA := ta.Zone()
		_, offB := tb.Zone()
		if offA != offB {
			return false
		}
		next := end
		for _, local := range []time.Time{ta, tb} {
			_, until := local.ZoneBounds()
			if !until.IsZero() && !until.After(t) { // beyond a zone's table the bounds can stand still at a year's end
				until = t.Add(24 * time.Hour)
			}
			if !until.IsZero() && until.Before(next) {
				next = until
			}
		}
		t = next.UTC()
	}
	return true
}

// match looks for a zone that agrees: the preferred one, those of the territory, the world's zones of the Windows table, then any.
func match(loc *time.Location, y Years, prefer, territory string) (string, bool) {
	x := tables()
	seen := map[string]bool{}
	fits := func(name string) bool {
		if name == "" || seen[name] {
			return false
		}
		seen[name] = true
		z, err := Load(name)
		return err == nil && Agree(z.Location, loc, y)
	}
	if kept, ok := Canonical(prefer); ok && fits(kept) {
		return kept, true
	}
	for i := range windowsTable {
		for _, t := range windowsTable[i].territories {
			if territory != "" && t.territory == territory {
				if name := x.zoneOf(&windowsTable[i], territory); fits(name) {
					return name, true
				}
			}
		}
	}
	for i := range windowsTable {
		if name := x.keep(windowsTable[i].golden); fits(name) {
			return name, true
		}
	}
	for _, name := range x.kept {
		if fits(name) {
			return name, true
		}
	}
	return "", false
}
