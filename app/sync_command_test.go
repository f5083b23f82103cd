package main

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"portico/app/config"
)

// shell is what a command printed, and its exit status.
func shell(t *testing.T, dir string, args ...string) (out, errs string, status int) {
	t.Helper()
	cfg := "PORTICO_STORAGE_DATA_DIR=" + filepath.Join(dir, "portico-data")
	dsn := "PORTICO_STORAGE_DSN=sqlite:" + filepath.Join(dir, "portico-data", "portico.db")
	var o, e bytes.Buffer
	status = run(t.Context(), args, []string{cfg, dsn}, &o, &e)
	return o.String(), e.String(), status
}

func TestTheSynchronisationFromAShellBesideARunningPortal(t *testing.T) {
	p := demo(t)
	synced(t, p)
	out, errs, status := shell(t, p.dir, "sync", "status")
	if status != exitFine || !strings.Contains(out, "CRM to Exchange on, Exchange to CRM on") || !strings.Contains(out, "in-step  alice@example.test on lab") || strings.Contains(out, "frank@example.test") {
		t.Errorf("status: %d\n%s%s", status, out, errs)
	}
	out, errs, status = shell(t, p.dir, "sync", "users")
	if status != exitFine || !strings.Contains(out, "link       frank@example.test is frank@example.test by email on lab") || !strings.Contains(out, "none       alice@example.test") {
		t.Errorf("users: %d\n%s%s", status, out, errs)
	}
	if out, errs, status = shell(t, p.dir, "sync", "users", "--apply"); status != exitFine || !strings.Contains(out, "done: 12 of 12 people; 2 linked") {
		t.Errorf("users --apply: %d\n%s%s", status, out, errs)
	}
	if out, errs, status = shell(t, p.dir, "sync", "run"); status != exitFine || !strings.Contains(out, "in-step  frank@example.test on lab") {
		t.Errorf("run: %d\n%s%s", status, out, errs)
	}
	if out, errs, status = shell(t, p.dir, "sync", "retry"); status != exitFine || out != "0 tried again\n" {
		t.Errorf("retry: %d\n%s%s", status, out, errs)
	}
	// Nobody without the token comes in by this door.
	data, err := os.ReadFile(filepath.Join(p.dir, "portico-data", controlFile))
	if err != nil {
		t.Fatal(err)
	}
	_, address, _ := strings.Cut(string(data), `"address":"`)
	address, _, _ = strings.Cut(address, `"`)
	resp, err := http.Get("http://" + address + "/status")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("without the token: %s", resp.Status)
	}
	if info, err := os.Stat(filepath.Join(p.dir, "portico-data", controlFile)); err != nil || info.Mode().Perm()&0o077 != 0 {
		t.Errorf("the token can be read by others: %v, %v", info.Mode(), err)
	}
}

func TestTheSynchronisationFromAShellAlone(t *testing.T) {
	p := demo(t)
	synced(t, p)
	p.kill() // the door's plate still hangs
	out, errs, status := shell(t, p.dir, "sync", "run")
	if status != exitFine || !strings.Contains(out, "in-step  alice@example.test on lab") {
		t.Errorf("run: %d\n%s%s", status, out, errs)
	}
}

func TestSyncCommandsThatAreWrong(t *testing.T) {
	for _, args := range [][]string{{"sync"}, {"sync", "everything"}, {"sync", "status", "7"}, {"sync", "retry", "x"}, {"sync", "retry", "0"}, {"sync", "run", "--apply"}} {
		if _, errs, status := shell(t, t.TempDir(), args...); status != exitUsage || !strings.Contains(errs, "portico sync status") {
			t.Errorf("%q: %d\n%s", args, status, errs)
		}
	}
	if out, _, status := shell(t, t.TempDir(), "sync", "--help"); status != exitFine || !strings.Contains(out, "portico sync run") {
		t.Errorf("help: %d\n%s", status, out)
	}
	o, _, err := syncOrderOf([]string{"retry", "7", "--config", "", "9"}, nil)
	if err != nil || len(o.seqs) != 2 || o.seqs[0] != 7 || o.seqs[1] != 9 {
		t.Errorf("numbers and flags in any order: %+v, %v", o, err)
	}
}

func TestWithoutBothSidesThereIsNoSynchronisation(t *testing.T) {
	dir := t.TempDir()
	var o, e bytes.Buffer
	status := run(t.Context(), []string{"sync", "status"}, []string{"PORTICO_STORAGE_DATA_DIR=" + dir, "PORTICO_STORAGE_DSN=sqlite:" + filepath.Join(dir, "p.db"), "PORTICO_CRM_ENABLED=false"}, &o, &e)
	if status != exitFailed || !strings.Contains(e.String(), "crm.enabled") {
		t.Errorf("%d: %s%s", status, o.String(), e.String())
	}
}

func TestAControlPlateThatIsDamagedIsSaid(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, controlFile), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := config.Default()
	cfg.Storage.DataDir = dir
	if _, err := controlClient(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), controlFile) {
		t.Errorf("a damaged plate: %v", err)
	}
}

// synced waits until the example people's mailboxes are in step with CRM.
func synced(t *testing.T, p *program) {
	t.Helper()
	await(t, longest, "the synchronisation of the example people", func() bool {
		out, _, status := shell(t, p.dir, "sync", "status")
		return status == exitFine && strings.Count(out, "in-step") == 10 && strings.Contains(out, "queue: 0 waiting, 0 to be tried again, 0 held, 0 failed")
	})
}

// A shell that is quicker than a portal that has just begun waits for its control door, and no longer.
func TestAShellWaitsForThePortalThatBegins(t *testing.T) {
	cfg := config.Default()
	cfg.Storage.DataDir = t.TempDir()
	held, err := lockFolder(t.Context(), cfg.Storage.DataDir, 0)
	if err != nil {
		t.Fatal(err)
	}
	found := make(chan error, 1)
	go func() {
		desk, err := findDesk(t.Context(), cfg)
		if err == nil && desk == nil {
			err = errNobodyThere
		}
		found <- err
	}()
	door := httptest.NewServer(http.NotFoundHandler())
	defer door.Close()
	if err := writePlate(filepath.Join(cfg.Storage.DataDir, controlFile), doorplate{Address: door.Listener.Addr().String(), Token: "t"}); err != nil {
		t.Fatal(err)
	}
	if err := <-found; err != nil {
		t.Errorf("a portal that has just begun: %v", err)
	}
	if err := errors.Join(os.Remove(filepath.Join(cfg.Storage.DataDir, controlFile)), held.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := findDesk(t.Context(), cfg); !errors.Is(err, errNobodyThere) {
		t.Errorf("where no portal runs: %v", err)
	}
}
