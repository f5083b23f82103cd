package ical

import (
	"strings"
)

// Components (section 3.4): the tree of a calendar, bounded in depth and number.

const (
	maxDepth      = 8
	maxComponents = 100_000
	maxProperties = 5_000
)

// component is a BEGIN to its END.
type component struct {
	name       string // upper case
	properties []property
	parts      []*component
	line       int
}

// first gives the first property of a name, nil if there is none.
func (c *component) first(name string) *property {
	for i := range c.properties {
		if c.properties[i].name == name {
			return &c.properties[i]
		}
	}
	return nil
}

// text is the TEXT value of a property, "" where there is none.
func (c *component) text(name string) string {
	if p := c.first(name); p != nil {
		return unescape(p.value)
	}
	return ""
}

// word is the value of a property as an upper-case word.
func (c *component) word(name string) string {
	if p := c.first(name); p != nil {
		return strings.ToUpper(strings.TrimSpace(p.value))
	}
	return ""
}

// calendars reads the VCALENDARs of a stream.
func calendars(data []byte) ([]*component, error) {
	var (
		roots []*component
		stack []*component
		count int
	)
	err := properties(data, func(p property) error {
		switch p.name {
		case "BEGIN":
			name := strings.ToUpper(strings.TrimSpace(p.value))
			if count++; count > maxComponents || len(stack) >= maxDepth || !isName(name) {
				return invalid(p.line, "too many components, too deep, or without a name")
			}
			c := &component{name: name, line: p.line}
			if len(stack) == 0 {
				if name != "VCALENDAR" {
					return invalid(p.line, "not a calendar")
				}
				roots = append(roots, c)
			} else {
				top := stack[len(stack)-1]
				top.parts = append(top.parts, c)
			}
			stack = append(stack, c)
		case "END":
			if len(stack) == 0 || stack[len(stack)-1].name != strings.ToUpper(strings.TrimSpace(p.value)) {
				return invalid(p.line, "an end without a beginning")
			}
			stack = stack[:len(stack)-1]
		default:
			if len(stack) == 0 {
				return invalid(p.line, "a property outside of a calendar")
			}
			top := stack[len(stack)-1]
			if len(top.properties) >= maxProperties {
				return invalid(p.line, "too many properties")
			}
			top.properties = append(top.properties, p)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(stack) > 0 {
		return nil, invalid(stack[len(stack)-1].line, "%s does not end: the file is cut off", stack[len(stack)-1].name)
	}
	if len(roots) == 0 {
		return nil, invalid(1, "no calendar")
	}
	return roots, nil
}
