package soap

// Time zones in the three shapes of the schema.

// TimeZoneDefinition is a zone by its Windows id, with its rules where the server gives them; as
// part of a request the id alone is enough.
type TimeZoneDefinition struct {
	ID          string             `ews:"@Id"`
	Name        string             `ews:"@Name"`
	Periods     []Period           `ews:"t:Periods>t:Period"`
	Groups      []TransitionsGroup `ews:"t:TransitionsGroups>t:TransitionsGroup"`
	Transitions *TransitionsGroup  `ews:"t:Transitions"`
}

// Period is a span with one offset: UTC = local + Bias.
type Period struct {
	Bias *Span  `ews:"@Bias"`
	Name string `ews:"@Name"`
	ID   string `ews:"@Id"`
}

// TransitionsGroup is the changes of one year (ID set), or the list of which group holds since when.
type TransitionsGroup struct {
	ID          string       `ews:"@Id"`
	Transitions []Transition `ews:"?"`
}

// Transition is one change. Kind is Transition (no date: from the beginning),
// AbsoluteDateTransition (DateTime), RecurringDateTransition (Month, Day) or
// RecurringDayTransition (Month, DayOfWeek, Occurrence 1..4, -1 or 5 = last).
type Transition struct {
	Kind       string           `ews:"!"`
	To         TransitionTarget `ews:"t:To,always"`
	DateTime   *DateTime        `ews:"t:DateTime"`
	TimeOffset *Span            `ews:"t:TimeOffset"`
	Month      *int             `ews:"t:Month"`
	Day        *int             `ews:"t:Day"`
	DayOfWeek  string           `ews:"t:DayOfWeek"`
	Occurrence *int             `ews:"t:Occurrence"`
}

// TransitionTarget names a period or a group; Kind is "Period" or "Group".
type TransitionTarget struct {
	Kind string `ews:"@Kind,always"`
	ID   string `ews:"#"`
}

// MeetingTimeZone is the zone of an item in the way of Exchange 2007.
type MeetingTimeZone struct {
	Name       string      `ews:"@TimeZoneName"`
	BaseOffset *Span       `ews:"t:BaseOffset"`
	Standard   *TimeChange `ews:"t:Standard"`
	Daylight   *TimeChange `ews:"t:Daylight"`
}

// TimeChange is the yearly change of a MeetingTimeZone; Time is "02:00:00".
type TimeChange struct {
	Name           string          `ews:"@TimeZoneName"`
	Offset         *Span           `ews:"t:Offset"`
	RelativeYearly *RelativeYearly `ews:"t:RelativeYearlyRecurrence"`
	AbsoluteDate   Date            `ews:"t:AbsoluteDate"`
	Time           string          `ews:"t:Time"`
}

// SerializableTimeZone is the zone of a free/busy request and of working hours: UTC = local +
// Bias (minutes), to which the Bias of the season is added.
type SerializableTimeZone struct {
	Bias         int                 `ews:"t:Bias,always"`
	StandardTime SerializableTurning `ews:"t:StandardTime,always"`
	DaylightTime SerializableTurning `ews:"t:DaylightTime,always"`
}

// SerializableTurning is when a season begins: the DayOrder-th (5 = last) DayOfWeek of Month at
// Time ("02:00:00"), or, with a Year, the DayOrder-th day of that month. Month 0 means never.
type SerializableTurning struct {
	Bias      int    `ews:"t:Bias,always"`
	Time      string `ews:"t:Time,always"`
	DayOrder  int    `ews:"t:DayOrder,always"`
	Month     int    `ews:"t:Month,always"`
	DayOfWeek string `ews:"t:DayOfWeek,always"`
	Year      string `ews:"t:Year"`
}

// GetServerTimeZones asks for zones by their ids, all when IDs is empty.
type GetServerTimeZones struct {
	Full *bool    `ews:"@ReturnFullTimeZoneData"`
	IDs  []string `ews:"m:Ids>t:Id"`
}

// GetServerTimeZonesResponse has one message.
type GetServerTimeZonesResponse struct {
	Messages []TimeZonesMessage `ews:"m:ResponseMessages>m:GetServerTimeZonesResponseMessage"`
}

// TimeZonesMessage holds the zones asked for.
type TimeZonesMessage struct {
	ResponseMessage
	Zones []TimeZoneDefinition `ews:"m:TimeZoneDefinitions>t:TimeZoneDefinition"`
}
