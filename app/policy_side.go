package main

// What administrators decide, in the house: where it is enforced, and who is told.

import (
	"context"
	"fmt"
	"slices"
	"time"

	"portico/app/admin"
	"portico/app/config"
	"portico/app/policy"
	"portico/app/portal"
)

// openAdmin makes the rules of administrators; the address book is there by then, all who obey come after.
func (h *house) openAdmin(ctx context.Context) error {
	networks, err := prefixes("policy.custom_state_networks", h.cfg.Policy.CustomStateNetworks)
	if err != nil {
		return err
	}
	fetcher := admin.NewSafeFetcher(admin.FetchOptions{Networks: networks})
	h.admin = admin.New(h.store, fetcher, admin.Options{
		Configured: configuredPolicies(h.cfg),
		Department: func(who portal.Address) string { return h.directory.Lookup(context.Background(), who).Department }, // from memory
		Changed:    h.policiesChanged,
		Logger:     h.log.With("part", "policies"),
	})
	if err := h.admin.Load(ctx); err != nil {
		return fmt.Errorf("policies: %w", err)
	}
	h.store.KeepRooms(h.admin.InForce("").RoomRetention)
	return nil
}

// inForceOfRooms is what holds for somebody who makes rooms: administrators always may.
func (h *house) inForceOfRooms(who portal.Address) portal.InForce {
	in := h.admin.InForce(who)
	in.MayCreateRooms = in.MayCreateRooms || slices.Contains(addresses(h.cfg.Signin.Admins), who)
	return in
}

// configuredPolicies is what the configuration says of policies, by their names. What it does not decide it does not have.
func configuredPolicies(cfg *config.Config) func(string) (string, bool) {
	said := map[string]string{}
	if cfg.Policy.DisableSavingIM {
		said[portal.DisableSavingIM] = policy.On
	}
	for name, value := range map[string]string{
		portal.EnableAutoArchiving: cfg.Policy.EnableAutoArchiving, portal.EnableCallLogAutoArchiving: cfg.Policy.EnableCallLogAutoArchiving,
		portal.DisableCalendarPresence: cfg.Policy.DisableCalendarPresence, portal.DisableFreeBusyInfo: cfg.Policy.DisableFreeBusyInfo,
		portal.DisableMeetingSubjectAndLocation: cfg.Policy.DisableMeetingSubjectAndLocation, portal.DisablePresenceNote: cfg.Policy.DisablePresenceNote,
		portal.EnableAppearOffline: cfg.Policy.EnableAppearOffline, portal.DisableIM: cfg.Policy.DisableIM,
		portal.MayCreateRooms: cfg.Policy.MayCreateRooms, portal.ThinSessions: cfg.Policy.ThinSessions,
		portal.CustomStateURL: cfg.Policy.CustomStateURL, portal.Language: cfg.Policy.Language,
	} {
		if value != "" {
			said[name] = value
		}
	}
	if cfg.Directory.InitialDelay > 0 {
		said[portal.GalDownloadInitialDelay] = cfg.Directory.InitialDelay.String()
	}
	if cfg.Rooms.Retention > 0 {
		said[portal.RoomRetention] = cfg.Rooms.Retention.String()
	}
	said[portal.MaxFileSize] = fmt.Sprintf("%dMB", cfg.Rooms.MaxFile)
	return func(name string) (string, bool) {
		value, ok := said[name]
		return value, ok
	}
}

// policiesChanged lets what was decided hold at once, in open sessions too. No one means everybody.
func (h *house) policiesChanged(who []portal.Address, names []string) {
	if slices.Contains(names, portal.RoomRetention) {
		h.store.KeepRooms(h.admin.InForce("").RoomRetention)
	}
	h.presence.PoliciesChanged(who...)
	h.privacy.PoliciesChanged(who...)
	if who == nil {
		who = h.hub.People()
	}
	told := slices.Clone(who)
	for _, admin := range addresses(h.cfg.Signin.Admins) { // whose pages show what holds for others
		if !slices.Contains(told, admin) {
			told = append(told, admin)
		}
	}
	h.web.Live().CurrentMany(told, portal.PoliciesEvent{Names: slices.Clone(names)})
}

// bookChanged lets policies of departments hold for those who are in another one now. It is called once the house stands.
func (h *house) bookChanged() {
	groups, err := h.admin.Groups(context.Background()) // from memory
	if names := namesByDepartment(groups); err == nil && len(names) > 0 {
		h.policiesChanged(nil, names)
	}
}

// namesByDepartment are the policies that may be other ones for somebody in another department: none without a group of departments.
func namesByDepartment(groups []portal.PolicyGroup) (names []string) {
	if !slices.ContainsFunc(groups, func(g portal.PolicyGroup) bool { return len(g.Departments) > 0 }) {
		return nil
	}
	for _, d := range policy.Definitions() {
		names = append(names, d.Name)
	}
	return names
}

// initialDelay is the wait before the address books are read for the first time.
func (h *house) initialDelay() time.Duration { return h.admin.InForce("").GalDownloadInitialDelay }
