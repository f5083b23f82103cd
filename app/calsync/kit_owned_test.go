package calsync_test

import (
	"context"
	"slices"

	"portico/app/portal"
)

// RecordsOf gives the living records that somebody owns or takes part in.
func (c *records) RecordsOf(_ context.Context, who portal.Address) ([]portal.CRMAppointment, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []portal.CRMAppointment
	for _, r := range c.all {
		in := r.Calendar == who || slices.ContainsFunc(r.Attendees, func(a portal.Attendee) bool { return a.URI == who })
		if in && r.Gone.IsZero() {
			out = append(out, copyRecord(r))
		}
	}
	slices.SortFunc(out, func(a, b portal.CRMAppointment) int { return a.Start.Compare(b.Start) })
	return out, nil
}
