package main

import (
	"testing"
	"time"

	"portico/app/config"
)

// What the archive has forgotten is not to be read in the event log.
func TestEventsDoNotOutliveTheMessages(t *testing.T) {
	for _, c := range []struct{ retention, replay, want time.Duration }{
		{0, 720 * time.Hour, 720 * time.Hour}, {48 * time.Hour, 720 * time.Hour, 48 * time.Hour}, {1000 * time.Hour, 720 * time.Hour, 720 * time.Hour},
	} {
		cfg := config.Default()
		cfg.Chat.Retention, cfg.Limits.ReplayAge = c.retention, c.replay
		if got := eventAge(cfg); got != c.want {
			t.Errorf("messages kept %v, events %v: kept %v, want %v", c.retention, c.replay, got, c.want)
		}
	}
}

// What peers that do not answer may cost at the close leaves storage time to commit what was accepted.
func TestClosingLeavesStorageItsPart(t *testing.T) {
	const sip = 2 * time.Second // the connector's farewell
	if left := shutdownBudget - drainLive - drainHTTP - drainCalendar - drainChat - drainDesk - sip; left < time.Second {
		t.Errorf("storage is left %v of %v", left, shutdownBudget)
	}
}
