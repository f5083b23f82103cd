package main

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestOneProgramAtATimeWorksWithADataFolder(t *testing.T) {
	dir := t.TempDir()
	first, err := lockFolder(t.Context(), dir, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lockFolder(t.Context(), dir, time.Millisecond); !errors.Is(err, errInUse) || !strings.Contains(err.Error(), dir) {
		t.Errorf("a second program: %v", err)
	}
	waited := make(chan error, 1)
	go func() {
		f, err := lockFolder(t.Context(), dir, longest)
		if err == nil {
			err = f.Close()
		}
		waited <- err
	}()
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-waited; err != nil {
		t.Errorf("who waited for the first to end: %v", err)
	}
	if _, err := lockFolder(t.Context(), dir+"/none", 0); err == nil || errors.Is(err, errInUse) {
		t.Errorf("a folder that is not there: %v", err)
	}
}

func TestASecondPortalOnTheSameDataSaysSo(t *testing.T) {
	p := demo(t)
	second := command(t, p.dir, []string{"PORTICO_HTTP_LISTEN=127.0.0.1:0"}, p.args...)
	<-second.exited
	if second.err == nil || !strings.Contains(second.logged(), errInUse.Error()) {
		t.Errorf("the second portal: %v\n%s", second.err, second.logged())
	}
	if status := p.signIn("alice").call("GET", "/me", nil, nil); status != 200 {
		t.Errorf("the first portal: status %d", status)
	}
}
