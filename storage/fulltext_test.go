package storage

import (
	"database/sql"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"portico/app/portal"
)

// index is an index of the engine as the migrations make them.
func index(t testing.TB) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	if _, err := db.Exec(`CREATE VIRTUAL TABLE f USING fts5 (words, content = '', contentless_delete = 1, tokenize = 'ascii', prefix = '7 8 9')`); err != nil {
		t.Fatal(err)
	}
	return db
}

// engineFinds asks the engine whether a query finds a text.
func engineFinds(t testing.TB, db *sql.DB, text, match string) bool {
	t.Helper()
	if _, err := db.Exec(`INSERT INTO f (rowid, words) VALUES (1, ?), (2, ?)`, ftsIndexed(ftsScope(7), text), ftsIndexed(ftsScope(8), text)); err != nil {
		t.Fatalf("index %q: %v", text, err)
	}
	var n, sum int
	if err := db.QueryRow(`SELECT COUNT(*), COALESCE(SUM(rowid), 0) FROM f WHERE f MATCH ?`, match).Scan(&n, &sum); err != nil {
		t.Fatalf("match %q: %v", match, err)
	}
	if n > 1 || sum > 1 {
		t.Fatalf("match %q leaves its scope", match)
	}
	if _, err := db.Exec(`DELETE FROM f`); err != nil {
		t.Fatal(err)
	}
	return n == 1
}

func TestFullText(t *testing.T) {
	db := index(t)
	const text = "Grüße aus München! The budget of 2026 isn't done: see Anna.Lee@example.test, 東京都 and Straße. ½ price"
	for q, want := range map[string]bool{
		"munchen": true, "MÜNCHEN": true, "münch": true, "nchen": false,
		"strasse": true, "STRASSE gruse": false, "grusse": true,
		"budget done": true, "bud done": false, "done bud": true, "budget undone": false,
		`"budget of 2026"`: true, `"budget 2026"`: false, `"budget of`: true, `"budg`: false, `„budget of“ anna`: true,
		"isn't": true, "isn t": true, `"isn't don`: false, "anna.lee@exam": true, "lee.anna": false,
		"東京": true, "京": true, "都東": false, "1 price": true,
		"budget OR nothing": false, "NOT budget": false, "NEAR(budget of)": false, "words : budget": false, "-budget": true,
		"budget*": true, "^budget": true, "(budget": true, "budget + done": true, `budg" of`: false,
	} {
		terms := ftsParse(q)
		for _, wide := range []bool{false, true} {
			if got := engineFinds(t, db, text, terms.match(ftsScope(7), wide)); got != want && !(wide && terms.widens()) {
				t.Errorf("%q (wide %v) finds: %v", q, wide, got)
			}
		}
		if got := terms.has(text); got != want {
			t.Errorf("%q is found in the text: %v", q, got)
		}
	}
	for _, none := range []string{"", " \t", `""`, "!?", "👍", `" "" "`, "\xff", strings.Repeat(`"`, 9000)} {
		if terms := ftsParse(none); len(terms) != 0 {
			t.Errorf("%q has terms %v", none, terms)
		}
	}
	if n := len(ftsParse(strings.Repeat("a b ", 4000))); n != ftsTermsMost {
		t.Errorf("%d terms are taken", n)
	}
}

func TestFullTextParts(t *testing.T) {
	long := strings.Repeat("lorem ipsum ", 40) + "the Café is " + strings.Repeat("dolor sit ", 60)
	cafe := ftsParse("cafe").parts(long)
	for _, c := range []struct {
		q, text string
		want    []portal.HitPart
	}{
		{"cafe", "a café here", []portal.HitPart{{Text: "a "}, {Text: "café", Found: true}, {Text: " here"}}},
		{"a he", "a café here", []portal.HitPart{{Text: "a", Found: true}, {Text: " café "}, {Text: "here", Found: true}}},
		{`"a cafe" cafe`, "a café", []portal.HitPart{{Text: "a café", Found: true}}},
		{"nothing", "a café", []portal.HitPart{{Text: "a café"}}},
		{"cafe", long, []portal.HitPart{cafe[0], {Text: "Café", Found: true}, cafe[2]}},
	} {
		if got := ftsParse(c.q).parts(c.text); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%q in %q: %+v", c.q, c.text, got)
		}
	}
	if !strings.HasPrefix(cafe[0].Text, "…") || !strings.HasSuffix(cafe[0].Text, "ipsum the ") || !strings.HasSuffix(cafe[2].Text, "…") {
		t.Errorf("cut as %q, %q", cafe[0].Text, cafe[2].Text)
	}
}

// FuzzFullText: whatever is said and looked for, the engine takes the query, finds with it what the highlighting finds, and the parts
// are those of the text.
func FuzzFullText(f *testing.F) {
	f.Add("Grüße aus München", "munchen gr")
	f.Add("a b c", `"a b" OR NEAR(c) * ^ : - + { } \ ' ; -- DROP`)
	f.Add("x\x00y \xff 東京", "x\x00 東")
	f.Add("ǅ ß ﬁ ½ ① ı İ", "dž ss fi 1 i")
	f.Add(strings.Repeat("word ", 200), "wor")
	db := index(f)
	f.Fuzz(func(t *testing.T, text, q string) {
		if !utf8.ValidString(text) {
			text = strings.ToValidUTF8(text, "?")
		}
		terms := ftsParse(q)
		if len(terms) == 0 {
			return
		}
		has := terms.has(text)
		if found := engineFinds(t, db, text, terms.match(ftsScope(7), false)); found != has {
			t.Fatalf("%q in %q: the engine says %v, the text %v", q, text, found, has)
		}
		if wide := engineFinds(t, db, text, terms.match(ftsScope(7), true)); has && !wide {
			t.Fatalf("%q in %q is not found by its beginning", q, text)
		}
		var shown strings.Builder
		marked := false
		for _, p := range terms.parts(text) {
			shown.WriteString(p.Text)
			marked = marked || p.Found
		}
		if s := strings.TrimSuffix(strings.TrimPrefix(shown.String(), "…"), "…"); !strings.Contains(text+"…", s) || has && !marked || utf8.RuneCountInString(s) > snippetMost {
			t.Fatalf("%q in %q is shown as %q", q, text, shown.String())
		}
	})
}
