package main

import (
	"bytes"
	"encoding/json"
	"log"
	"log/slog"
	"os"
	"testing"

	"portico/app/config"
)

// What libraries say to Go's default logger comes in the configured format, and only where the log is the
// process's own.
func TestLibrariesSpeakInTheConfiguredFormat(t *testing.T) {
	before, output, flags := slog.Default(), log.Writer(), log.Flags()
	stderr := os.Stderr
	t.Cleanup(func() {
		os.Stderr = stderr
		slog.SetDefault(before)
		log.SetOutput(output)
		log.SetFlags(flags)
	})
	cfg := config.Default()
	cfg.Log.Format = "json"
	newLogger(cfg, &bytes.Buffer{})
	if slog.Default() != before {
		t.Error("the log of one house among several has become everybody's")
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	os.Stderr = w
	newLogger(cfg, os.Stderr)
	slog.Default().Warn("TCP ref went negative", "ref", -1)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	var line struct{ Level, Msg string }
	if err := json.NewDecoder(r).Decode(&line); err != nil || line.Level != "WARN" || line.Msg != "TCP ref went negative" {
		t.Errorf("%+v, %v", line, err)
	}
}
