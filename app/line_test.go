package main

import (
	"testing"

	"portico/app/config"
)

// A subscription for each person costs the SIP server; what no page shows is not asked for.
func TestNobodyAsksForWatchersThatNoPageShows(t *testing.T) {
	conf, err := lineConfig(config.Default(), "test")
	if err != nil {
		t.Fatal(err)
	}
	if !conf.NoWatcherInfo {
		t.Error("each person's watchers are subscribed to")
	}
}
