package main

import (
	"bytes"
	"net/http"
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
