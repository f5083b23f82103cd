package ewslab

// Where the services beside the store of items are plugged in: their operations, tables, state and goroutines.

import (
	"context"
	"net/http"
)

// extras is the state of the services; embedded in Server.
type extras struct{}

// serviceOperations are the operations of the services.
func (s *Server) serviceOperations() map[string]operation { return map[string]operation{} }

// serviceTables are the SQL statements that create the services' tables, each safe to repeat.
func serviceTables() []string { return nil }

// setUpExtras prepares the services after the mailboxes exist.
func (s *Server) setUpExtras(context.Context) error { return nil }

// runExtras runs what the services do by themselves, until ctx ends.
func (s *Server) runExtras(ctx context.Context) { <-ctx.Done() }

// serveExtras answers requests on other paths (autodiscover, /lab/faults); false: not one of its paths.
func (s *Server) serveExtras(http.ResponseWriter, *http.Request) bool { return false }

// serveSigned answers signed-in requests on the service's address that are not SOAP (GET .../s/GetUserPhoto); false: not one.
func (s *Server) serveSigned(http.ResponseWriter, *http.Request, signedIn) bool { return false }

// injure does what a fault that is set asks for before an operation runs; true: the request has been answered.
func (s *Server) injure(*call) (bool, error) { return false, nil }
