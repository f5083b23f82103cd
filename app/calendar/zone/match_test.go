package zone

import (
	"testing"
	"time"
)

// Far ahead a zone follows the rule behind its table, whose bounds stand still at the end of a leap year: the
// comparison comes to its end all the same.
func TestAgreeFarAhead(t *testing.T) {
	vienna, err := time.LoadLocation("Europe/Vienna")
	if err != nil {
		t.Fatal(err)
	}
	rule, err := SerializableOf(vienna, 2027)
	if err != nil {
		t.Fatal(err)
	}
	same, err := rule.Compile()
	if err != nil {
		t.Fatal(err)
	}
	years := Years{From: 2027, To: 2055}
	if !Agree(same, vienna, years) || !Agree(vienna, same, years) {
		t.Error("Vienna does not agree with its own rule")
	}
	if Agree(same, time.UTC, years) {
		t.Error("Vienna agrees with UTC")
	}
}

// The changes of a year beyond the table are found, and looking for them ends.
func TestChangesFarAhead(t *testing.T) {
	vienna, err := time.LoadLocation("Europe/Vienna")
	if err != nil {
		t.Fatal(err)
	}
	for _, year := range []int{2039, 2040, 2041, 2044} {
		if got := changesOf(vienna, year); len(got) != 2 {
			t.Errorf("%d has %d changes", year, len(got))
		}
	}
}
