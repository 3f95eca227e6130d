"""Calendars meant to keep a server busy."""

from sigdep.ical.zones import UNNAMED_MAX
from sigdep.recurrence.series import EXCLUDED_MAX, OVERRIDES_MAX
from tests.ical.samples import calendar, octets

BERLIN = "UID:1\nDTSTART;TZID=Europe/Berlin:20260105T090000\nRRULE:FREQ=DAILY\n"


def observance(number: int, rule: str) -> str:
    return (
        f"BEGIN:VTIMEZONE\nTZID:Zone {number}\nBEGIN:STANDARD\nDTSTART:00010101T000000\nRRULE:{rule}\n"
        f"TZOFFSETFROM:+{number % 14:02}07\nTZOFFSETTO:+0107\nEND:STANDARD\nEND:VTIMEZONE\n"
    )


def zones(count: int, rule: str) -> bytes:
    uses = (f"UID:{n}\nDTSTART;TZID=Zone {n}:{2000 + n % 80}0105T090000" for n in range(count))
    return calendar(*uses, before="".join(observance(n, rule) for n in range(count)))


def times(count: int) -> str:
    return ",".join(f"2{n % 1000:03}0101T{n // 1000 % 24:02}0000Z" for n in range(count))


OVERRIDE = "UID:1\nRECURRENCE-ID:2{:03}0105T{:02}0000Z\nDTSTART:20260105T100000Z"
HOSTILE = {
    "10,000 EXDATEs": calendar(f"{BERLIN}EXDATE:{times(10_000)}"),
    "10,000 EXDATEs, a line for each": calendar(
        BERLIN + "\n".join(f"EXDATE:{one}" for one in times(10_000).split(","))
    ),
    "as many EXDATEs as are read": calendar(f"{BERLIN}EXDATE:{times(EXCLUDED_MAX)}"),
    "10,000 RDATEs": calendar(f"{BERLIN}RDATE:{times(10_000)}"),
    "1,000 rules": calendar(BERLIN + "RRULE:FREQ=SECONDLY\n" * 1_000),
    "a rule that goes on": calendar(f"{BERLIN}RRULE:FREQ=DAILY;BYDAY={'MO,' * 5_000}MO"),
    "10,000 overrides": calendar(BERLIN, *(OVERRIDE.format(n % 1000, n // 1000) for n in range(10_000))),
    "10,000 overrides of one": calendar(BERLIN, *([OVERRIDE.format(1, 1)] * 10_000)),
    "as many overrides as are read": calendar(
        BERLIN, *(OVERRIDE.format(n % 1000, n // 1000) for n in range(OVERRIDES_MAX))
    ),
    "20,000 attendees": calendar(BERLIN + "\n".join(f"ATTENDEE:mailto:{n}@example.com" for n in range(20_000))),
    "1,000 alarms": calendar(BERLIN + "BEGIN:VALARM\nACTION:DISPLAY\nTRIGGER:-PT5M\nEND:VALARM\n" * 1_000),
    "nested without end": octets("BEGIN:VCALENDAR\n" + "BEGIN:VEVENT\n" * 100_000),
    "nested and closed": octets("BEGIN:VCALENDAR\n" * 50_000 + "END:VCALENDAR\n" * 50_000),
    "many kinds of components": octets(
        "BEGIN:VCALENDAR\n" + "".join(f"BEGIN:X-{n}\nEND:X-{n}\n" for n in range(40_000)) + "END:VCALENDAR\n"
    ),
    "a line of quotes": calendar(BERLIN + "ATTENDEE;CN=" + '"' * 100_000 + ":x"),
    "a line of parameters": calendar(BERLIN + "ATTENDEE" + ";A=1" * 50_000),
    "a line of open parameters": calendar(BERLIN + "ATTENDEE" + ';A="' * 50_000 + ":x"),
    "a line of commas in a parameter": calendar(BERLIN + "ATTENDEE;A=" + ',"' * 50_000 + ":x"),
    "a line of backslashes": calendar(BERLIN + "CATEGORIES:" + "\\" * 100_001),
    "a line of carets": calendar(BERLIN + "ATTENDEE;CN=" + "^" * 100_001 + ":mailto:x"),
    "a line of names": calendar(BERLIN + "A" * 200_000),
    "a line of digits": calendar(BERLIN + "SEQUENCE:" + "9" * 200_000),
    "a duration of digits": calendar(BERLIN + "DURATION:P" + "9" * 200_000 + "D"),
    "folded after each octet": octets("BEGIN:VCALENDAR\n") + b"\r\n ".join([b"X"] * 60_000),
    "nothing but breaks": b"\n" * 200_000,
    "zones without names": zones(500, "FREQ=YEARLY;BYMONTH=1;BYDAY=1SU"),
    "zones that change each second": zones(UNNAMED_MAX, "FREQ=SECONDLY"),
    "zones that never change": zones(UNNAMED_MAX, "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"),
    "a zone of many changes": calendar(
        "UID:1\nDTSTART;TZID=Z:20260101T000000",
        before="BEGIN:VTIMEZONE\nTZID:Z\n"
        + "BEGIN:STANDARD\nDTSTART:20260101T000000\nTZOFFSETFROM:+0101\nTZOFFSETTO:+0203\nEND:STANDARD\n" * 5_000
        + "END:VTIMEZONE\n",
    ),
    "times at the ends of the calendar": calendar(
        *(
            f"UID:{n}\nDTSTART{zone}:{time}\nDTEND{zone}:{time}\nRRULE:FREQ=DAILY\nEXDATE:{time}"
            for n, (zone, time) in enumerate(
                (zone, time)
                for zone in (";TZID=Pacific/Kiritimati", ";TZID=America/Los_Angeles", "", ";VALUE=DATE")
                for time in (
                    "00010101T000000",
                    "99991231T235959",
                    "00010101T000000Z",
                    "99991231T235959Z",
                    "00010101",
                    "99991231",
                )
            )
        )
    ),
    "controls": octets("BEGIN:VCALENDAR\n") + bytes(range(32)) * 2_000 + octets("\nEND:VCALENDAR"),
    "NULs": calendar("UID:1\0\nDTSTART:2026\x000101\nSUM\0MARY:a\0b"),
}
