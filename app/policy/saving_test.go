package policy

import (
	"testing"

	"portico/app/portal"
)

func TestSaving(t *testing.T) {
	yes, no := true, false
	for _, c := range []struct {
		name  string
		rules SavingRules
		set   portal.Settings
		want  portal.Saving
	}{
		{"nobody said anything", SavingRules{Possible: true}, portal.Settings{}, portal.Saving{History: true, Calls: true}},
		{"the person's choice", SavingRules{Possible: true}, portal.Settings{KeepHistory: &no, KeepCalls: &yes}, portal.Saving{Calls: true}},
		{"forced", SavingRules{Possible: true, EnableAutoArchiving: "on", EnableCallLogAutoArchiving: "on"},
			portal.Settings{KeepHistory: &no, KeepCalls: &no}, portal.Saving{History: true, HistoryDecided: true, Calls: true, CallsDecided: true}},
		{"off for all", SavingRules{Possible: true, EnableAutoArchiving: "off"},
			portal.Settings{KeepHistory: &yes}, portal.Saving{HistoryDecided: true, Calls: true}},
		{"saving forbidden beats forced", SavingRules{Possible: true, DisableSavingIM: true, EnableAutoArchiving: "on"},
			portal.Settings{KeepHistory: &yes}, portal.Saving{Forbidden: true, HistoryDecided: true, Calls: true}},
		{"no Exchange", SavingRules{EnableAutoArchiving: "on"}, portal.Settings{KeepCalls: &yes},
			portal.Saving{HistoryDecided: true, CallsDecided: true}},
		{"forbidden without Exchange", SavingRules{DisableSavingIM: true}, portal.Settings{},
			portal.Saving{Forbidden: true, HistoryDecided: true, CallsDecided: true}},
	} {
		if got := Saving(c.rules, c.set); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}
