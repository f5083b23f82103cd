package catalogue

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/language"
	"golang.org/x/text/message"
	"golang.org/x/text/number"
)

// format is how the people of a country write, as far as it is not a text: numbers, the hours of a day, the week.
type format struct {
	printer *message.Printer
	// sample is a number as it is written there: where samples are the same, numbers are.
	sample string
	// plainDigits: small numbers are written with the digits 0 to 9.
	plainDigits bool
	twelve      bool
	firstDay    time.Weekday
}

// The countries whose weeks do not begin on Monday, and those that write twelve hours (Unicode CLDR 48, supplemental data,
// weekData and timeData), with the languages that write 24 wherever they are read.
const (
	sundayCountries = "AG AS BD BR BS BT BW BZ CA CO DM DO ET GT GU HK HN ID IL IN JM JP KE KH KR LA MH MM MO MT MX MZ NI NP PA PE PH PK PR PT PY " +
		"SA SG SV TH TT TW UM US VE VI WS YE ZA ZW"
	fridayCountries   = "MV"
	saturdayCountries = "AE AF BH DJ DZ EG IQ IR JO KW LY OM QA SD SY"
	twelveCountries   = "AE AG AL AR AS AU BB BD BH BM BN BO BS BT CA CL CO CR CU CY DJ DM DO DZ EC EG EH ER ET FJ FM GD GH GM GR GT GU GY HK HN IN IQ JM " +
		"JO KH KI KN KP KR KW KY LB LC LR LS LY MH MO MP MR MW MX MY NA NH NI NZ OM PA PE PG PH PK PR PS PW PY QA SA SB SD SG SL SO SS SV SY SZ " +
		"TC TD TN TO TT TW UM US UY VC VE VG VI VU WS YE ZM"
	dayLanguages = "cs da de fi fr it nb nl pl pt ru sv"
)

func formatOf(tag language.Tag) format {
	base, country := parts(tag)
	f := format{printer: message.NewPrinter(tag), firstDay: time.Monday, twelve: listed(twelveCountries, country) && !listed(dayLanguages, base)}
	switch {
	case listed(fridayCountries, country):
		f.firstDay = time.Friday
	case listed(sundayCountries, country):
		f.firstDay = time.Sunday
	case listed(saturdayCountries, country):
		f.firstDay = time.Saturday
	}
	f.sample = f.printer.Sprint(number.Decimal(-12345678.5))
	f.plainDigits = f.printer.Sprint(number.Decimal(907)) == "907"
	return f
}

func listed(list, country string) bool {
	return country != "" && slices.Contains(strings.Fields(list), country)
}

func (f format) same(g format) bool {
	return f.sample == g.sample && f.twelve == g.twelve && f.firstDay == g.firstDay
}

// TwelveHours: times of day are written with twelve hours.
func (c *Catalogue) TwelveHours() bool { return c.twelve }

// FirstDay is the day with which weeks begin.
func (c *Catalogue) FirstDay() time.Weekday { return c.firstDay }

// Number is a whole number as the reader writes it: "1,234", "1.234" or "1’234".
func (c *Catalogue) Number(n int64) string {
	if c.plainDigits && n > -1000 && n < 1000 {
		return strconv.FormatInt(n, 10)
	}
	return c.printer.Sprint(number.Decimal(n))
}

// Decimal is a number with as many digits behind the point.
func (c *Catalogue) Decimal(n float64, digits int) string {
	return c.printer.Sprint(number.Decimal(n, number.MinFractionDigits(digits), number.MaxFractionDigits(digits)))
}

// Size is a number of bytes in words, to two or three digits: "312 kB", "1.5 MB"; empty below zero.
func (c *Catalogue) Size(n int64) string {
	if n < 0 {
		return "" // nobody knows
	}
	for _, unit := range []struct {
		least int64
		key   string
	}{{1_000_000_000, "size.gb"}, {1_000_000, "size.mb"}, {1000, "size.kb"}} {
		if n < unit.least {
			continue
		}
		whole, tenth := n/unit.least, n%unit.least*10/unit.least
		if whole < 10 && tenth > 0 {
			return c.Text(unit.key, "Number", c.Decimal(float64(whole*10+tenth)/10, 1))
		}
		return c.Text(unit.key, "Number", c.Number(whole))
	}
	return c.Text("size.bytes", "Number", c.Number(n))
}

// written is an argument of a text as the reader writes it.
func (c *Catalogue) written(name string, value any) any {
	if name == "Year" {
		return value
	}
	switch n := value.(type) {
	case int:
		return c.Number(int64(n))
	case int64:
		return c.Number(n)
	case uint64:
		if n < 1<<62 {
			return c.Number(int64(n))
		}
	case float64:
		return c.Decimal(n, 1)
	case fmt.Stringer:
		return n.String()
	}
	return value
}

// figure is an argument of an error, where they are all texts: a bound is a number, and written as one.
func (c *Catalogue) figure(name, value string) string {
	switch strings.ToLower(name) {
	case "max", "min", "limit", "length", "seconds", "minutes", "days":
		if n, err := strconv.ParseInt(value, 10, 64); err == nil {
			return c.Number(n)
		}
	}
	return value
}
