package config

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"strconv"
	"strings"
	"time"
)

// Values in their three forms: text (environment, defaults), TOML, and text again for listings.

// Secret is a value that shows itself to nobody: printing, logging and JSON give a placeholder.
type Secret string

// hidden is what is shown of a secret that is set.
const hidden = "(set)"

// Reveal is the secret itself.
func (s Secret) Reveal() string { return string(s) }

// String is a placeholder, empty for an empty secret.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return hidden
}

// GoString is the placeholder for %#v.
func (s Secret) GoString() string { return strconv.Quote(s.String()) }

// LogValue is the placeholder for log lines.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText is the placeholder for JSON and other encodings.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// setText sets the field behind p from the form that the environment has: lists are separated by commas.
func setText(p any, text string) error {
	switch p := p.(type) {
	case *string:
		*p = text
	case *Secret:
		*p = Secret(text)
	case *bool:
		return setParsed(p, text, "true or false", strconv.ParseBool)
	case *int:
		return setParsed(p, text, "a whole number", strconv.Atoi)
	case *float64:
		return setParsed(p, text, "a number", parseFinite)
	case *time.Duration:
		return setParsed(p, text, `a duration such as "30s" or "12h"`, time.ParseDuration)
	case *[]string:
		*p = splitList(text)
	default:
		return fmt.Errorf("no way to set a %T", p)
	}
	return nil
}

func setParsed[T any](p *T, text, want string, parse func(string) (T, error)) error {
	v, err := parse(strings.TrimSpace(text))
	if err != nil {
		return fmt.Errorf("%q is not %s", clip(text), want)
	}
	*p = v
	return nil
}

func parseFinite(s string) (float64, error) {
	f, err := strconv.ParseFloat(s, 64)
	if err == nil && (math.IsNaN(f) || math.IsInf(f, 0)) {
		err = strconv.ErrRange
	}
	return f, err
}

func splitList(text string) []string {
	var list []string
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			list = append(list, part)
		}
	}
	return list
}

// setTOML sets the field behind p from a decoded TOML value. The TOML type must be the field's own:
// a quoted number is a mistake.
func setTOML(p, value any) error {
	switch p := p.(type) {
	case *string:
		return setTyped(p, value, "text in quotes")
	case *Secret:
		return setTyped((*string)(p), value, "text in quotes")
	case *bool:
		return setTyped(p, value, "true or false, without quotes")
	case *time.Duration:
		text, ok := value.(string)
		if !ok {
			return fmt.Errorf(`must be a duration in quotes, such as "30s"`)
		}
		return setText(p, text)
	case *int:
		var n int64
		if err := setTyped(&n, value, "a whole number, without quotes"); err != nil {
			return err
		}
		if int64(int(n)) != n {
			return fmt.Errorf("%d is too large", n)
		}
		*p = int(n)
	case *float64:
		if n, ok := value.(int64); ok {
			*p = float64(n)
			return nil
		}
		if err := setTyped(p, value, "a number, without quotes"); err != nil {
			return err
		}
		if math.IsNaN(*p) || math.IsInf(*p, 0) {
			return fmt.Errorf("must be a number")
		}
	case *[]string:
		return setTOMLList(p, value)
	default:
		return fmt.Errorf("no way to set a %T", p)
	}
	return nil
}

func setTyped[T any](p *T, value any, want string) error {
	v, ok := value.(T)
	if !ok {
		return fmt.Errorf("must be %s", want)
	}
	*p = v
	return nil
}

func setTOMLList(p *[]string, value any) error {
	items, ok := value.([]any)
	if !ok {
		return fmt.Errorf(`must be a list, such as ["one", "two"]`)
	}
	list := make([]string, 0, len(items))
	for _, item := range items {
		text, ok := item.(string)
		if !ok {
			return fmt.Errorf("must be a list of texts in quotes")
		}
		list = append(list, text)
	}
	*p = list
	return nil
}

// tomlText is the field behind p as it would be written in the file; a secret as its placeholder.
func tomlText(p any) string {
	switch p := p.(type) {
	case *string:
		return quote(*p)
	case *Secret:
		return quote(p.String())
	case *time.Duration:
		return quote(shortDuration(*p))
	case *[]string:
		quoted := make([]string, len(*p))
		for i, s := range *p {
			quoted[i] = quote(s)
		}
		return "[" + strings.Join(quoted, ", ") + "]"
	case *bool:
		return strconv.FormatBool(*p)
	case *int:
		return strconv.Itoa(*p)
	case *float64:
		return strconv.FormatFloat(*p, 'f', -1, 64)
	}
	return ""
}

// quote writes a basic TOML string, whose escapes are a superset of JSON's.
func quote(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		return `""`
	}
	return strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(string(b))
}

// shortDuration is d without the zero parts that Duration.String leaves: "12h", not "12h0m0s".
func shortDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// clip keeps a value that is quoted in a message at a readable length.
func clip(s string) string {
	const most = 80
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}
