package policy

// What is kept of conversations and calls.

import "portico/app/portal"

// SavingRules is what is decided for everybody.
type SavingRules struct {
	// Possible: there is an Exchange and the operator lets things be kept there.
	Possible bool
	// DisableSavingIM forbids that conversations are shown again at all.
	DisableSavingIM bool
	// EnableAutoArchiving and EnableCallLogAutoArchiving are "on", "off" or empty where the person chooses.
	EnableAutoArchiving, EnableCallLogAutoArchiving string
}

// Saving decides what is kept in Exchange for a person with these settings: policy before choice, and kept where
// neither says a word. Where nothing can be kept, or saving is forbidden, that is decided too.
func Saving(r SavingRules, set portal.Settings) portal.Saving {
	var s portal.Saving
	s.History, s.HistoryDecided = kept(r.EnableAutoArchiving, set.KeepHistory)
	s.Calls, s.CallsDecided = kept(r.EnableCallLogAutoArchiving, set.KeepCalls)
	if !r.Possible {
		s = portal.Saving{HistoryDecided: true, CallsDecided: true}
	}
	if r.DisableSavingIM {
		s.Forbidden, s.History, s.HistoryDecided = true, false, true
	}
	return s
}

func kept(rule string, choice *bool) (keep, decided bool) {
	switch {
	case rule == "on":
		return true, true
	case rule == "off":
		return false, true
	case choice != nil:
		return *choice, false
	}
	return true, false
}
