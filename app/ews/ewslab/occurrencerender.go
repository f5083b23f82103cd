package ewslab

// How a series names its occurrences.

import (
	"time"
)

// occurrences are the properties of a series that name its occurrences.
func (r *renderer) occurrences(i *item, name string) (*node, error) {
	s, err := seriesOf(i)
	if err != nil {
		return nil, err
	}
	gaps, err := r.x.gaps(i.ID)
	if err != nil {
		return nil, err
	}
	if name == "DeletedOccurrences" {
		out := t(name)
		for _, g := range gaps {
			out.add(t("DeletedOccurrence", t("Start", g)))
		}
		return orNil(out), nil
	}
	changed, err := r.x.exceptions(s)
	if err != nil {
		return nil, err
	}
	if name == "ModifiedOccurrences" {
		out := t(name)
		for _, e := range changed {
			out.add(e.info("Occurrence"))
		}
		return orNil(out), nil
	}
	if name == "LastOccurrence" && s.end.IsZero() && s.count == 0 {
		return nil, nil
	}
	at := s.edge(gaps, name == "LastOccurrence")
	if at.IsZero() {
		return nil, nil
	}
	for _, e := range changed {
		if e.Original.Equal(at) {
			return e.info(name), nil
		}
	}
	return s.bare(at).info(name), nil
}

// edge is the first or the last start by the pattern that was not deleted.
func (s *series) edge(gaps []time.Time, last bool) time.Time {
	var found time.Time
	s.dates(func(_ int, d time.Time) bool {
		at := s.startOn(d)
		for _, g := range gaps {
			if g.Equal(at) {
				return true
			}
		}
		found = at
		return last
	})
	return found
}

// info names an occurrence (OccurrenceInfoType).
func (i *item) info(name string) *node {
	return t(name, i.node("ItemId"), t("Start", i.time("Start")), t("End", i.time("End")), t("OriginalStart", i.Original))
}
