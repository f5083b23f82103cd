package web

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"sync"

	"github.com/labstack/echo/v4"
	"golang.org/x/sync/errgroup"

	"portico/app/portal"
	"portico/views"
)

const (
	// liveLines is how many lines of the live log a page shows.
	liveLines = 200
	// maxTests is how many mailboxes are tested by one request, testsAtOnce how many of them side by side.
	maxTests, testsAtOnce = 200, 8
)

// syncDiagnosticsPage shows each mailbox with a test of its connection, and the live log.
func (s *Server) syncDiagnosticsPage(c echo.Context) error {
	f, err := s.adminFrame(c, "sync.tab.diagnostics")
	if err != nil {
		return err
	}
	return s.showDiagnostics(c, http.StatusOK, views.SyncDiagnosticsPage{Frame: f})
}

func (s *Server) showDiagnostics(c echo.Context, status int, v views.SyncDiagnosticsPage) error {
	ctx := c.Request().Context()
	var err error
	if v.Status, err = s.Sync.Status(ctx); err != nil {
		return err
	}
	if v.Lines, err = s.newestLines(ctx, liveLines); err != nil {
		return err
	}
	return s.render(c, status, views.SyncDiagnosticsView(v))
}

// newestLines are the last lines of the live log, the oldest first.
func (s *Server) newestLines(ctx context.Context, n int) ([]portal.SyncLogLine, error) {
	lines, err := s.Sync.Lines(ctx, 0, maxLiveLines)
	if err != nil {
		return nil, err
	}
	return lines[max(0, len(lines)-n):], nil
}

// maxLiveLines is more than the live log holds.
const maxLiveLines = 100_000

// testMailboxes tests the connection to one mailbox, or to all that are synchronised.
func (s *Server) testMailboxes(c echo.Context) error {
	if err := form(c); err != nil {
		return err
	}
	ctx := c.Request().Context()
	f, err := s.adminFrame(c, "sync.tab.diagnostics")
	if err != nil {
		return err
	}
	v := views.SyncDiagnosticsPage{Frame: f}
	var wanted []portal.Address
	if c.FormValue("mailbox") == "all" {
		st, err := s.Sync.Status(ctx)
		if err != nil {
			return err
		}
		for _, m := range st.Mailboxes[:min(len(st.Mailboxes), maxTests)] {
			wanted = append(wanted, m.Mailbox)
		}
	} else {
		a, err := portal.ParseAddress(c.FormValue("mailbox"))
		if err != nil {
			return err
		}
		wanted = []portal.Address{a}
	}
	if v.Found, err = s.tested(ctx, wanted); err != nil {
		return err
	}
	return s.showDiagnostics(c, http.StatusOK, v)
}

// tested tests mailboxes side by side. What cannot be tested is a finding too.
func (s *Server) tested(ctx context.Context, wanted []portal.Address) (map[portal.Address]portal.SyncFinding, error) {
	found := map[portal.Address]portal.SyncFinding{}
	var mu sync.Mutex
	var g errgroup.Group
	g.SetLimit(testsAtOnce)
	for _, a := range wanted {
		g.Go(func() error {
			finding, err := s.SyncAdmin.Diagnose(ctx, a)
			if portal.Meaning(err) != nil || errors.Is(err, context.DeadlineExceeded) {
				finding, err = portal.SyncFinding{Part: "mailbox", Name: a.Bare(), Kind: "unknown", Cause: err.Error()}, nil
			}
			mu.Lock()
			defer mu.Unlock()
			found[a] = finding
			return err
		})
	}
	return found, g.Wait()
}

// setLogLevel says how much the live log holds.
func (s *Server) setLogLevel(c echo.Context) error {
	if err := form(c); err != nil {
		return err
	}
	level, err := strconv.Atoi(c.FormValue("level"))
	if err != nil || level < 0 || level > 5 {
		return portal.Fail(portal.ErrInvalid, "sync.level")
	}
	if err := s.logAt(c.Request().Context(), s.person(c), level); err != nil {
		return err
	}
	return s.done(c, views.SyncPath+"/diagnostics")
}

// logAt stores the level of the live log with the other settings as they are.
func (s *Server) logAt(ctx context.Context, by portal.Address, level int) error {
	set, err := s.SyncAdmin.Settings(ctx)
	if err != nil {
		return err
	}
	set.LogLevel = level
	_, _, err = s.SyncAdmin.SaveSettings(ctx, by, set)
	return err
}
