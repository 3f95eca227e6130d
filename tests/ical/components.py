"""Random calendars, with all that they may say."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from sigdep.ical.model import Alarm, Attendee, Calendar, Component, Entry, Kept
from sigdep.ical.values import Moment, write_when
from sigdep.recurrence.duration import Duration

ZONES = ["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Africa/Casablanca", "Australia/Lord_Howe", "UTC", None]
RULES = ["FREQ=DAILY;COUNT=10", "FREQ=WEEKLY;BYDAY=MO,WE;WKST=SU", "FREQ=MONTHLY;BYDAY=-1FR", "FREQ=YEARLY"]

signs = st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\u2028\u2029")
texts = st.text(signs | st.sampled_from(list('\n\t\\;,:"^')), max_size=200)
words = st.text(signs, min_size=1, max_size=30).map(str.strip).filter(bool)
tokens = st.sampled_from(["X-ONE", "X-TWO", "X-THREE", "CONTACT", "COMMENT"])
instants = st.datetimes(datetime(1980, 1, 1), datetime(2030, 1, 1)).map(
    lambda one: one.replace(microsecond=0, tzinfo=UTC)
)
walls = st.datetimes(datetime(1980, 1, 1), datetime(2030, 1, 1)).map(lambda one: one.replace(microsecond=0))
durations = st.builds(Duration, days=st.integers(0, 30), seconds=st.integers(0, 90_000))
values = st.text(signs, max_size=100)
parameters = st.sampled_from(["", ";X-A=1", ';X-A="a:b;c,d";X-B=1,2', ";LANGUAGE=de"])
lines = st.builds(lambda name, given, value: f"{name}{given}:{value}", tokens, parameters, values)
several = st.lists(lines, max_size=4).map(tuple)
kept = st.builds(
    Kept, st.just("X-KEPT"), several, st.lists(st.builds(Kept, st.just("X-IN"), several), max_size=1).map(tuple)
)
keeps = st.lists(kept, max_size=2).map(tuple)
enumerated = st.sampled_from(["", "X-OTHER", "CHAIR", "ACCEPTED", "GROUP"])


def attendees(number: int) -> st.SearchStrategy[Attendee]:
    return st.builds(
        Attendee,
        address=st.just(f"mailto:person{number}@example.com"),
        name=texts,
        role=enumerated,
        answer=enumerated,
        kind=enumerated,
        parameters=st.sampled_from(["", ";RSVP=TRUE", ';MEMBER="mailto:a@b.c","mailto:d@e.f"']),
    )


@st.composite
def alarms(draw: st.DrawFn) -> Alarm:
    parts: dict[str, Any] = {"at": draw(instants)}
    if draw(st.booleans()):
        trigger = draw(durations)
        parts = {"trigger": trigger, "after": trigger != Duration() and draw(st.booleans())}
        parts["related"] = draw(st.sampled_from(["START", "END"]))
    action = draw(st.sampled_from(["DISPLAY", "AUDIO", "EMAIL"]))
    return Alarm(
        action=action,
        summary=draw(texts),
        description=draw(texts),
        lines=draw(several),
        components=draw(keeps),
        **parts,
    )


@st.composite
def contents(draw: st.DrawFn) -> dict[str, Any]:
    """What a component says beside when it is."""
    return {
        "sequence": draw(st.integers(0, 10_000)),
        "stamp": draw(instants),
        "created": draw(st.none() | instants),
        "modified": draw(st.none() | instants),
        "summary": draw(texts),
        "description": draw(texts),
        "location": draw(texts),
        "url": draw(st.sampled_from(["", "https://example.com/?a=1,2;b#c"])),
        "color": draw(st.sampled_from(["", "red", "#aabbcc"])),
        "categories": tuple(dict.fromkeys(draw(st.lists(words, max_size=3)))),
        "status": draw(st.sampled_from([None, "TENTATIVE", "CONFIRMED", "CANCELLED"])),
        "transparent": draw(st.booleans()),
        "organizer": draw(st.none() | attendees(0)),
        "attendees": tuple(draw(attendees(number)) for number in range(draw(st.integers(0, 2)))),
        "alarms": tuple(draw(st.lists(alarms(), max_size=2))),
        "parameters": draw(st.sampled_from([(), (("DTSTART", ";X-A=1"),)])),
        "lines": draw(several),
        "components": draw(keeps),
    }


@st.composite
def entries(draw: st.DrawFn, uid: str) -> Entry:
    zone = draw(st.sampled_from(ZONES))
    wall = draw(walls)
    dates = zone is None and draw(st.booleans())
    start = Moment(wall.date()) if dates else Moment(wall, zone)
    rules = draw(st.sampled_from([(), *((rule,) for rule in RULES)]))
    later = [_later(start, days) for days in draw(st.lists(st.integers(1, 400), unique=True, max_size=6))]
    main = Component(
        uid=uid,
        start=start,
        rules=rules,
        extra=tuple(
            write_when(one.when) + ("" if dates else draw(st.sampled_from(["", "/PT2H"]))) for one in later[:2]
        ),
        excluded=tuple(write_when(one.when) for one in later[2:4]),
        **_lasting(draw, start),
        **draw(contents()),
    )
    overrides = [
        Component(uid=uid, recurrence_id=one, start=_later(one, 1), following=draw(st.booleans()), **draw(contents()))
        for one in later[4:]
    ]
    return Entry(
        uid=uid,
        main=main,
        overrides=tuple(sorted(overrides, key=_original)),
    )


def _original(override: Component) -> str:
    assert override.recurrence_id is not None
    return write_when(override.recurrence_id.when)


def _later(moment: Moment, days: int) -> Moment:
    return Moment(moment.when + timedelta(days=days), moment.zone)


def _lasting(draw: st.DrawFn, start: Moment) -> dict[str, Any]:
    match draw(st.sampled_from(["end", "duration", "neither"])):
        case "end":
            return {"end": _later(start, draw(st.integers(1, 3)))}
        case "duration" if not start.timed:
            return {"duration": Duration(days=draw(st.integers(1, 9)))}
        case "duration":
            return {"duration": draw(durations)}
        case _:
            return {}


@st.composite
def calendars(draw: st.DrawFn) -> Calendar:
    uids = draw(st.lists(words, unique=True, max_size=3))
    return Calendar(
        name=draw(texts),
        description=draw(texts),
        color=draw(st.sampled_from(["", "teal", "#001122"])),
        zone=draw(st.sampled_from(ZONES)),
        refresh=draw(st.none() | durations),
        method=draw(st.sampled_from(["", "PUBLISH"])),
        entries=tuple(draw(entries(uid)) for uid in uids),
        lines=draw(several),
    )
