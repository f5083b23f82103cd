package ewslab

// Reminders: which are due, dismissed or put off.

import (
	"database/sql"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"
)

// reminderReach is how far around the asked time entries are looked at: a reminder stands at most four weeks before its entry.
const reminderReach = 28 * 24 * time.Hour

// reminder is one that will be, or is, due.
type reminder struct {
	it *item
	at time.Time
}

// opGetReminders answers the reminders of the caller's calendar.
func (s *Server) opGetReminders(c *call) (*node, error) {
	if c.me == nil {
		return nil, fail("ErrorNonExistentMailbox", "The account has no mailbox.")
	}
	from, to := s.now().Add(-24*time.Hour), s.now().Add(24*time.Hour)
	if text := c.req.text("BeginTime"); text != "" {
		var ok bool
		if from, ok = instant(text, c.zone); !ok {
			return nil, invalid("the 'BeginTime' is invalid.")
		}
	}
	if text := c.req.text("EndTime"); text != "" {
		var ok bool
		if to, ok = instant(text, c.zone); !ok {
			return nil, invalid("the 'EndTime' is invalid.")
		}
	}
	most := 200
	if n, err := strconv.Atoi(c.req.text("MaxItems")); err == nil && n > 0 {
		most = min(n, 200)
	}
	var found []reminder
	err := c.view(func(x *tx) (err error) {
		found, err = s.reminders(x, c.me, from, to)
		return err
	})
	if err != nil {
		return nil, err
	}
	list := m("Reminders")
	for _, r := range found {
		current := r.it.time("End").After(s.now())
		if kind := c.req.text("ReminderType"); kind == "Current" && !current || kind == "Old" && current || len(list.Kids) >= most {
			continue
		}
		list.add(r.node())
	}
	return m("GetRemindersResponse", at("ResponseClass", "Success"), m("ResponseCode", "NoError"), list), nil
}

// reminders lists those whose time lies between from and to, by time.
func (s *Server) reminders(x *tx, who *mailbox, from, to time.Time) ([]reminder, error) {
	f, err := x.standard(who.ID, "calendar")
	if err != nil {
		return nil, err
	}
	entries, err := x.window(f, from.Add(-reminderReach), to.Add(reminderReach))
	if err != nil {
		return nil, err
	}
	var out []reminder
	for _, it := range entries {
		if !it.flag("ReminderIsSet") {
			continue
		}
		minutes, err := strconv.Atoi(strings.TrimSpace(it.text("ReminderMinutesBeforeStart")))
		if err != nil {
			minutes = 15
		}
		r := reminder{it: it, at: it.time("Start").Add(-time.Duration(minutes) * time.Minute)}
		row, original := reminderKey(it)
		var later int64
		switch err := x.QueryRow(`SELECT at FROM snoozed WHERE item = ? AND original = ?`, row, original).Scan(&later); {
		case errors.Is(err, sql.ErrNoRows):
		case err != nil:
			return nil, err
		case later == 0:
			continue // dismissed
		default:
			r.at = time.Unix(later, 0).UTC()
		}
		if !r.at.Before(from) && !r.at.After(to) {
			out = append(out, r)
		}
	}
	slices.SortStableFunc(out, func(a, b reminder) int { return a.at.Compare(b.at) })
	return out, nil
}

// reminderKey names an entry or an occurrence: the row (of the series) and the start by the pattern.
func reminderKey(it *item) (row, original int64) {
	if it.Master != 0 {
		return it.Master, it.Original.Unix()
	}
	return it.ID, 0
}

func (r reminder) node() *node {
	n := t("Reminder", t("Subject", r.it.text("Subject")), t("Location", r.it.text("Location")), t("ReminderTime", r.at),
		t("StartDate", r.it.time("Start")), t("EndDate", r.it.time("End")), r.it.node("ItemId"))
	if r.it.Master != 0 {
		n.add(t("RecurringMasterItemId", at("Id", id{Kind: kindItem, Mailbox: r.it.Mailbox, Row: r.it.Master}.String())))
	}
	return n.add(t("ReminderGroup", "Calendar"), t("UID", r.it.text("UID")))
}

// opPerformReminderAction dismisses reminders or puts them off.
func (s *Server) opPerformReminderAction(c *call) (*node, error) {
	updated := m("UpdatedItemIds")
	err := c.update(func(x *tx) error {
		for _, action := range c.req.kid("ReminderItemActions").all("ReminderItemAction") {
			it, _, err := c.openItem(x, action.kid("ItemId"), mayModify)
			if err != nil {
				return err
			}
			later := int64(0)
			switch action.text("ActionType") {
			case "Dismiss":
			case "Snooze":
				at, ok := instant(action.text("NewReminderTime"), c.zone)
				if !ok {
					return invalid("the 'NewReminderTime' is invalid.")
				}
				later = at.Unix()
			default:
				return invalid("the action is not known.")
			}
			row, original := reminderKey(it)
			if _, err := x.Exec(`INSERT OR REPLACE INTO snoozed(item, original, at) VALUES(?,?,?)`, row, original, later); err != nil {
				return err
			}
			updated.add(it.node("ItemId"))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(updated.Kids) == 0 {
		return nil, invalid("there are no actions.")
	}
	return m("PerformReminderActionResponse", at("ResponseClass", "Success"), m("ResponseCode", "NoError"), updated), nil
}
