package views

import (
	"fmt"

	"portico/app/portal"
)

// SyncUsersPage is the page /admin/sync/users.
type SyncUsersPage struct {
	Frame
	Notice
	// Users are the CRM users there are.
	Users []portal.CRMUser
	// Planned: Plan says what Sync users would do.
	Planned bool
	Plan    []portal.SyncUserPlan
	Run     portal.SyncUsersRun
}

// planned counts the people of a plan with an action.
func (v SyncUsersPage) planned(action string) int {
	n := 0
	for _, p := range v.Plan {
		if p.Action == action && p.Problem == "" {
			n++
		}
	}
	return n
}

// todo is how many people of the plan something would be done about.
func (v SyncUsersPage) todo() int {
	return v.planned("link") + v.planned("create") + v.planned("resume")
}

// does reports whether something would be done about somebody.
func does(p portal.SyncUserPlan) bool {
	return p.Problem == "" && (p.Action == "link" || p.Action == "create" || p.Action == "resume")
}

// planText says what would be done about somebody.
func (r Reader) planText(p portal.SyncUserPlan) string {
	return r.Text("sync.plan."+p.Action, "Name", userName(p.User), "ID", p.ID)
}

// byText says what somebody was found by.
func (r Reader) byText(p portal.SyncUserPlan) string {
	if p.By == "" {
		return ""
	}
	return r.Text("sync.plan.by." + p.By)
}

// runText says how far a run has got, or how it ended.
func (r Reader) runText(run portal.SyncUsersRun) string {
	return r.Text("sync.run."+run.State, "Done", run.Done, "Of", run.Of)
}

// runCounts is what a run has done.
func (r Reader) runCounts(run portal.SyncUsersRun) string {
	return r.Text("sync.run.counts", "Linked", run.Linked, "Created", run.Created, "Resumed", run.Resumed, "Failed", run.Failed)
}

// userState is whether a user is synchronised: a key below "sync.user.".
func userState(u portal.CRMUser) string {
	switch {
	case u.Synced():
		return "on"
	case u.Cleared:
		return "cleared"
	}
	return "off"
}

// every is how often a run's pane is read again; nothing where it does not run.
func every(run portal.SyncUsersRun) string {
	if run.State == "running" {
		return "1000"
	}
	return "0"
}

// runMax is the length of a run's progress bar, which has no length of nothing.
func runMax(run portal.SyncUsersRun) string { return fmt.Sprint(max(run.Of, 1)) }
