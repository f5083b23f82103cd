package calsync

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"portico/app/portal"
)

// Settings: what an administrator decides about the synchronisation, as the engine reads it. They are one document of the ledger.

// blobSettings is the name of the document that holds them.
const blobSettings = "settings"

// StandardSettings are what holds before anybody has decided.
func StandardSettings() portal.SyncSettings {
	return portal.SyncSettings{ToExchange: true, ToCRM: true, CopyReminders: true, LogLevel: 2, KeepLog: 90, MaxShare: 20}
}

// loadSettings reads the settings as they are stored, with the revision to store others over.
func (s *Service) loadSettings(ctx context.Context) (portal.SyncSettings, int64, error) {
	st := StandardSettings()
	raw, rev, err := s.l.SyncBlob(ctx, blobSettings)
	if errors.Is(err, portal.ErrNotFound) {
		return st, 0, nil
	}
	if err != nil {
		return st, 0, err
	}
	if err := json.Unmarshal(raw, &st); err != nil {
		return st, rev, fmt.Errorf("read the settings of the synchronisation: %w", err)
	}
	st.Revision = rev
	return st, rev, nil
}

// NamesServers tells whether an administrator has named servers in the control panel.
func NamesServers(ctx context.Context, l Ledger) (bool, error) {
	st, _, err := (&Service{l: l}).loadSettings(ctx)
	return len(st.Servers) > 0, err
}

// storeSettings stores settings over the revision that they were made from (a stale one is ErrConflict); they hold from the next
// job on.
func (s *Service) storeSettings(ctx context.Context, st portal.SyncSettings, by portal.Address) error {
	revision := st.Revision
	st.Revision = 0
	raw, err := json.Marshal(st)
	if err != nil {
		return fmt.Errorf("write the settings of the synchronisation: %w", err)
	}
	if err := s.l.SaveSyncBlob(ctx, blobSettings, raw, revision); err != nil {
		return err
	}
	if err := s.l.LogSync(ctx, portal.SyncTransaction{At: s.o.Now(), What: "settings", Result: "done", By: string(by)}); err != nil {
		return err
	}
	return s.refresh(ctx)
}

// keepLog is how long the log is kept.
func keepLog(st portal.SyncSettings) time.Duration {
	return time.Duration(max(st.KeepLog, 1)) * 24 * time.Hour
}

// maxShare is how much of a calendar of n entries may go at once without asking.
func maxShare(st portal.SyncSettings, n int) int {
	const few = 10
	share := st.MaxShare
	if share <= 0 {
		share = StandardSettings().MaxShare
	}
	return max(few, n*min(share, 100)/100)
}
