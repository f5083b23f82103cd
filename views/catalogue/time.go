package catalogue

import (
	"strconv"
	"time"
)

// Clock is the time of day: "09:41", or "9:41 AM" for those who write twelve hours.
func (c *Catalogue) Clock(t time.Time) string {
	if c.twelve {
		return t.Format("3:04 PM")
	}
	return t.Format("15:04")
}

// Day names t's day as seen from now, both in their own zone: "Today", "Yesterday", "Monday",
// "Monday 16 November", with the year where it is another one.
func (c *Catalogue) Day(t, now time.Time) string {
	switch days := daysBetween(t, now); {
	case days == 0:
		return c.Text("time.today")
	case days == 1:
		return c.Text("time.yesterday")
	case days > 1 && days < 7:
		return c.weekday(t)
	}
	if t.Year() == now.Year() {
		return c.Text("time.day", "Weekday", c.weekday(t), "Day", t.Day(), "Month", c.month(t))
	}
	return c.Text("time.day-year", "Weekday", c.weekday(t), "Day", t.Day(), "Month", c.month(t), "Year", t.Year())
}

// Short is the least that places t in a list: the time today, the weekday this week, else the date.
func (c *Catalogue) Short(t, now time.Time) string {
	switch days := daysBetween(t, now); {
	case days == 0:
		return c.Clock(t)
	case days > 0 && days < 7:
		return c.Text("weekday.short." + strconv.Itoa(int(t.Weekday())))
	}
	return c.date(t, now)
}

// Moment is day and time in running text: "09:41", "yesterday 17:02", "16 Nov 09:41".
func (c *Catalogue) Moment(t, now time.Time) string {
	switch daysBetween(t, now) {
	case 0:
		return c.Clock(t)
	case 1:
		return c.Text("time.yesterday-at", "Time", c.Clock(t))
	case -1:
		return c.Text("time.tomorrow-at", "Time", c.Clock(t))
	}
	return c.Text("time.date-at", "Date", c.date(t, now), "Time", c.Clock(t))
}

// Since is Moment without the time of day where it was before yesterday.
func (c *Catalogue) Since(t, now time.Time) string {
	if days := daysBetween(t, now); days > 1 {
		return c.date(t, now)
	}
	return c.Moment(t, now)
}

// Full is t in full, for titles: "Monday 16 November 2026, 09:41".
func (c *Catalogue) Full(t time.Time) string {
	return c.Text("time.full", "Weekday", c.weekday(t), "Day", t.Day(), "Month", c.month(t), "Year", t.Year(), "Time", c.Clock(t))
}

func (c *Catalogue) date(t, now time.Time) string {
	month := c.Text("month.short." + strconv.Itoa(int(t.Month())))
	if t.Year() == now.Year() {
		return c.Text("time.date", "Day", t.Day(), "Month", month)
	}
	return c.Text("time.date-year", "Day", t.Day(), "Month", month, "Year", t.Year())
}

func (c *Catalogue) weekday(t time.Time) string {
	return c.Text("weekday." + strconv.Itoa(int(t.Weekday())))
}

func (c *Catalogue) month(t time.Time) string { return c.Text("month." + strconv.Itoa(int(t.Month()))) }

// daysBetween counts midnights from t to now, each read in its own zone; negative if t is later.
func daysBetween(t, now time.Time) int {
	day := func(t time.Time) time.Time { return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC) }
	return int(day(now).Sub(day(t)).Hours() / 24)
}
