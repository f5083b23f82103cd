package ewslab

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"
)

// The mailboxes of the lab are their owner's alone, as the portal's database is, and so is the log beside them.
func TestFileOfTheLabIsPrivate(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("files have no such modes on Windows")
	}
	dir := t.TempDir()
	s, err := openStore(filepath.Join(dir, "lab.db"), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "lab.db*"))
	if err != nil || len(files) < 2 {
		t.Errorf("%q, %v", files, err)
	}
	for _, file := range files {
		if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", file, info.Mode(), err)
		}
	}
	if err := s.close(); err != nil {
		t.Error(err)
	}
}

// Rows of a query that is asked again before they were read to their end stay what they were.
func TestStatementAskedWithinItself(t *testing.T) {
	s, err := openStore(filepath.Join(t.TempDir(), "lab.db"), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.close(); err != nil {
			t.Error(err)
		}
	}()
	const query = `SELECT value FROM (SELECT 1 AS value UNION ALL SELECT 2 UNION ALL SELECT 3) WHERE value >= ? ORDER BY value`
	for range 3 { // prepared, kept, kept
		var got string
		err := s.view(t.Context(), func(x *tx) error {
			outer, err := x.Query(query, 1)
			if err != nil {
				return err
			}
			defer outer.Close()
			for outer.Next() {
				var o, i int
				if err := outer.Scan(&o); err != nil {
					return err
				}
				if err := x.QueryRow(query, o).Scan(&i); err != nil {
					return err
				}
				got += fmt.Sprint(o, i, " ")
			}
			return outer.Err()
		})
		if err != nil || got != "1 1 2 2 3 3 " {
			t.Errorf("%q, %v", got, err)
		}
	}
}

// More queries than a connection keeps are answered all the same, and those that are kept stay bounded.
func TestStatementsAreBounded(t *testing.T) {
	s, err := openStore("", time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.close(); err != nil {
			t.Error(err)
		}
	}()
	for round := range 2 {
		for n := range maxStatements + 50 {
			err := s.update(t.Context(), func(x *tx) error {
				var got int
				if err := x.QueryRow(fmt.Sprintf(`SELECT %d + ?`, n), round).Scan(&got); err != nil || got != n+round {
					return fmt.Errorf("%d + %d is %d: %w", n, round, got, err)
				}
				_, err := x.Exec(fmt.Sprintf(`INSERT INTO meta VALUES('test %d', %d) ON CONFLICT (key) DO UPDATE SET value = ?`, n, n), n+round)
				return err
			}, nil)
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	conn, err := s.write.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	}()
	err = conn.Raw(func(c any) error {
		if kept := len(c.(*keepingConn).kept); kept > maxStatements {
			return fmt.Errorf("%d statements are kept", kept)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
