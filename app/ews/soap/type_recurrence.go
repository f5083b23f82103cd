package soap

// Series of appointments.

// Recurrence is one pattern and one range. Exactly one of the first six and one of the last
// three is set.
type Recurrence struct {
	RelativeYearly  *RelativeYearly  `ews:"t:RelativeYearlyRecurrence"`
	AbsoluteYearly  *AbsoluteYearly  `ews:"t:AbsoluteYearlyRecurrence"`
	RelativeMonthly *RelativeMonthly `ews:"t:RelativeMonthlyRecurrence"`
	AbsoluteMonthly *AbsoluteMonthly `ews:"t:AbsoluteMonthlyRecurrence"`
	Weekly          *Weekly          `ews:"t:WeeklyRecurrence"`
	Daily           *Daily           `ews:"t:DailyRecurrence"`
	NoEnd           *NoEnd           `ews:"t:NoEndRecurrence"`
	EndDate         *EndDate         `ews:"t:EndDateRecurrence"`
	Numbered        *Numbered        `ews:"t:NumberedRecurrence"`
}

// RelativeYearly is "the last Friday of March". DaysOfWeek is a name of a day (Sunday …) or Day,
// Weekday, WeekendDay; DayOfWeekIndex First, Second, Third, Fourth or Last; Month the English name.
type RelativeYearly struct {
	DaysOfWeek     string `ews:"t:DaysOfWeek,always"`
	DayOfWeekIndex string `ews:"t:DayOfWeekIndex,always"`
	Month          string `ews:"t:Month,always"`
}

// AbsoluteYearly is "31 March".
type AbsoluteYearly struct {
	DayOfMonth int    `ews:"t:DayOfMonth,always"`
	Month      string `ews:"t:Month,always"`
}

// RelativeMonthly is "the second weekday of every third month".
type RelativeMonthly struct {
	Interval       int    `ews:"t:Interval,always"`
	DaysOfWeek     string `ews:"t:DaysOfWeek,always"`
	DayOfWeekIndex string `ews:"t:DayOfWeekIndex,always"`
}

// AbsoluteMonthly is "the 15th of every second month".
type AbsoluteMonthly struct {
	Interval   int `ews:"t:Interval,always"`
	DayOfMonth int `ews:"t:DayOfMonth,always"`
}

// Weekly is "every second week on Monday and Thursday". FirstDayOfWeek matters for intervals
// above one; "" leaves it to the server (Sunday).
type Weekly struct {
	Interval       int      `ews:"t:Interval,always"`
	DaysOfWeek     []string `ews:"t:DaysOfWeek,always,list"`
	FirstDayOfWeek string   `ews:"t:FirstDayOfWeek"`
}

// Daily is "every third day".
type Daily struct {
	Interval int `ews:"t:Interval,always"`
}

// NoEnd goes on for ever.
type NoEnd struct {
	StartDate Date `ews:"t:StartDate,always"`
}

// EndDate goes on up to and including a day.
type EndDate struct {
	StartDate Date `ews:"t:StartDate,always"`
	EndDate   Date `ews:"t:EndDate,always"`
}

// Numbered has so many occurrences.
type Numbered struct {
	StartDate Date `ews:"t:StartDate,always"`
	Count     int  `ews:"t:NumberOfOccurrences,always"`
}
