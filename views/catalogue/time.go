package catalogue

import (
	"strconv"
	"time"
)

// Clock is the time of day: "09:41", or "9:41 AM" for those who write twelve hours.
func (c *Catalogue) Clock(t time.Time) string {
	if c.twelve {
		return c.half(t, t.Format("3:04"))
	}
	return t.Format("15:04")
}

// Hour is Clock without the minutes of a full hour where hours are twelve: "9 AM".
func (c *Catalogue) Hour(t time.Time) string {
	if c.twelve && t.Minute() == 0 {
		return c.half(t, t.Format("3"))
	}
	return c.Clock(t)
}

// Seconds is Clock with seconds: "09:41:07".
func (c *Catalogue) Seconds(t time.Time) string {
	if c.twelve {
		return c.half(t, t.Format("3:04:05"))
	}
	return t.Format("15:04:05")
}

func (c *Catalogue) half(t time.Time, clock string) string {
	key := "time.am"
	if t.Hour() >= 12 {
		key = "time.pm"
	}
	return c.Text("time.twelve", "Time", clock, "Half", c.Text(key))
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
	return c.Date(t, now)
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
	return c.Text("time.date-at", "Date", c.Date(t, now), "Time", c.Clock(t))
}

// Since is Moment without the time of day where it was before yesterday.
func (c *Catalogue) Since(t, now time.Time) string {
	if days := daysBetween(t, now); days > 1 {
		return c.Date(t, now)
	}
	return c.Moment(t, now)
}

// Full is t in full, for titles: "Monday 16 November 2026, 09:41".
func (c *Catalogue) Full(t time.Time) string {
	return c.Text("time.full", "Weekday", c.weekday(t), "Day", t.Day(), "Month", c.month(t), "Year", t.Year(), "Time", c.Clock(t))
}

// Date is t's date, with its year where that is not now's: "16 Nov".
func (c *Catalogue) Date(t, now time.Time) string {
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
