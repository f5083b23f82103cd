package directory

// Telephone numbers as people write and type them: +43 1 234-77, 0043 1 23477, (01) 234 77, 23477 and the extension 77 are
// one number.

import (
	"slices"
	"strings"
	"unicode"
)

const (
	// minNumber and maxNumber are how many digits a number has that is found; E.164 allows 15, an extension may follow.
	minNumber = 3
	maxNumber = 24
	// maxNumbers is how many numbers of one person are found.
	maxNumbers = 8
)

// local marks a number without country code in the index, so that an international query finds it too.
const local = "~"

// numberWords is what a telephone number is found by.
func numberWords(number string) []string {
	digits, tail := dialled(number)
	if len(digits) < minNumber || len(digits) > maxNumber {
		return nil
	}
	var words []string
	switch {
	case digits[0] == '+':
		words = append(words, digits, digits[1:])
		words = append(words, national(digits)...)
	case digits[0] == '0':
		words = append(words, digits, local+digits, strings.TrimLeft(digits, "0"))
	default:
		words = append(words, digits)
	}
	if len(tail) >= 2 && len(tail) <= 6 {
		words = append(words, tail)
	}
	slices.Sort(words)
	return slices.DeleteFunc(slices.Compact(words), func(w string) bool { return len(w) < 2 })
}

// dialled is the digits of a number, with "+" before those of an international one, and the last group of digits where
// it is written apart.
func dialled(number string) (digits, tail string) {
	number = strings.TrimPrefix(strings.ToLower(strings.TrimSpace(number)), "tel:")
	international := strings.HasPrefix(number, "+") || strings.HasPrefix(number, "00")
	if international {
		number = strings.Replace(number, "(0)", "", 1) // +43 (0)1: the digit is only dialled within the country
	}
	var b strings.Builder
	last, apart := 0, false
	for i, r := range number {
		switch {
		case r >= '0' && r <= '9':
			b.WriteRune(r)
		case r == '+' && i == 0:
		case unicode.IsLetter(r) || r == ';' || r == ',': // an extension follows, which is not dialled with the rest
			rest, _ := dialled(strings.TrimLeft(strings.TrimLeftFunc(number[i:], func(r rune) bool { return r < '0' || r > '9' }), "+"))
			return abroad(b.String(), international), rest
		default:
			last, apart = b.Len(), true
		}
	}
	digits = b.String()
	if apart && last > 0 {
		tail = digits[last:]
	}
	return abroad(digits, international), tail
}

func abroad(digits string, yes bool) string {
	if !yes {
		return digits
	}
	return "+" + strings.TrimPrefix(digits, "00")
}

// national is an international number as it is dialled within its country, with and without the prefix 0.
func national(digits string) []string {
	n := countryCode(digits[1:])
	if len(digits) <= 1+n {
		return nil
	}
	rest := digits[1+n:]
	switch digits[1 : 1+n] {
	case "1", "7", "39": // no prefix, another one, or one that is dialled from abroad too
		return []string{rest}
	}
	return []string{"0" + rest, rest}
}

// countryCode is how many digits the country code has (ITU-T E.164): one for zones 1 and 7, two or three for the others.
func countryCode(digits string) int {
	if digits == "" {
		return 0
	}
	if digits[0] == '1' || digits[0] == '7' {
		return 1
	}
	two := []string{"20", "27", "30", "31", "32", "33", "34", "36", "39", "40", "41", "43", "44", "45", "46", "47", "48", "49", "51", "52", "53",
		"54", "55", "56", "57", "58", "60", "61", "62", "63", "64", "65", "66", "81", "82", "84", "86", "90", "91", "92", "93", "94", "95", "98"}
	if len(digits) < 2 || slices.Contains(two, digits[:2]) {
		return min(2, len(digits))
	}
	return min(3, len(digits))
}

// numberQuery is what to look for where a query is a telephone number, in any of the forms; apart: it is written with
// spaces and marks, so that it is nothing else.
func numberQuery(q string) (words []string, apart bool) {
	q = strings.TrimSpace(q)
	some := false
	for i, r := range q {
		switch {
		case r >= '0' && r <= '9':
			some = true
		case r == '+' && i == 0:
		case unicode.IsSpace(r) || strings.ContainsRune("()/.-", r):
			apart = true
		default:
			return nil, false
		}
	}
	if !some {
		return nil, false
	}
	digits, _ := dialled(q)
	if len(digits) > maxNumber {
		return nil, apart
	}
	words = []string{digits}
	switch {
	case digits[0] == '+':
		apart = apart || !strings.HasPrefix(q, "+")
		for _, w := range national(digits) {
			if w[0] == '0' {
				words = append(words, local+w)
			}
		}
	case digits[0] != '0':
		words = append(words, "+"+digits)
	}
	return words, apart
}
