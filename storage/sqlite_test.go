package storage_test

import (
	"path/filepath"
	"testing"

	"portico/storage"
	"portico/storage/storagetest"

	"github.com/alexedwards/scs/v2"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if childMain() {
		return
	}
	goleak.VerifyTestMain(m)
}

// The session manager takes the store as it is.
var _ scs.CtxStore = (*storage.Store)(nil)

func openSQLite(t *testing.T, o storage.Options) storagetest.Store {
	t.Helper()
	o.DSN = "sqlite:" + filepath.Join(t.TempDir(), "data", "portico #1?.db")
	s, err := storage.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSQLite(t *testing.T) { storagetest.Run(t, openSQLite) }
