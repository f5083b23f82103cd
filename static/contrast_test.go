package static

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"testing"
)

// TestColoursCanBeRead holds the pairs of colours that the style puts on each other against WCAG 2.2: 4.5 for text,
// 3 for the edges of controls and for signs.
func TestColoursCanBeRead(t *testing.T) {
	body, err := files.ReadFile("css/portico.css")
	if err != nil {
		t.Fatal(err)
	}
	tokens := map[string][2]string{}
	for _, m := range regexp.MustCompile(`--([a-z0-9-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)`).FindAllStringSubmatch(string(body), -1) {
		tokens[m[1]] = [2]string{m[2], m[3]}
	}
	check := func(ink, ground string, least float64) {
		for i, theme := range []string{"light", "dark"} {
			a, b := tokens[ink][i], tokens[ground][i]
			if a == "" || b == "" {
				t.Errorf("no token %s or %s", ink, ground)
				continue
			}
			if got := contrast(a, b); got < least {
				t.Errorf("%s: %s on %s is %.2f, less than %.1f", theme, ink, ground, got, least)
			}
		}
	}
	for _, ground := range []string{"bg", "surface", "raised", "mine", "warn-bg", "error-bg", "ok-bg"} {
		check("ink", ground, 4.5)
	}
	for _, ink := range []string{"ink-2", "accent", "available", "busy", "away", "offline"} {
		for _, ground := range []string{"bg", "surface", "raised", "mine"} {
			check(ink, ground, 4.5)
		}
	}
	check("on-accent", "accent", 4.5)
	for _, ground := range []string{"bg", "surface"} {
		check("edge", ground, 3)
	}
}

func contrast(a, b string) float64 {
	x, y := luminance(a), luminance(b)
	return (math.Max(x, y) + 0.05) / (math.Min(x, y) + 0.05)
}

func luminance(hex string) float64 {
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		n, err := strconv.ParseUint(hex[1+2*i:3+2*i], 16, 8)
		if err != nil {
			panic(fmt.Sprintf("colour %s: %v", hex, err)) // the expression that found it allows no other
		}
		c := float64(n) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}
