package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var updateCases = flag.Bool("update-cases", false, "run the tests of the sync cases and write static/help/cases.md anew")

// syncCase is something that calendars kept in two places get wrong, with the tests that show that it is right here: each is
// a package below app and a test's name.
type syncCase struct {
	group, what string
	tests       []string
}

// syncCases is the matrix of cases.
func syncCases() []syncCase {
	return []syncCase{
		{"Identity", "A meeting seen through its organiser and its attendees is one record", []string{"calsync/merge TestCase_Identity_OrganiserAndAttendeesAreOneRecord", "calsync/merge TestCase_Identity_InviteesCopyBeforeTheOrganisersWaitsForIt"}},
		{"Identity", "The same meeting through two servers, joined by its UID", []string{"calsync/merge TestCase_Identity_TwoProvidersAreJoinedByUID", "calsync/merge TestCase_Identity_ServerChoosesTheUID"}},
		{"Identity", "An organiser who is nobody of ours: read-only until they become one", []string{"calsync/merge TestCase_Identity_StrangersMeetingIsAStubAndUpgrades", "calsync/merge TestCase_Identity_StubGoesWithItsLastCopy"}},
		{"Identity", "A distribution list reaches each of its members", []string{"calsync/merge TestCase_Identity_ListMembersTakePart", "ews/ewslab TestAListReachesItsMembers"}},
		{"Identity", "A mailbox that was moved, an address that changed", []string{"calsync/merge TestCase_Identity_MailboxMovedKeepsThePair", "calsync/merge TestCase_Identity_ChangedAddressIsTheSamePerson", "calendar TestAMovedMailboxKeepsItsNames"}},
		{"Identity", "Made on both sides by hand: adopted, not doubled", []string{"calsync/merge TestCase_Identity_SameOnBothSidesIsAdoptedNotDoubled", "calsync/merge TestCase_Identity_EntryFindsTheRecordThatIsAlike"}},
		{"Series", "Without an end", []string{"calsync/merge TestCase_Series_WithoutEndIsCarried", "calendar/recurrence TestSeriesWithoutEndFarAway"}},
		{"Series", "With very many occurrences", []string{"calsync/merge TestCase_Series_ManyOccurrencesAreCarried"}},
		{"Series", "The nth weekday, the last working day, every so many days", []string{"calsync/merge TestCase_Series_NthDayPatternsAreCarried", "ews TestSeriesPatternsThereAndBack", "ews TestSeriesThatOthersSkipThereAndBack"}},
		{"Series", "The first occurrence changed: nobody else becomes the organiser", []string{"calsync/merge TestCase_Series_FirstOccurrenceModifiedKeepsTheOrganiser", "ews TestFirstOccurrenceModifiedMakesNoGuestTheOrganiser"}},
		{"Series", "An exception moved onto another occurrence's day", []string{"calsync/merge TestCase_Series_ExceptionMovedOntoAnotherOccurrencesDay", "calendar/recurrence TestExceptionMovedOntoAnotherOccurrencesDay"}},
		{"Series", "An exception before what is looked at", []string{"calsync/merge TestCase_Series_ExceptionBeforeTheWindowIsNotMadeAgain", "calendar/recurrence TestExceptionMovedIntoAndOutOfTheWindow"}},
		{"Series", "Cut in two: this and following", []string{"calsync/merge TestCase_Series_SplitInTwoLeavesBackToBackSeries", "calendar/recurrence TestSplitThisAndFollowing"}},
		{"Series", "A copied series with the same identifier", []string{"calsync/merge TestCase_Identity_CopiedItemWithTheSameUIDHarmsNothing", "ews TestSeriesCopiedWithTheSameUID"}},
		{"Series", "A series takes its time in free/busy", []string{"calsync/merge TestCase_Series_SeriesBlocksTimeOnBothSides", "ews TestSeriesTakesTimeInFreeBusy"}},
		{"Time", "All-day from UTC-12 to UTC+14", []string{"calsync/merge TestCase_Time_AllDayIsADateInEveryZone", "ews TestAllDayDatesFromTheFirstZoneToTheLast"}},
		{"Time", "All-day is equal by its dates", []string{"calsync/merge TestCase_Time_AllDayEqualityIsByDate", "calendar TestAnAllDayAppointmentIsEqualByItsDates"}},
		{"Time", "Zones that switch on different dates", []string{"calsync/merge TestCase_Time_ClocksChangeOnDifferentDates", "ews TestTimeZonesThatSwitchOnDifferentDates"}},
		{"Time", "The organiser's zone stays on a series", []string{"calsync/merge TestCase_Time_OrganisersZoneIsKept", "calendar/recurrence TestTheOrganisersZoneStaysOnTheSeries"}},
		{"Time", "London is not GMT: the trap of fixed offsets", []string{"calsync/merge TestCase_Time_FixedOffsetIsNotAZoneWithSummerTime", "calendar/zone TestFixedOffsetTrap"}},
		{"Time", "The odd spellings of zones", []string{"calsync/merge TestCase_Time_EmptyAndOddZonesAreUnderstoodAlikeOnBothSides", "calendar/zone TestOddSpellings", "ews TestTimeZoneSpellings"}},
		{"Time", "Floating times; with Z, with an offset, with neither", []string{"calendar/ical TestTimes", "ews TestTimesWithZWithOffsetAndWithNeither", "ews/ewslab TestTimesAndTheirZones"}},
		{"Privacy", "Private both ways", []string{"calsync/merge TestCase_Privacy_PrivateBothWays", "ews TestPrivacyOfItems"}},
		{"Privacy", "Private shows as busy, without details", []string{"calendar TestPrivateOnesOfOthersAreMaskedUnlessADelegateSeesThem", "calsync/merge TestCase_Privacy_TextsOfPrivateOnesAreInNoLogAndNoConflict"}},
		{"Privacy", "Presence never tells a title", []string{"calendar TestPresenceFollowsTheCalendarAndNeverATitle"}},
		{"Privacy", "Private with attendees", []string{"calsync/merge TestCase_Privacy_PrivateMeetingKeepsItsAttendees", "ews TestPrivateMeetingIsPrivateAtItsGuests"}},
		{"Attendees", "A partial update removes nobody it did not know", []string{"calsync/merge TestCase_Attendees_PartialListNeverRemovesWhoItDidNotKnow", "calsync/merge TestCase_Attendees_CRMOnlyPeopleAreNeverRemovedByExchange"}},
		{"Attendees", "More than fifty", []string{"calsync/merge TestCase_Attendees_MoreThanFifty", "ews TestAttendeesManyMoreThanFifty"}},
		{"Attendees", "Optional ones and resources", []string{"calsync/merge TestCase_Attendees_RolesAreKept", "ews TestAttendeesRolesAndAnswers"}},
		{"Attendees", "Declining leaves one's calendar and keeps the tally", []string{"calsync/merge TestCase_Attendees_DeclinedStaysWithTheAnswer", "calendar TestADeclineShowsWhatWasDeclined"}},
		{"Attendees", "An answer comes from the mailbox, never from the request", []string{"calsync/merge TestCase_Attendees_AnswersComeFromTheMailbox", "calendar TestAnswersComeFromTheMailboxAlone"}},
		{"Attendees", "A changed answer is told again", []string{"calsync/merge TestCase_Attendees_ChangedAnswerIsGivenAgain", "ews TestMeetingIsAnsweredWithCommentAndProposal"}},
		{"Attendees", "None is the same as not answered; a silent acceptance is seen", []string{"calsync/merge TestCase_Attendees_NoneIsNotResponded", "calsync/merge TestCase_Attendees_SilentAcceptIsSeen"}},
		{"Attendees", "A proposed new time", []string{"calsync/merge TestCase_Attendees_ProposedTimeArrives"}},
		{"Mail", "The first synchronisation of history sends nothing", []string{"calsync/merge TestCase_Mail_FirstSynchronisationOfHistorySendsNothing", "calsync/merge TestCase_Mail_AdoptingSendsNothingWhateverDiffers"}},
		{"Mail", "Exceptions send nothing", []string{"calsync/merge TestCase_Mail_ExceptionsFromExchangeSendNothing"}},
		{"Mail", "Restoring a backup sends nothing", []string{"calsync/merge TestCase_Mail_RestoredBackupSendsNothing"}},
		{"Mail", "Exactly one cancellation on delete", []string{"calsync/merge TestCase_Mail_OneCancellationOnDelete", "calsync/merge TestCase_Mail_NeverInvitedNeverCancelled"}},
		{"Engine", "A creation whose answer was lost", []string{"calsync/merge TestCase_Engine_CreationWhoseAnswerWasLostIsFoundByItsStamp", "calsync TestACrashAtAnyStepChangesNothing"}},
		{"Engine", "Notifications that come twice or out of order", []string{"calsync/merge TestCase_Engine_DuplicateNotificationDoesNothing", "calsync/merge TestCase_Engine_OutOfOrderNotificationIsNoNews", "calsync TestModel"}},
		{"Engine", "Deleted here, changed there", []string{"calsync/merge TestCase_Engine_DeletedInCRMChangedInExchange", "calsync/merge TestCase_Engine_DeletedInExchangeChangedInCRM"}},
		{"Engine", "Changed on both sides", []string{"calsync/merge TestCase_Engine_BothModifiedTheSameTheLaterWins", "calsync/merge TestCase_Engine_BothModifiedDifferentThings"}},
		{"Engine", "Clocks that differ", []string{"calsync/merge TestCase_Engine_ClockThatIsAheadWinsNothing"}},
		{"Engine", "What leaves the window is not made again", []string{"calsync/merge TestCase_Engine_WindowEdgeIsNotMadeAgain"}},
		{"Engine", "Both sides write a text in their own way: no loop", []string{"calsync/merge TestCase_Engine_NoLoopWhereBothSidesNormaliseTexts"}},
		{"Engine", "What is refused for good is parked, and the others go on", []string{"calsync TestWhatIsRefusedIsParkedAndOthersGoOn"}},
		{"Engine", "Losing access deletes nothing", []string{"calsync/merge TestCase_Engine_LostAccessDeletesNothing", "calsync TestAMailboxThatCannotBeOpenedLosesNothing"}},
		{"Engine", "Away for an hour", []string{"calsync TestExchangeIsAwayForAnHour"}},
	}
}

// casesPage writes the help page; result gives what became of a test.
func casesPage(result func(test string) string) string {
	var b strings.Builder
	b.WriteString("# Cases that calendars kept in two places get wrong\n\nEach line is something that goes wrong in products that keep calendars in step, with the tests that show that it is right here. " +
		"All of them are part of `go test ./...`; the results are those of the run that this page was written by (`go test ./app -run HelpPageOfCases -update-cases`).\n")
	group := ""
	for _, c := range syncCases() {
		if c.group != group {
			group = c.group
			fmt.Fprintf(&b, "\n## %s\n\n| case | tests | result |\n| --- | --- | --- |\n", group)
		}
		var names, results []string
		for _, t := range c.tests {
			room, name, _ := strings.Cut(t, " ")
			names = append(names, "`"+name+"` ("+room+")")
			if r := result(t); !slices.Contains(results, r) {
				results = append(results, r)
			}
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", c.what, strings.Join(names, ", "), strings.Join(results, ", "))
	}
	return b.String()
}

func TestTheHelpPageOfCasesIsTheMatrix(t *testing.T) {
	const file = "../static/help/cases.md"
	there := map[string]map[string]bool{}
	for _, c := range syncCases() {
		for _, test := range c.tests {
			room, name, _ := strings.Cut(test, " ")
			if there[room] == nil {
				there[room] = testsIn(t, room)
			}
			if !there[room][name] {
				t.Errorf("%s: there is no test %s in app/%s", c.what, name, room)
			}
		}
	}
	if t.Failed() {
		return
	}
	if *updateCases {
		results := runTests(t)
		if err := os.WriteFile(file, []byte(casesPage(func(test string) string { return results[test] })), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if want := casesPage(func(string) string { return "pass" }); string(got) != want {
		t.Error("static/help/cases.md is not the matrix with all tests passed: run go test ./app -run HelpPageOfCases -update-cases")
	}
}

// testsIn are the tests of a package below app.
func testsIn(t *testing.T, room string) map[string]bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(filepath.FromSlash(room), "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]bool{}
	for _, f := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), f, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parsed.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && strings.HasPrefix(fn.Name.Name, "Test") {
				out[fn.Name.Name] = true
			}
		}
	}
	return out
}

// runTests runs all tests of the matrix and gives what became of each: "pass", "fail" or "skip".
func runTests(t *testing.T) map[string]string {
	t.Helper()
	rooms := map[string][]string{}
	for _, c := range syncCases() {
		for _, test := range c.tests {
			room, name, _ := strings.Cut(test, " ")
			rooms[room] = append(rooms[room], name)
		}
	}
	out := map[string]string{}
	for room, names := range rooms {
		cmd := exec.Command("go", "test", "-json", "-run", "^("+strings.Join(names, "|")+")$", "./"+room)
		said, err := cmd.Output()
		var failed *exec.ExitError
		if err != nil && !errors.As(err, &failed) {
			t.Fatal(err)
		}
		for line := range bytes.Lines(said) {
			var ev struct{ Action, Test string }
			if err := json.Unmarshal(line, &ev); err != nil {
				t.Fatalf("%s: %v in %s", room, err, line)
			}
			if slices.Contains([]string{"pass", "fail", "skip"}, ev.Action) {
				out[room+" "+ev.Test] = ev.Action
			}
		}
	}
	return out
}
