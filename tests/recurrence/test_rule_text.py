"""Rules as text: read strictly, refused with the part and its column, and written so that they read back the same."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from sigdep.recurrence.expansion import Expansion
from sigdep.recurrence.format import format_rule
from sigdep.recurrence.parse import RULE_CHARACTERS_MAX, UnreadableRule, parse
from sigdep.recurrence.rule import COUNT_MAX, FREQUENCIES, INTERVAL_MAX, InvalidRule, Rule, WeekdayNumber
from sigdep.recurrence.text import write_moment
from tests.recurrence.rules import rules

# What is wrong → the part that is named, its column, and words of the sentence.
REFUSED = [
    ("", "RRULE", 1, "expected a name"),
    ("FREQ", "FREQ", 1, "expected a name"),
    ("INTERVAL=2", "FREQ", 1, "every rule has one"),
    ("RRULE:FREQ=DAILY", "RRULE:FREQ", 1, "no such part"),
    ("FREQ=FORTNIGHTLY", "FREQ", 1, "none of SECONDLY"),
    ("FREQ=DAILY;;COUNT=2", "RRULE", 12, "expected a name"),
    ("FREQ=DAILY;COUNT=2;;", "RRULE", 20, "expected a name"),
    ("FREQ=DAILY;FREQ=WEEKLY", "FREQ", 12, "twice"),
    ("FREQ=DAILY;BYEASTER=1", "BYEASTER", 12, "no such part"),
    ("FREQ=DAILY;X-MINE=1", "X-MINE", 12, "no such part"),
    ("FREQ=DAILY; COUNT=2", " COUNT", 12, "no such part"),
    ("FREQ=DAILY;COUNT=0", "COUNT", 12, "not from 1"),
    ("FREQ=DAILY;COUNT=-1", "COUNT", 12, "no whole number"),
    ("FREQ=DAILY;COUNT=+1", "COUNT", 12, "no whole number"),
    ("FREQ=DAILY;COUNT=1000001", "COUNT", 12, "1,000,000"),
    ("FREQ=DAILY;COUNT=99999999999999", "COUNT", 12, "8 digits"),
    ("FREQ=DAILY;INTERVAL=0", "INTERVAL", 12, "not from 1"),
    ("FREQ=DAILY;INTERVAL=10000001", "INTERVAL", 12, "10,000,000"),
    ("FREQ=DAILY;INTERVAL=1.5", "INTERVAL", 12, "no whole number"),
    ("FREQ=DAILY;INTERVAL=²", "RRULE", 21, "plain letters"),
    ("FREQ=DAILY;COUNT=2;UNTIL=20240101", "UNTIL", 20, "not by both"),
    ("FREQ=DAILY;UNTIL=20240230", "UNTIL", 12, "no date or time"),
    ("FREQ=DAILY;UNTIL=2024-01-01", "UNTIL", 12, "no date or time"),
    ("FREQ=DAILY;UNTIL=20240101T0900", "UNTIL", 12, "no date or time"),
    ("FREQ=DAILY;UNTIL=20240101T090000+01", "UNTIL", 12, "no date or time"),
    ("FREQ=DAILY;BYMONTH=13", "BYMONTH", 12, "13 is not from 1 to 12"),
    ("FREQ=DAILY;BYMONTH=0", "BYMONTH", 12, "not from"),
    ("FREQ=DAILY;BYMONTH=-1", "BYMONTH", 12, "no number"),
    ("FREQ=DAILY;BYMONTH=5L", "BYMONTH", 12, "Leap months"),
    ("FREQ=DAILY;BYMONTH=1,,2", "BYMONTH", 12, "no number"),
    ("FREQ=DAILY;BYMONTHDAY=32", "BYMONTHDAY", 12, "not from 1 to 31 or -31 to -1"),
    ("FREQ=DAILY;BYMONTHDAY=0", "BYMONTHDAY", 12, "not from"),
    ("FREQ=YEARLY;BYYEARDAY=367", "BYYEARDAY", 13, "not from"),
    ("FREQ=YEARLY;BYWEEKNO=-54", "BYWEEKNO", 13, "not from"),
    ("FREQ=DAILY;BYHOUR=24", "BYHOUR", 12, "not from 0 to 23"),
    ("FREQ=DAILY;BYHOUR=-1", "BYHOUR", 12, "no number"),
    ("FREQ=DAILY;BYMINUTE=60", "BYMINUTE", 12, "not from"),
    ("FREQ=DAILY;BYSECOND=61", "BYSECOND", 12, "not from"),
    ("FREQ=DAILY;BYHOUR=" + ",".join(["9"] * 49), "BYHOUR", 12, "only 24"),
    ("FREQ=YEARLY;BYDAY=XX", "BYDAY", 13, "no weekday"),
    ("FREQ=YEARLY;BYDAY=54MO", "BYDAY", 13, "not from"),
    ("FREQ=YEARLY;BYDAY=0MO", "BYDAY", 13, "not from"),
    ("FREQ=YEARLY;BYWEEKNO=1;BYDAY=1MO", "BYDAY", 24, "BYWEEKNO"),
    ("FREQ=YEARLY;BYMONTH=1;BYSETPOS=367", "BYSETPOS", 23, "not from"),
    ("FREQ=DAILY;BYSETPOS=1", "BYSETPOS", 12, "another part"),
    ("FREQ=DAILY;WKST=1MO", "WKST", 12, "none of MO"),
    ("RSCALE=CHINESE;FREQ=YEARLY", "RSCALE", 1, "not supported"),
    ("FREQ=YEARLY;SKIP=FORWARD", "SKIP", 13, "RSCALE"),
    ("FREQ=YEARLY;RSCALE=GREGORIAN;SKIP=NEAREST", "SKIP", 30, "none of OMIT"),
]
# The table on page 44 of RFC 5545, where it says "N/A", and its two notes on numbers in BYDAY.
EVERY: set[str] = set(FREQUENCIES)
FORBIDDEN: dict[str, set[str]] = {
    "BYWEEKNO=1": EVERY - {"YEARLY"},
    "BYYEARDAY=1": {"DAILY", "WEEKLY", "MONTHLY"},
    "BYMONTHDAY=1": {"WEEKLY"},
    "BYDAY=1MO": EVERY - {"MONTHLY", "YEARLY"},
}
ALLOWED = ("BYMONTH=1", "BYDAY=MO", "BYHOUR=1", "BYMINUTE=1", "BYSECOND=1", "BYHOUR=1;BYSETPOS=1")


@pytest.mark.parametrize("text, part, column, words", REFUSED)
def test_a_refusal_names_the_part_and_the_column(text: str, part: str, column: int, words: str) -> None:
    with pytest.raises(UnreadableRule) as refusal:
        parse(text)
    assert (refusal.value.part, refusal.value.column) == (part, column)
    assert words in refusal.value.detail
    assert refusal.value.detail.startswith(f"Recurrence rule, column {column}, {part}: ")
    assert refusal.value.faults[0].pointer == part


def test_text_without_end_is_refused_before_it_is_read() -> None:
    with pytest.raises(UnreadableRule, match="at most 8,000 characters"):
        parse("FREQ=DAILY;BYHOUR=" + "9," * RULE_CHARACTERS_MAX)


@pytest.mark.parametrize("frequency", FREQUENCIES)
def test_what_the_table_of_the_rfc_forbids_is_refused_and_nothing_else(frequency: str) -> None:
    for part in (*FORBIDDEN, *ALLOWED):
        text = f"FREQ={frequency};{part}"
        if frequency in FORBIDDEN.get(part, ()):
            with pytest.raises(UnreadableRule, match="no meaning with FREQ"):
                parse(text)
        else:
            assert parse(text).frequency == frequency


def test_names_are_read_without_regard_to_case_and_order() -> None:
    assert parse("byday=+1mo,-1Fr;interval=02;freq=Monthly") == Rule(
        frequency="MONTHLY", interval=2, by_day=(WeekdayNumber("MO", 1), WeekdayNumber("FR", -1))
    )


def test_what_is_listed_twice_counts_once_and_a_last_semicolon_is_passed_over() -> None:
    assert parse("FREQ=DAILY;BYHOUR=17,9,17;") == Rule(frequency="DAILY", by_hour=(17, 9))


@pytest.mark.parametrize(
    "text, until",
    [
        ("20240229", date(2024, 2, 29)),
        ("20240229T093000", datetime(2024, 2, 29, 9, 30)),
        ("20240229T093000Z", datetime(2024, 2, 29, 9, 30, tzinfo=UTC)),
    ],
)
def test_until_has_three_forms(text: str, until: date) -> None:
    rule = parse(f"FREQ=DAILY;UNTIL={text}")
    assert rule.until == until
    assert format_rule(rule) == f"FREQ=DAILY;UNTIL={text}"


def test_a_rule_can_have_every_part_in_full() -> None:
    days = ",".join(map(str, [*range(1, 367), *range(-366, 0)]))
    text = f"FREQ=YEARLY;BYYEARDAY={days};BYSETPOS={days}"
    assert format_rule(parse(text)) == text


@given(rules(), st.integers(0, COUNT_MAX), st.integers(1, INTERVAL_MAX), st.datetimes(timezones=st.just(UTC)))
@settings(max_examples=200, deadline=None)
def test_a_written_rule_reads_back_as_the_same(
    case: tuple[Rule, datetime], count: int, interval: int, until: datetime
) -> None:
    rule = case[0]
    once = {part: tuple(dict.fromkeys(getattr(rule, part))) for part in rule.__struct_fields__ if part[:3] == "by_"}
    rule = replace(rule, **once, interval=interval, rscale="GREGORIAN", skip="BACKWARD")
    rule = replace(rule, count=count) if count else replace(rule, until=until.replace(microsecond=0))
    assert parse(format_rule(rule)) == rule
    assert format_rule(parse(format_rule(rule))) == format_rule(rule)


PIECES = st.sampled_from(
    [*"=;,+-:0159MO ", "FREQ=", "DAILY", "YEARLY", ";UNTIL=", "BYDAY=", "2024", "T09", "Z", "WKST="]
)


@given(st.text() | st.lists(PIECES).map("".join) | st.lists(PIECES).map(lambda some: "FREQ=YEARLY;" + "".join(some)))
@settings(max_examples=300, deadline=None)
def test_any_text_is_read_or_refused_with_a_sentence(text: str) -> None:
    refusal: UnreadableRule | None = None
    try:
        parse(text)
    except UnreadableRule as error:
        refusal = error
    if refusal is not None:
        assert refusal.detail.startswith(f"Recurrence rule, column {refusal.column}, ")
        assert 1 <= refusal.column <= len(text) + 1


@pytest.mark.parametrize(
    "rule, start, part",
    [
        ("FREQ=DAILY;UNTIL=20240102", datetime(2024, 1, 1, 9), "UNTIL"),
        ("FREQ=DAILY;UNTIL=20240102T090000", date(2024, 1, 1), "UNTIL"),
        ("FREQ=DAILY;UNTIL=20240102T090000Z", datetime(2024, 1, 1, 9), "UNTIL"),
        ("FREQ=HOURLY", date(2024, 1, 1), "FREQ"),
    ],
)
def test_a_rule_goes_with_its_start(rule: str, start: date, part: str) -> None:
    with pytest.raises(InvalidRule) as refusal:
        Expansion(parse(rule), start)
    assert refusal.value.part == part


def test_sixty_seconds_are_read_as_fifty_nine() -> None:
    assert write_moment(parse("FREQ=DAILY;UNTIL=20161231T235960Z").until or date.min) == "20161231T235959Z"
