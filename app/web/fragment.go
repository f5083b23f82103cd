package web

import (
	"context"

	"portico/app/portal"
	"portico/realtime"
)

// fragment renders ev as the pages of audience a take it; nil where pages do not show it.
func (s *Server) fragment(ctx context.Context, a realtime.Audience, ev portal.Event, seq int64) []byte {
	return nil
}
