"""A person's round through an EWS endpoint by exchangelib, step by step.

Reads its task as JSON on standard input and prints one line of JSON for each step as it ends:
{"step", "ok", "facts"} or {"step", "ok": false, "error"}. A step that needs what a failed one
should have left fails too. Expectations are held here, figures go out as facts.
"""

import datetime
import json
import logging
import sys
import threading
import time
import traceback
import uuid
import warnings

import exchangelib
from exchangelib import (BASIC, DELEGATE, IMPERSONATION, Account, CalendarItem, Configuration, Contact, Credentials,
                         EWSDate, EWSDateTime, EWSTimeZone, ExtendedProperty, FailFast, FaultTolerance, FileAttachment,
                         HTMLBody, ItemAttachment, Mailbox, Message, OofSettings, Q)
from exchangelib.errors import ErrorIrresolvableConflict, ErrorItemNotFound, UnauthorizedError
from exchangelib.folders import Calendar, SingleFolderQuerySet
from exchangelib.indexed_properties import EmailAddress, PhoneNumber
from exchangelib.items import (HARD_DELETE, MeetingCancellation, MeetingRequest, MeetingResponse, SEND_TO_ALL_AND_SAVE_COPY, SEND_TO_NONE)
from exchangelib.properties import DistinguishedFolderId
from exchangelib.protocol import BaseProtocol
from exchangelib.recurrence import (AbsoluteMonthlyPattern, AbsoluteYearlyPattern, DailyPattern, Recurrence,
                                    RelativeMonthlyPattern, RelativeYearlyPattern, WeeklyPattern)
from exchangelib.services import GetMailTips

warnings.filterwarnings("ignore")
logging.basicConfig(stream=sys.stderr, level=logging.WARNING)

TASK = json.load(sys.stdin)
ZONE = EWSTimeZone("Europe/Berlin")
DAY = EWSDate.from_string(TASK["day"])  # a Monday; the weeks after it hold a daylight-saving change
MARK = uuid.uuid4().hex[:8]  # in every subject: a mailbox that was used before disturbs nothing
WAIT = 60
STEPS = []
W = {}  # what steps leave for later ones
BaseProtocol.TIMEOUT = 60


def step(f):
    STEPS.append(f)
    return f


def expect(truth, *what):
    if not truth:
        raise AssertionError(" ".join(str(w) for w in what))


def equal(got, want, what=""):
    expect(got == want, what, "got", repr(got), "want", repr(want))


def email(user):
    return f"{user}@{TASK['domain']}"


def config(user, password, retry=None):
    # A server may be busy for a moment; a policy that gives up at once would make that a failure.
    return Configuration(service_endpoint=TASK["url"], credentials=Credentials(user, password), auth_type=BASIC,
                         retry_policy=retry or FaultTolerance(max_wait=30), max_connections=4)


def account(user):
    key = ("account", user)
    if key not in W:
        W[key] = Account(email(user), config=config(email(user), TASK["password"]), autodiscover=False,
                         access_type=DELEGATE, default_timezone=ZONE, locale="en_US")
    return W[key]


def at(days, hour, minute=0):
    d = DAY + datetime.timedelta(days=days)
    return EWSDateTime(d.year, d.month, d.day, hour, minute, tzinfo=ZONE)


def wall(moment):
    """As the clock on the wall shows it. Free/busy comes as wall times of the zone that was asked in."""
    if moment.tzinfo is None:
        return moment.strftime("%Y-%m-%d %H:%M")
    return moment.astimezone(ZONE).strftime("%Y-%m-%d %H:%M")


def subject(text):
    return f"{text} {MARK}"


def eventually(what, ask):
    """Delivery between mailboxes takes a moment on any server."""
    end = time.monotonic() + WAIT
    while True:
        got = ask()
        if got:
            return got
        expect(time.monotonic() < end, "not seen in time:", what)
        time.sleep(0.1)


def mine(user, text, days=60):
    """The entry of that subject in a person's calendar view, or None."""
    found = [i for i in account(user).calendar.view(start=at(-7, 0), end=at(days, 0)) if i.subject and text in i.subject]
    return account(user).calendar.get(id=found[0].id) if found else None


def letter(user, text, kind):
    """The meeting message of that kind and subject in a person's inbox, or None."""
    found = [m for m in account(user).inbox.filter(subject__contains=text) if isinstance(m, kind)]
    return sorted(found, key=lambda m: m.datetime_received)[-1] if found else None


def answers(item):
    everybody = (item.required_attendees or []) + (item.optional_attendees or []) + (item.resources or [])
    return {a.mailbox.email_address.lower().split("@")[0]: a for a in everybody}


# --- the steps, in order


@step
def signs_in():
    a = account(TASK["alice"])
    try:
        Account(email(TASK["alice"]), config=config(email(TASK["alice"]), "wrong", FailFast()), autodiscover=False,
                access_type=DELEGATE, default_timezone=ZONE, locale="en_US").inbox.all().count()
        expect(False, "a wrong password is taken")
    except UnauthorizedError:
        pass
    return {"exchangelib": exchangelib.__version__, "version": a.version.api_version, "build": str(a.version.build)}


@step
def folders():
    a = account(TASK["alice"])
    names = {f.name for f in a.msg_folder_root.walk()}
    for f in (a.inbox, a.calendar, a.sent, a.trash, a.drafts, a.contacts):
        expect(f.id and f.changekey, "a folder without id", f)
    expect(isinstance(a.calendar, Calendar), a.calendar)
    own = Calendar(parent=a.calendar, name=subject("Own"))
    own.save()
    own.name = subject("Renamed")
    own.save(update_fields=["name"])
    a.root.clear_cache()
    found = [f for f in a.calendar.children if f.id == own.id]
    equal([f.name for f in found], [subject("Renamed")])
    own = found[0]
    own.delete()
    a.root.clear_cache()
    expect(not [f for f in a.calendar.children if f.id == own.id], "the folder is still there")
    return {"folders": len(names)}


class Stamp(ExtendedProperty):
    property_set_id = "c11ff724-aa03-4555-9952-8fa248a11c3e"
    property_name = "peer-stamp"
    property_type = "String"


CalendarItem.register("stamp", Stamp)


@step
def create():
    a = account(TASK["alice"])
    i = CalendarItem(folder=a.calendar, subject=subject("Grüße & <Co>"), body=HTMLBody("<html><body>Zeile <b>eins</b></body></html>"),
                     start=at(0, 9), end=at(0, 10, 30), location="Raum „Süd“", categories=["Rot", "Kunde"], sensitivity="Private",
                     legacy_free_busy_status="OOF", reminder_is_set=True, reminder_minutes_before_start=45, stamp="stamp-" + MARK, importance="High")
    i.save()
    expect(i.id and i.changekey, "no id")
    g = a.calendar.get(id=i.id)
    equal(g.subject, i.subject)
    expect("Zeile" in g.body and "<b>" in g.body.lower(), "the body came back as", g.body)
    equal((wall(g.start), wall(g.end)), (wall(i.start), wall(i.end)))
    equal((g.location, set(g.categories), g.sensitivity, g.legacy_free_busy_status, g.importance), (i.location, {"Rot", "Kunde"}, "Private", "OOF", "High"))
    equal((g.reminder_is_set, int(g.reminder_minutes_before_start), g.stamp), (True, 45, i.stamp))
    equal((g.type, g.is_meeting or False, g.my_response_type in (None, "Organizer", "Unknown")), ("Single", False, True))
    expect(g.uid and g.organizer, "without UID or organiser", g.uid, g.organizer)
    equal(a.calendar.filter(stamp="stamp-" + MARK).count(), 1, "found by its stamp")
    d = CalendarItem(folder=a.calendar, subject=subject("Fair"), is_all_day=True, start=DAY + datetime.timedelta(days=1), end=DAY + datetime.timedelta(days=2))
    d.save()
    g = a.calendar.get(id=d.id)
    equal((g.is_all_day, g.start, g.end), (True, d.start, d.end))
    W["item"], W["allday"] = i, d
    return {"id": len(i.id)}


@step
def update():
    a = account(TASK["alice"])
    i = a.calendar.get(id=W["item"].id)
    before = i.changekey
    i.subject, i.start, i.end = subject("Moved"), at(0, 11), at(0, 12)
    i.categories = None
    i.save(update_fields=["subject", "start", "end", "categories"])
    expect(i.changekey != before, "the change key stays")
    g = a.calendar.get(id=i.id)
    equal((g.subject, wall(g.start), g.categories or None, g.location), (i.subject, wall(i.start), None, "Raum „Süd“"))
    stale = a.calendar.get(id=i.id)
    i.location = "B"
    i.save(update_fields=["location"])
    stale.location = "C"
    try:
        stale.save(update_fields=["location"], conflict_resolution="NeverOverwrite")
        expect(False, "a stale change key is taken")
    except ErrorIrresolvableConflict:
        pass
    equal(a.calendar.get(id=i.id).location, "B")
    W["item"] = a.calendar.get(id=i.id)


@step
def lists():
    a = account(TASK["alice"])
    made = [CalendarItem(account=a, folder=a.calendar, subject=subject(f"Row {n:02}"), start=at(2, 8 + n // 2, 30 * (n % 2)), end=at(2, 9 + n // 2, 30 * (n % 2))) for n in (5, 1, 3, 0, 4, 2)]
    a.bulk_create(folder=a.calendar, items=made)
    rows = [i for i in a.calendar.view(start=at(2, 0), end=at(3, 0)) if MARK in i.subject and "Row" in i.subject]
    equal([i.subject for i in rows], [subject(f"Row {n:02}") for n in range(6)], "the view is sorted by start")
    equal([i.subject for i in a.calendar.filter(subject__contains="Row 0").filter(subject__contains=MARK).order_by("-start")[0:2]],
          [subject("Row 05"), subject("Row 04")], "sorted and paged")
    equal(a.calendar.filter(Q(subject=subject("Row 01")) | Q(subject__startswith="Row 02", subject__icontains=MARK.upper())).count(), 2, "or")
    equal(a.calendar.filter(start__gte=at(2, 9), start__lt=at(2, 10), subject__contains=MARK).count(), 2, "restricted by time")
    qs = a.calendar.filter(subject__contains=MARK).filter(subject__startswith="Row").only("subject").order_by("subject")
    qs.page_size = 2
    equal([i.subject for i in qs], [subject(f"Row {n:02}") for n in range(6)], "by pages of two")
    results = a.bulk_delete(ids=[(i.id, i.changekey) for i in rows], send_meeting_cancellations=SEND_TO_NONE, delete_type=HARD_DELETE)
    equal(results, [True] * 6)
    equal([i for i in a.calendar.view(start=at(2, 0), end=at(3, 0)) if MARK in i.subject and "Row" in i.subject], [])


@step
def move():
    a = account(TASK["alice"])
    own = Calendar(parent=a.calendar, name=subject("Other"))
    own.save()
    i = a.calendar.get(id=W["item"].id)
    i.move(own)
    equal([x.subject for x in own.all()], [i.subject])
    equal(a.calendar.filter(subject=i.subject).count(), 0)
    i = own.get(id=i.id)
    c = i.copy(a.calendar)
    expect(c, "the copy has no id")
    equal(a.calendar.filter(subject=i.subject).count(), 1)
    i.move_to_trash()
    equal(own.all().count(), 0)
    equal(a.trash.filter(subject__contains="Moved " + MARK).count(), 1, "in Deleted Items")
    a.calendar.get(subject=W["item"].subject).delete()
    own.delete()
    gone = W["allday"].id
    a.calendar.get(id=gone).delete()
    found = list(a.fetch(ids=[(gone, None)]))
    expect(isinstance(found[0], ErrorItemNotFound), "a deleted entry is still there", found)


@step
def recurring():
    a = account(TASK["alice"])
    m = CalendarItem(folder=a.calendar, subject=subject("Series"), start=at(1, 10), end=at(1, 11),
                     recurrence=Recurrence(pattern=WeeklyPattern(interval=1, weekdays=["Tuesday"]), start=DAY + datetime.timedelta(days=1), number=5))
    m.save()
    seen = [i for i in a.calendar.view(start=at(0, 0), end=at(60, 0)) if i.subject == subject("Series")]
    equal([wall(i.start) for i in seen], [wall(at(1 + 7 * n, 10)) for n in range(5)], "the hour stays over the change to summer time")
    equal({i.type for i in seen}, {"Occurrence"})
    o = m.occurrence(index=3)
    o.refresh()
    equal(wall(o.start), wall(at(15, 10)))
    o.start, o.end, o.subject = at(16, 14), at(16, 15), subject("Exception")
    o.save(update_fields=["start", "end", "subject"])
    m.occurrence(index=4).delete()
    m = a.calendar.get(id=m.id)
    equal(m.type, "RecurringMaster")
    equal([(wall(x.start), wall(x.original_start)) for x in m.modified_occurrences], [(wall(at(16, 14)), wall(at(15, 10)))])
    equal([wall(x.start) for x in m.deleted_occurrences], [wall(at(22, 10))])
    equal((wall(m.first_occurrence.start), wall(m.last_occurrence.start)), (wall(at(1, 10)), wall(at(29, 10))))
    seen = [i for i in a.calendar.view(start=at(0, 0), end=at(60, 0)) if i.subject in (subject("Series"), subject("Exception"))]
    equal([(wall(i.start), i.type) for i in seen], [(wall(at(1, 10)), "Occurrence"), (wall(at(8, 10)), "Occurrence"), (wall(at(16, 14)), "Exception"), (wall(at(29, 10)), "Occurrence")])
    e = a.calendar.get(id=seen[2].id)
    equal((e.is_recurring, e.subject, wall(e.original_start)), (True, subject("Exception"), wall(at(15, 10))))
    master = e.recurring_master()
    master.refresh()
    equal((master.id, master.recurrence.boundary.number, str(master.recurrence.pattern.weekdays)), (m.id, 5, str(m.recurrence.pattern.weekdays)))
    m.delete()
    equal([i for i in a.calendar.view(start=at(0, 0), end=at(60, 0)) if i.subject in (subject("Series"), subject("Exception"))], [])


@step
def patterns():
    a = account(TASK["alice"])
    counted = {}
    first = {"start": at(0, 8), "end": at(0, 8, 30)}
    last = DAY + datetime.timedelta(days=400)
    for name, pattern, want in (
            ("every third day", DailyPattern(interval=3), 21),
            ("monthly on a date", AbsoluteMonthlyPattern(interval=1, day_of_month=DAY.day), 2),
            ("last Monday", RelativeMonthlyPattern(interval=1, weekday="Monday", week_number="Last"), None),
            ("last weekday", RelativeMonthlyPattern(interval=1, weekday="Weekday", week_number="Last"), None),
            ("yearly on a date", AbsoluteYearlyPattern(day_of_month=DAY.day, month=DAY.month), 1),
            ("yearly on the fourth Monday", RelativeYearlyPattern(weekday="Monday", week_number="Fourth", month=DAY.month), None)):
        m = CalendarItem(folder=a.calendar, subject=subject(name), recurrence=Recurrence(pattern=pattern, start=DAY, end=last), **first)
        m.save()
        g = a.calendar.get(id=m.id)
        equal(str(g.recurrence.pattern), str(pattern), name)
        seen = [i for i in a.calendar.view(start=at(0, 0), end=at(61, 0)) if i.subject == subject(name)]
        counted[name] = [wall(i.start) for i in seen]
        expect(seen, "no occurrence of", name)
        expect(want is None or len(seen) == want, name, counted[name])
        m.delete()
    return counted


@step
def attachments():
    a = account(TASK["alice"])
    data = bytes(range(256)) * 300
    i = CalendarItem(folder=a.calendar, subject=subject("Papers"), start=at(3, 9), end=at(3, 10))
    i.attach(FileAttachment(name="plan äöü.bin", content=data, content_type="application/x-plan"))
    i.save()
    i = a.calendar.get(id=i.id)
    equal([x.name for x in i.attachments], ["plan äöü.bin"], "came with the new entry")
    key = i.changekey
    i.attach(FileAttachment(name="note.txt", content=b"hello", content_type="text/plain"))
    expect(i.changekey != key, "attaching changes the entry")
    i.attach(ItemAttachment(name="inner", item=Message(subject="inner message", body="x")))
    i = a.calendar.get(id=i.id)
    equal(sorted(x.name for x in i.attachments), ["inner", "note.txt", "plan äöü.bin"])
    by = {x.name: x for x in i.attachments}
    equal(by["plan äöü.bin"].content, data)
    equal((by["note.txt"].content, by["note.txt"].content_type, by["note.txt"].size >= 5), (b"hello", "text/plain", True))
    equal(by["inner"].item.subject, "inner message")
    with by["plan äöü.bin"].fp as fp:
        equal(fp.read(), data, "streamed")
    i.detach([by["note.txt"]])
    equal(sorted(x.name for x in a.calendar.get(id=i.id).attachments), ["inner", "plan äöü.bin"])
    expect(a.calendar.get(id=i.id).has_attachments, "HasAttachments")
    i.delete()


@step
def invite():
    a = account(TASK["alice"])
    i = CalendarItem(account=a, folder=a.calendar, subject=subject("Meeting"), body="Agenda: all of it", location=TASK["room"], start=at(1, 14), end=at(1, 15),
                     required_attendees=[email(TASK["bob"]), email(TASK["carol"])], optional_attendees=[email(TASK["dave"])], resources=[TASK["room"]])
    i.save(send_meeting_invitations=SEND_TO_ALL_AND_SAVE_COPY)
    i = a.calendar.get(id=i.id)
    equal((i.is_meeting, i.meeting_request_was_sent, i.my_response_type, i.organizer.email_address.lower()), (True, True, "Organizer", email(TASK["alice"])))
    for user in (TASK["bob"], TASK["carol"], TASK["dave"]):
        r = eventually("the request to " + user, lambda: letter(user, subject("Meeting"), MeetingRequest))
        equal((r.item_class, wall(r.start), r.sender.email_address.lower()), ("IPM.Schedule.Meeting.Request", wall(i.start), email(TASK["alice"])))
        expect("Agenda" in (r.text_body or r.body), "the request has no text")
        c = eventually("the tentative entry of " + user, lambda: mine(user, subject("Meeting")))
        equal((c.uid, c.my_response_type, c.legacy_free_busy_status, c.is_meeting), (i.uid, "NoResponseReceived", "Tentative", True))
        equal(c.organizer.email_address.lower(), email(TASK["alice"]))
        equal(sorted(answers(c)), sorted(answers(i)), "everybody sees who is invited")
        if r.associated_calendar_item_id:
            equal(r.associated_calendar_item_id.id, c.id, "the request names the entry")
    W["meeting"] = i
    return {"attendees": sorted(answers(i))}


@step
def answer():
    a = account(TASK["alice"])
    text = subject("Meeting")
    letter(TASK["bob"], text, MeetingRequest).accept(body="Gern, bis dann")
    mine(TASK["carol"], text).tentatively_accept(body="vielleicht", proposed_start=at(1, 16), proposed_end=at(1, 17))
    letter(TASK["dave"], text, MeetingRequest).decline(body="leider nein")

    def tally():
        got = answers(a.calendar.get(id=W["meeting"].id))
        now = {u: got[u].response_type for u in (TASK["bob"], TASK["carol"], TASK["dave"])}
        return got if now == {TASK["bob"]: "Accept", TASK["carol"]: "Tentative", TASK["dave"]: "Decline"} else None

    got = eventually("the answers on the organiser's copy", tally)
    for user in (TASK["bob"], TASK["carol"], TASK["dave"]):
        expect(got[user].last_response_time, "no time of the answer of", user)
    room = TASK["room"].split("@")[0].lower()
    eventually("the room's answer", lambda: answers(a.calendar.get(id=W["meeting"].id))[room].response_type == "Accept")
    for user, cls in ((TASK["bob"], "Pos"), (TASK["carol"], "Tent"), (TASK["dave"], "Neg")):
        found = [m for m in a.inbox.filter(subject__contains=text) if isinstance(m, MeetingResponse) and m.sender.email_address.lower() == email(user)]
        equal([m.item_class for m in found], ["IPM.Schedule.Meeting.Resp." + cls], user)
        equal([wall(m.proposed_start) for m in found if m.proposed_start], [wall(at(1, 16))] if cls == "Tent" else [], "the proposed time")
        expect({"Pos": "Gern", "Tent": "vielleicht", "Neg": "leider"}[cls] in (found[0].text_body or found[0].body), "the comment is lost", user)
    equal((mine(TASK["bob"], text).my_response_type, mine(TASK["bob"], text).legacy_free_busy_status), ("Accept", "Busy"))
    equal((mine(TASK["carol"], text).my_response_type, mine(TASK["carol"], text).legacy_free_busy_status), ("Tentative", "Tentative"))
    expect(mine(TASK["dave"], text) is None, "who declined keeps the entry")
    # An answer that changes is told again.
    mine(TASK["bob"], text).decline(body="doch nicht")
    eventually("the changed answer", lambda: answers(a.calendar.get(id=W["meeting"].id))[TASK["bob"]].response_type == "Decline")


@step
def reschedule():
    a = account(TASK["alice"])
    i = a.calendar.get(id=W["meeting"].id)
    before = i.appointment_sequence_number or 0
    i.start, i.end = at(2, 9), at(2, 10)
    i.save(update_fields=["start", "end"], send_meeting_invitations=SEND_TO_ALL_AND_SAVE_COPY)
    i = a.calendar.get(id=i.id)
    expect((i.appointment_sequence_number or 0) > before, "the sequence stays at", before)
    eventually("carol's entry moves", lambda: wall(mine(TASK["carol"], subject("Meeting")).start) == wall(i.start))
    r = eventually("who had declined is asked again", lambda: next((m for m in [letter(TASK["dave"], subject("Meeting"), MeetingRequest)] if m and wall(m.start) == wall(i.start)), None))
    eventually("and has the entry again", lambda: mine(TASK["dave"], subject("Meeting")))
    equal(mine(TASK["carol"], subject("Meeting")).uid, i.uid)
    expect(not r.is_out_of_date, "the newest request is called out of date")
    return {"sequence": i.appointment_sequence_number}


@step
def series_exception():
    a = account(TASK["alice"])
    m = CalendarItem(account=a, folder=a.calendar, subject=subject("Round"), start=at(3, 9), end=at(3, 10), required_attendees=[email(TASK["bob"])],
                     recurrence=Recurrence(pattern=WeeklyPattern(interval=1, weekdays=["Thursday"]), start=DAY + datetime.timedelta(days=3), number=4))
    m.save(send_meeting_invitations=SEND_TO_ALL_AND_SAVE_COPY)

    def bobs():
        return [(wall(i.start), i.type) for i in account(TASK["bob"]).calendar.view(start=at(0, 0), end=at(60, 0)) if i.subject == subject("Round")]

    eventually("the series at bob's", lambda: [s for s, _ in bobs()] == [wall(at(3 + 7 * n, 9)) for n in range(4)])
    m = a.calendar.get(id=m.id)
    o = m.occurrence(index=2)
    o.refresh()
    o.start, o.end = at(10, 16), at(10, 17)
    o.save(update_fields=["start", "end"], send_meeting_invitations=SEND_TO_ALL_AND_SAVE_COPY)
    want = [wall(at(3, 9)), wall(at(10, 16)), wall(at(17, 9)), wall(at(24, 9))]
    eventually("the exception at bob's", lambda: [s for s, _ in bobs()] == want)
    o = m.occurrence(index=3)
    o.refresh()
    o.delete(send_meeting_cancellations=SEND_TO_ALL_AND_SAVE_COPY)

    def third():
        at_bobs = {wall(i.start): i for i in account(TASK["bob"]).calendar.view(start=at(0, 0), end=at(60, 0)) if subject("Round") in i.subject}
        gone = at_bobs.get(want[2])
        return gone is None or gone.is_cancelled

    eventually("the cancelled occurrence at bob's", third)
    first = [i for i in account(TASK["bob"]).calendar.view(start=at(0, 0), end=at(8, 0)) if i.subject == subject("Round")][0]
    account(TASK["bob"]).calendar.get(id=first.id).accept()

    def one():
        i = [x for x in a.calendar.view(start=at(0, 0), end=at(8, 0)) if x.subject == subject("Round")][0]
        return answers(a.calendar.get(id=i.id))[TASK["bob"]].response_type == "Accept"

    eventually("the answer to one occurrence", one)
    a.calendar.get(id=m.id).cancel(new_body="no longer")
    eventually("the whole series is cancelled", lambda: letter(TASK["bob"], subject("Round"), MeetingCancellation))


@step
def cancel():
    a = account(TASK["alice"])
    i = a.calendar.get(id=W["meeting"].id)
    i.cancel(new_body="geht doch nicht")
    expect(mine(TASK["alice"], subject("Meeting")) is None, "the organiser still has it")
    c = eventually("the cancellation", lambda: letter(TASK["carol"], subject("Meeting"), MeetingCancellation))
    equal(c.item_class, "IPM.Schedule.Meeting.Canceled")
    expect("geht doch nicht" in (c.text_body or c.body), "without its text:", c.body)
    left = eventually("carol's cancelled entry", lambda: mine(TASK["carol"], subject("Meeting")))
    equal((left.is_cancelled, left.legacy_free_busy_status), (True, "Free"))
    left.delete()
    expect(mine(TASK["carol"], subject("Meeting")) is None, "the cancelled entry cannot be removed")


@step
def room_conflict():
    a = account(TASK["alice"])
    room = TASK["room"].split("@")[0].lower()
    made = []
    for n, user in enumerate((TASK["alice"], TASK["bob"])):
        i = CalendarItem(account=account(user), folder=account(user).calendar, subject=subject(f"Room {n}"), start=at(4, 9), end=at(4, 10), resources=[TASK["room"]])
        i.save(send_meeting_invitations=SEND_TO_ALL_AND_SAVE_COPY)
        eventually("the room's answer", lambda: answers(account(user).calendar.get(id=i.id))[room].response_type in ("Accept", "Decline"))
        made.append(answers(account(user).calendar.get(id=i.id))[room].response_type)
    equal(made, ["Accept", "Decline"])
    W["booked"] = a.calendar.get(subject=subject("Room 0"))


@step
def distribution_list():
    a = account(TASK["alice"])
    members = [m.email_address.lower() for m in a.protocol.expand_dl(TASK["list"])]
    expect(len(members) > 1, members)
    i = CalendarItem(account=a, folder=a.calendar, subject=subject("To all"), start=at(4, 13), end=at(4, 14), required_attendees=[TASK["list"]])
    i.save(send_meeting_invitations=SEND_TO_ALL_AND_SAVE_COPY)
    for m in members:
        user = m.split("@")[0]
        if m != email(TASK["alice"]):
            eventually("the entry of " + m, lambda: mine(user, subject("To all")))
    a.calendar.get(id=i.id).delete(send_meeting_cancellations=SEND_TO_ALL_AND_SAVE_COPY)
    for m in members:
        if m != email(TASK["alice"]):
            eventually("the cancellation at " + m, lambda: letter(m.split("@")[0], subject("To all"), MeetingCancellation))
    return {"members": members}


@step
def forwards():
    a = account(TASK["alice"])
    i = CalendarItem(account=a, folder=a.calendar, subject=subject("Passed on"), start=at(4, 15), end=at(4, 16), required_attendees=[email(TASK["bob"])])
    i.save(send_meeting_invitations=SEND_TO_ALL_AND_SAVE_COPY)
    c = eventually("bob's entry", lambda: mine(TASK["bob"], subject("Passed on")))
    c.forward(subject=subject("Passed on"), body="for you too", to_recipients=[Mailbox(email_address=email(TASK["dave"]))])
    d = eventually("the forwarded entry", lambda: mine(TASK["dave"], subject("Passed on")))
    equal((d.uid, d.organizer.email_address.lower()), (a.calendar.get(id=i.id).uid, email(TASK["alice"])))
    eventually("the organiser's copy knows of it", lambda: TASK["dave"] in answers(a.calendar.get(id=i.id)))
    d.accept()
    eventually("the answer to the organiser", lambda: answers(a.calendar.get(id=i.id))[TASK["dave"]].response_type == "Accept")


@step
def free_busy():
    a = account(TASK["alice"])
    start, end = at(4, 0), at(5, 0)
    views = list(a.protocol.get_free_busy_info(accounts=[(a, "Organizer", False), (email(TASK["bob"]), "Required", False), (TASK["room"], "Room", False)],
                                               start=start, end=end, merged_free_busy_interval=60))
    equal(len(views), 3)
    own, bob, room = views
    expect(own.view_type in ("DetailedMerged", "Detailed", "FreeBusyMerged"), own.view_type)
    equal((own.merged[9], room.merged[9], room.merged[8], len(room.merged)), ("2", "2", "0", 24), "merged")
    ours = [e for e in own.calendar_events if e.details and e.details.subject == subject("Room 0")]
    equal([(wall(e.start), e.busy_type) for e in ours], [(wall(at(4, 9)), "Busy")])
    expect(bob.calendar_events, "bob has entries that day")
    expect(own.working_hours and own.working_hours[0].weekdays, "no working hours")
    nobody = list(a.protocol.get_free_busy_info(accounts=[("nobody-" + email(TASK["bob"]), "Required", False), (a, "Organizer", False)], start=start, end=end))
    expect(isinstance(nobody[0], Exception) and not isinstance(nobody[1], Exception), nobody)
    return {"own": own.merged, "bob": bob.merged, "room": room.merged, "nobody": type(nobody[0]).__name__, "hours": str(own.working_hours[0])}


@step
def out_of_office():
    a = account(TASK["dave"])
    before = a.oof_settings
    a.oof_settings = OofSettings(state=OofSettings.SCHEDULED, external_audience="Known", start=EWSDateTime(2020, 1, 1, tzinfo=ZONE), end=EWSDateTime(2090, 1, 1, tzinfo=ZONE),
                                 internal_reply="Bin im <b>Urlaub</b> " + MARK, external_reply="Away")
    got = a.oof_settings
    equal((got.state, got.external_audience, wall(got.start), wall(got.end)), ("Scheduled", "Known", "2020-01-01 00:00", "2090-01-01 00:00"))
    expect(MARK in got.internal_reply and got.external_reply == "Away", got.internal_reply, got.external_reply)
    b = account(TASK["bob"])
    tips = GetMailTips(protocol=b.protocol).get(sending_as=exchangelib.properties.SendingAs(email_address=b.primary_smtp_address),
                                                recipients=[Mailbox(email_address=email(TASK["dave"]))], mail_tips_requested="All")
    expect(MARK in str(tips.out_of_office.reply_body), "the tip does not tell:", tips.out_of_office)
    for n in (1, 2):
        Message(account=b, subject=subject(f"Question {n}"), body="?", to_recipients=[email(TASK["dave"])]).send_and_save()
    eventually("both letters", lambda: a.inbox.filter(subject__startswith="Question", subject__contains=MARK).count() >= 2)
    replies = lambda: [m for m in b.inbox.all() if m.item_class and "oof" in m.item_class.lower() and MARK in (m.text_body or m.body or "")]
    eventually("the automatic reply", replies)
    equal(len(replies()), 1, "one reply for a sender")
    a.oof_settings = OofSettings(state=OofSettings.DISABLED, external_audience="None", internal_reply="", external_reply="")
    equal(a.oof_settings.state, "Disabled")
    return {"before": before.state}


@step
def synchronises():
    a = account(TASK["carol"])
    for _ in a.calendar.sync_items():
        pass
    state = a.calendar.item_sync_state
    expect(state, "no state")
    i = CalendarItem(folder=a.calendar, subject=subject("Synced"), start=at(5, 9), end=at(5, 10))
    i.save()
    changes = [(c, x) for c, x in a.calendar.sync_items()]
    equal([(c, x.subject) for c, x in changes], [("create", subject("Synced"))])
    i.location = "there"
    i.save(update_fields=["location"])
    equal([(c, x.id) for c, x in a.calendar.sync_items(only_fields=["location"])], [("update", i.id)])
    known = i.id
    i.delete()
    equal([(c, x.id) for c, x in a.calendar.sync_items()], [("delete", known)])
    equal(list(a.calendar.sync_items()), [])
    made = CalendarItem(folder=a.calendar, subject=subject("Synced"), start=at(5, 9), end=at(5, 10)).save()
    made.delete()
    equal(list(a.calendar.sync_items()), [], "what came and went between two looks")
    list(a.msg_folder_root.sync_hierarchy())
    own = Calendar(parent=a.calendar, name=subject("Synced folder"))
    own.save()
    known = own.id
    equal([c for c, f in a.msg_folder_root.sync_hierarchy() if f.id == known], ["create"])
    own.delete()
    equal([c for c, f in a.msg_folder_root.sync_hierarchy() if f.id == known], ["delete"])


def told(events, known):
    """What was told of an item, beside that free/busy changed."""
    kinds = [(type(e).__name__, e) for e in events]
    return [k for k, e in kinds if getattr(e, "item_id", None) and e.item_id.id == known and k != "FreeBusyChangedEvent"]


@step
def streams():
    a = account(TASK["bob"])
    sub = a.calendar.subscribe_to_streaming()
    got, failed, seen = [], [], threading.Event()

    def listen():
        try:
            for n in a.calendar.get_streaming_events(sub, connection_timeout=1):
                got.extend(n.events)
                if any(type(e).__name__ == "DeletedEvent" for e in got):
                    break
        except Exception:
            failed.append(traceback.format_exc())
        seen.set()

    t = threading.Thread(target=listen, daemon=True)
    t.start()
    i = CalendarItem(folder=a.calendar, subject=subject("Streamed"), start=at(5, 11), end=at(5, 12))
    i.save()
    i.location = "here"
    i.save(update_fields=["location"])
    known = i.id
    i.delete()
    expect(seen.wait(WAIT + 70), "the stream brought", [type(e).__name__ for e in got])
    expect(not failed, *failed)
    kinds = told(got, known)
    expect(kinds and kinds[0] == "CreatedEvent" and kinds[-1] == "DeletedEvent", kinds)
    expect(a.calendar.unsubscribe(sub), "unsubscribe")
    try:
        list(a.calendar.get_streaming_events(sub, connection_timeout=1))
        expect(False, "a dead subscription streams")
    except exchangelib.errors.ErrorSubscriptionNotFound:
        pass
    return {"events": [type(e).__name__ for e in got]}


@step
def pulls():
    a = account(TASK["bob"])
    sub, mark = a.calendar.subscribe_to_pull(timeout=10)

    def events():
        nonlocal mark
        out = []
        for n in a.calendar.get_events(sub, mark):
            for e in n.events:
                mark = e.watermark
                out.append(e)
        return out

    equal([type(e).__name__ for e in events()], ["StatusEvent"], "nothing happened yet")
    i = CalendarItem(folder=a.calendar, subject=subject("Pulled"), start=at(5, 13), end=at(5, 14))
    i.save()
    known = i.id
    i.delete()
    got = told(events(), known)
    expect(got and got[0] == "CreatedEvent" and got[-1] == "DeletedEvent", got)
    equal([type(e).__name__ for e in events()], ["StatusEvent"], "told once")
    a.calendar.unsubscribe(sub)


@step
def directory():
    a = account(TASK["alice"])
    exact = a.protocol.resolve_names(names=[email(TASK["bob"])], return_full_contact_data=True)
    equal(len(exact), 1)
    mailbox, contact = exact[0]
    equal((mailbox.email_address.lower(), mailbox.mailbox_type), (email(TASK["bob"]), "Mailbox"))
    expect(contact and contact.display_name, "no contact data")
    equal(len(a.protocol.resolve_names(names=["zzz-nobody"])), 1)
    expect(isinstance(a.protocol.resolve_names(names=["zzz-nobody"])[0], Exception), "nobody is found")
    lists = [r.email_address for r in a.protocol.get_roomlists()]
    expect(lists, "no room lists")
    rooms = [r.email_address.lower() for one in lists for r in a.protocol.get_rooms(one)]
    expect(TASK["room"].lower() in rooms, rooms)
    expect(a.mail_tips.recipient_address, "no mail tips of oneself")
    people = [p for p in a.contacts.people().filter(display_name__icontains=contact.display_name.split()[0])] if TASK["people"] else []
    facts = {"name": contact.display_name, "room_lists": lists, "rooms": rooms}
    if TASK["people"]:
        expect(any(contact.display_name == p.display_name for p in people), people)
        persona = list(a.fetch_personas(people[:1]))[0]
        expect(persona.display_name and persona.email_address, persona)
        facts["persona"] = persona.display_name
    return facts


@step
def contacts():
    a = account(TASK["alice"])
    one = Contact(folder=a.contacts, display_name=subject("Rita Round"), given_name="Rita", surname="Round", company_name="Round & Co",
                  email_addresses=[EmailAddress(label="EmailAddress1", email="rita@round.test")],
                  phone_numbers=[PhoneNumber(label="MobilePhone", phone_number="+49 170 5550 199")], job_title="Rounder")
    one.save()
    seen = []
    for c in a.contacts.all():
        if not isinstance(c, Contact):
            continue
        first = lambda entries, field: [getattr(e, field) for e in entries or [] if getattr(e, field)]
        seen.append({"name": c.display_name, "company": c.company_name, "title": c.job_title, "emails": first(c.email_addresses, "email"),
                     "phones": first(c.phone_numbers, "phone_number")})
    expect(any(c["emails"] == ["rita@round.test"] and c["phones"] == ["+49 170 5550 199"] for c in seen), seen)
    if not TASK["keep"]:
        one.delete()
    return {"seen": seen, "subject": one.display_name}


@step
def delegates():
    if not TASK["delegate"]:
        return {"left out": "nobody is named as a delegate"}
    a = account(TASK["alice"])
    found = {d.user_id.primary_smtp_address.lower(): d for d in a.delegates}
    d = found[email(TASK["delegate"])]
    equal(d.delegate_permissions.calendar_folder_permission_level, "Editor")

    def calendar_of_alice(user):
        known = DistinguishedFolderId(id=Calendar.DISTINGUISHED_FOLDER_ID, mailbox=Mailbox(email_address=email(TASK["alice"])))
        found = SingleFolderQuerySet(account=account(user), folder=known).resolve()
        found.is_distinguished = False  # else it goes by the name of the folder, in the wrong mailbox
        return found

    other = calendar_of_alice(TASK["delegate"])
    i = CalendarItem(account=account(TASK["delegate"]), folder=other, subject=subject("By the delegate"), start=at(5, 15), end=at(5, 16))
    i.save()
    expect(mine(TASK["alice"], subject("By the delegate")), "not in the owner's calendar")
    other.get(id=i.id).delete()
    expect(mine(TASK["alice"], subject("By the delegate")) is None, "still in the owner's calendar")
    try:
        CalendarItem(account=account(TASK["stranger"]), folder=calendar_of_alice(TASK["stranger"]), subject=subject("By a stranger"), start=at(5, 15), end=at(5, 16)).save()
        expect(False, "a stranger may write")
    except exchangelib.errors.EWSError as e:
        return {"delegates": sorted(found), "stranger": type(e).__name__}


@step
def impersonates():
    if not TASK["service"]:
        return {"left out": "no service account"}
    a = Account(email(TASK["carol"]), config=config(TASK["service"], TASK["secret"]), autodiscover=False, access_type=IMPERSONATION, default_timezone=ZONE, locale="en_US")
    i = CalendarItem(folder=a.calendar, subject=subject("By the service"), start=at(6, 9), end=at(6, 10))
    i.save()
    c = mine(TASK["carol"], subject("By the service"))
    equal(c.organizer.email_address.lower(), email(TASK["carol"]))
    c.delete()
    denied = Account(email(TASK["carol"]), config=config(email(TASK["bob"]), TASK["password"]), autodiscover=False, access_type=IMPERSONATION, default_timezone=ZONE, locale="en_US")
    try:
        denied.calendar.all().count()
        expect(False, "bob may impersonate")
    except exchangelib.errors.EWSError as e:
        refused = type(e).__name__
    nobody = Account("nobody-" + email(TASK["carol"]), config=config(TASK["service"], TASK["secret"]), autodiscover=False, access_type=IMPERSONATION, default_timezone=ZONE, locale="en_US")
    try:
        nobody.calendar.all().count()
        expect(False, "nobody has a calendar")
    except exchangelib.errors.EWSError as e:
        return {"denied": refused, "nobody": type(e).__name__}


class Kind(ExtendedProperty):
    property_tag = 0x001A
    property_type = "String"


class Flags(ExtendedProperty):
    property_tag = 0x0E07
    property_type = "Integer"


class Delivered(ExtendedProperty):
    property_tag = 0x0E06
    property_type = "SystemTime"


class Submitted(ExtendedProperty):
    property_tag = 0x0039
    property_type = "SystemTime"


class Episode(ExtendedProperty):
    distinguished_property_set_id = "PublicStrings"
    property_name = "PorticoEpisode"
    property_type = "String"


class VoiceSeconds(ExtendedProperty):
    property_tag = 0x6801
    property_type = "Integer"


class CallerNumber(ExtendedProperty):
    property_tag = 0x6802
    property_type = "String"


class CallerName(ExtendedProperty):
    property_tag = 0x6803
    property_type = "String"


class SoundOrder(ExtendedProperty):
    property_tag = 0x6805
    property_type = "String"


class CallID(ExtendedProperty):
    property_tag = 0x6806
    property_type = "String"


def tagged_messages():
    """Messages have their MAPI properties from here on."""
    for p in (Kind, Flags, Delivered, Submitted, Episode, VoiceSeconds, CallerNumber, CallerName, SoundOrder, CallID):
        name = "x_" + p.__name__.lower()
        if name not in {f.name for f in Message.FIELDS}:
            Message.register(name, p)


@step
def keeps_conversations():
    tagged_messages()
    folder = account(TASK["alice"]).conversation_history
    seen = [{"subject": i.subject, "class": i.item_class, "draft": i.is_draft, "read": i.is_read, "text": str(i.body or ""), "stamp": i.x_episode or "", "number": i.x_callernumber or "",
             "from": i.author.email_address if i.author else "", "to": sorted(m.email_address or "" for m in i.to_recipients or []),
             "came": i.datetime_received.astimezone(EWSTimeZone("UTC")).ewsformat(), "sent": i.datetime_sent.astimezone(EWSTimeZone("UTC")).ewsformat()} for i in folder.all()]
    kept = Message(folder=folder, subject=subject("Kept by another"), body=HTMLBody("<html><body><p>words of another program</p></body></html>"), x_kind="IPM.Note.Microsoft.Conversation",
                   author=Mailbox(name="Carol", email_address=email(TASK["carol"])), to_recipients=[Mailbox(email_address=email(TASK["alice"]))],
                   is_read=True, x_flags=1, x_delivered=at(0, 9, 30), x_submitted=at(0, 9))
    kept.save()
    got = folder.get(subject=subject("Kept by another"))
    equal((got.item_class, got.is_draft, got.is_read, got.datetime_received), ("IPM.Note.Microsoft.Conversation", False, True, at(0, 9, 30)))
    if not TASK["keep"]:
        got.delete()
    return {"seen": seen, "subject": kept.subject}


@step
def leaves_voicemail():
    """As programs without Unified Messaging leave one: the class, the file and the properties at once."""
    tagged_messages()
    sound = b"RIFF" + (36 + 800).to_bytes(4, "little") + b"WAVEfmt " + bytes.fromhex("10000000010001 00401f0000401f000001000800") + b"data" + (800).to_bytes(4, "little") + b"\x80" * 800
    a = account(TASK["alice"])
    left = Message(folder=a.inbox, subject=subject("Voice mail"), body="left by a program", x_kind="IPM.Note.Microsoft.Voicemail.UM.CA", author=Mailbox(email_address=email(TASK["bob"])),
                   is_read=False, x_flags=0, x_voiceseconds=9, x_callernumber="+49 30 5550 102", x_callername="Bob B.", x_soundorder="hello.wav", x_callid="1-2@pbx",
                   attachments=[FileAttachment(name="hello.wav", content=sound, content_type="audio/wav")])
    left.save()
    got = a.inbox.get(subject=subject("Voice mail"))
    equal((got.item_class, got.is_read, got.x_voiceseconds, got.x_callernumber, len(got.attachments), got.attachments[0].content), (left.x_kind, False, 9, left.x_callernumber, 1, sound))
    if not TASK["keep"]:
        got.delete()
    return {"subject": left.subject, "bytes": len(sound)}


@step
def tidies():
    """What the round left in the mailboxes goes, so that it can be done again."""
    left = 0
    for user in (TASK["alice"], TASK["bob"], TASK["carol"], TASK["dave"]):
        a = account(user)
        for f in (a.calendar, a.inbox, a.sent, a.trash):
            ids = [(i.id, i.changekey) for i in f.filter(subject__contains=MARK).only("id", "changekey")]
            left += len(ids)
            if ids:
                a.bulk_delete(ids=ids, delete_type=HARD_DELETE, send_meeting_cancellations=SEND_TO_NONE)
            equal(f.filter(subject__contains=MARK).count(), 0, f.name)
    return {"removed": left}


def main():
    wanted = TASK["steps"]
    unknown = set(wanted) - {s.__name__ for s in STEPS}
    if unknown:
        raise SystemExit(f"unknown steps: {unknown}")
    for s in STEPS:
        if wanted and s.__name__ not in wanted:
            continue
        began = time.monotonic()
        try:
            said = {"step": s.__name__, "ok": True, "facts": s() or {}}
        except BaseException:
            said = {"step": s.__name__, "ok": False, "error": traceback.format_exc()}
        said["seconds"] = round(time.monotonic() - began, 2)
        print(json.dumps(said, ensure_ascii=True, default=str), flush=True)
    print(json.dumps({"step": "", "ok": True}), flush=True)


main()
