package main

import (
	"testing"

	"portico/app/config"
)

func TestWatchersAreAskedForWhereTheConfigurationSaysSo(t *testing.T) {
	for _, ask := range []bool{true, false} {
		cfg := config.Default()
		cfg.SIP.WatcherInfo = ask
		conf, err := lineConfig(cfg, "test")
		if err != nil {
			t.Fatal(err)
		}
		if conf.NoWatcherInfo == ask {
			t.Errorf("watcher_info %v: the connector has NoWatcherInfo %v", ask, conf.NoWatcherInfo)
		}
	}
}
