package ewslab

// Zones that a client spells out instead of naming them.

import (
	"encoding/binary"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// customZone makes a zone of the periods and the last group of transitions of a TimeZoneDefinition; nil when it has none that can be read.
func customZone(def *node) *time.Location {
	biases := map[string]time.Duration{}
	var first string
	for _, p := range def.kid("Periods").kids() {
		bias, ok := xsDuration(p.attr("Bias"))
		if !ok {
			return nil
		}
		if first == "" {
			first = p.attr("Id")
		}
		biases[p.attr("Id")] = bias
	}
	if first == "" {
		return nil
	}
	var rules []yearlyRule
	groups := def.kid("TransitionsGroups").kids()
	if len(groups) > 0 {
		for _, k := range groups[len(groups)-1].Kids {
			bias, known := biases[k.text("To")]
			if !known {
				return nil
			}
			if k.Name == "Transition" {
				first = k.text("To")
				continue
			}
			rule, ok := readRule(k, bias)
			if !ok {
				return nil
			}
			rules = append(rules, rule)
		}
	}
	tz := posix("STD", biases[first])
	if len(rules) == 2 {
		std, dst := rules[0], rules[1]
		if std.bias < dst.bias { // the greater bias is the standard time
			std, dst = dst, std
		}
		first = ""
		biases[""] = std.bias
		tz = posix("STD", std.bias) + posix("DST", dst.bias) + "," + dst.when + "," + std.when
	}
	loc, err := time.LoadLocationFromTZData("Custom", tzFile(-int32(biases[first]/time.Second), tz))
	if err != nil {
		return nil
	}
	return loc
}

// yearlyRule is one change of the clocks in POSIX form.
type yearlyRule struct {
	bias time.Duration
	when string
}

func readRule(n *node, bias time.Duration) (yearlyRule, bool) {
	offset, ok := xsDuration(n.text("TimeOffset"))
	month, err := strconv.Atoi(n.text("Month"))
	if !ok || err != nil || month < 1 || month > 12 || n.Name != "RecurringDayTransition" {
		return yearlyRule{}, false
	}
	day, ok := dayNamed(n.text("DayOfWeek"))
	week, err := strconv.Atoi(n.text("Occurrence"))
	if !ok || err != nil || week == 0 || week > 5 {
		return yearlyRule{}, false
	}
	if week < 0 {
		week = 5
	}
	return yearlyRule{bias, fmt.Sprintf("M%d.%d.%d/%s", month, week, day, clock(offset))}, true
}

func posix(name string, bias time.Duration) string { return name + clock(bias) }

func clock(d time.Duration) string {
	sign := ""
	if d < 0 {
		sign, d = "-", -d
	}
	return fmt.Sprintf("%s%d:%02d", sign, d/time.Hour, d%time.Hour/time.Minute)
}

// tzFile is the smallest file of the zone database (RFC 8536) that says nothing but the rule: one transition long ago.
func tzFile(offset int32, rule string) []byte {
	header := func(transitions uint32) []byte {
		b := append([]byte("TZif2"), make([]byte, 15)...)
		for _, n := range []uint32{0, 0, 0, transitions, 1, 4} {
			b = binary.BigEndian.AppendUint32(b, n)
		}
		return b
	}
	kind := append(binary.BigEndian.AppendUint32(nil, uint32(offset)), 0, 0)
	kind = append(kind, "STD\x00"...)
	b := append(header(0), kind...)
	b = append(b, header(1)...)
	early := int64(-1) << 40
	b = binary.BigEndian.AppendUint64(b, uint64(early))
	b = append(b, 0)
	b = append(b, kind...)
	return append(b, "\n"+rule+"\n"...)
}

var durationForm = regexp.MustCompile(`^(-?)P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.\d*)?S)?)?$`)

// xsDuration reads an xs:duration of days and less.
func xsDuration(s string) (time.Duration, bool) {
	g := durationForm.FindStringSubmatch(strings.TrimSpace(s))
	if g == nil {
		return 0, false
	}
	var d time.Duration
	for i, unit := range []time.Duration{24 * time.Hour, time.Hour, time.Minute, time.Second} {
		if g[i+2] == "" {
			continue
		}
		n, err := strconv.Atoi(g[i+2])
		if err != nil || n > 100_000 {
			return 0, false
		}
		d += time.Duration(n) * unit
	}
	if g[1] != "" {
		d = -d
	}
	return d, true
}
