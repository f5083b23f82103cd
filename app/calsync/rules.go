package calsync

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"portico/app/calsync/mapping"
	"portico/app/portal"
)

// Rules: how an administrator has appointments adapted on their way, kept as one document of the ledger.

// blobRules is the name of the document that holds them.
const blobRules = "rules"

// Rules gives the rules as JSON (an array), with the revision to save others over.
func (s *Service) Rules(ctx context.Context) (rules []byte, revision int64, err error) {
	raw, rev, err := s.l.SyncBlob(ctx, blobRules)
	if errors.Is(err, portal.ErrNotFound) {
		return []byte("[]"), 0, nil
	}
	return raw, rev, err
}

// SaveRules stores rules over a revision (a stale one is ErrConflict) and gives the new one. Faults in them are a
// *portal.FaultsError. They hold from the next job on.
func (s *Service) SaveRules(ctx context.Context, by portal.Address, rules []byte, revision int64) (int64, error) {
	if _, err := readRules(rules); err != nil {
		return 0, err
	}
	if err := s.l.SaveSyncBlob(ctx, blobRules, rules, revision); err != nil {
		return 0, err
	}
	if err := s.l.LogSync(ctx, portal.SyncTransaction{At: s.o.Now(), What: "settings", Result: "done", By: string(by)}); err != nil {
		return 0, err
	}
	if err := s.refresh(ctx); err != nil {
		return 0, err
	}
	return revision + 1, nil
}

// readRules reads rules and says what is wrong with them.
func readRules(raw []byte) (mapping.Rules, error) {
	rs, err := mapping.Read(raw)
	if err != nil {
		return nil, err
	}
	faults := rs.Validate()
	if len(faults) == 0 {
		return rs, nil
	}
	out := &portal.FaultsError{}
	for _, f := range faults {
		out.Faults = append(out.Faults, portal.SyncFault{Where: strconv.Itoa(f.Index) + "." + f.Field, Reason: f.Reason, Args: map[string]string{"rule": f.Rule, "detail": f.Detail}})
	}
	return nil, out
}

// loadRules makes the stored rules ready for use.
func (s *Service) loadRules(ctx context.Context) (*mapping.Mapper, error) {
	raw, _, err := s.Rules(ctx)
	if err != nil {
		return nil, err
	}
	rs, err := mapping.Read(raw)
	if err != nil {
		return nil, fmt.Errorf("read the rules: %w", err)
	}
	return rs.Compile()
}

// keyPrivate: rules are not tried on what is private.
const keyPrivate = "sync.rules.private"

// PreviewRules shows what rules would make of the appointment of a CRM record, on its way in a direction. A private one is ErrInvalid:
// who looks after the rules may not read it.
func (s *Service) PreviewRules(ctx context.Context, rules []byte, d portal.Direction, crm string) (portal.SyncRulesPreview, error) {
	rs, err := readRules(rules)
	if err != nil {
		return portal.SyncRulesPreview{}, err
	}
	r, err := s.record(ctx, crm)
	if err != nil {
		return portal.SyncRulesPreview{}, err
	}
	a := r.Appointment
	if d == portal.ToCRM {
		if a, err = s.copyOf(ctx, r); err != nil {
			return portal.SyncRulesPreview{}, err
		}
	}
	if r.Private || a.Private {
		return portal.SyncRulesPreview{}, portal.Fail(portal.ErrInvalid, keyPrivate)
	}
	shown, err := mapping.Preview(rs, d, itemOf(a))
	if err != nil {
		return portal.SyncRulesPreview{}, err
	}
	out := portal.SyncRulesPreview{Direction: d, Before: fieldsOf(shown.Before), After: fieldsOf(shown.After), LeftOut: shown.LeftOut}
	for _, t := range shown.Trace {
		out.By = append(out.By, portal.SyncRuleTrace{Rule: t.Rule, Did: t.What})
	}
	return out, nil
}

// copyOf is a record's appointment as Exchange has it.
func (s *Service) copyOf(ctx context.Context, r portal.CRMAppointment) (portal.Appointment, error) {
	p, err := s.l.SyncPair(ctx, r.ID)
	if err != nil {
		return portal.Appointment{}, err
	}
	it, err := s.l.SyncItem(ctx, p.Mailbox, p.RemoteID)
	return it.Entry.Appointment, err
}

func itemOf(a portal.Appointment) mapping.Item {
	organizer := a.Organizer.Email
	if organizer == "" {
		organizer = a.Calendar.Bare()
	}
	return mapping.Item{Subject: a.Subject, Body: a.Body, Location: a.Location, Categories: a.Categories, Private: a.Private, AllDay: a.AllDay,
		Show: a.Show, Meeting: a.Meeting, Organizer: organizer, Mailbox: a.Calendar.Bare()}
}

// fieldsOf is an item for people.
func fieldsOf(it mapping.Item) map[string]string {
	return map[string]string{"subject": it.Subject, "body": it.Body, "location": it.Location, "categories": strings.Join(it.Categories, ", "),
		"private": strconv.FormatBool(it.Private), "show": string(it.Show)}
}
