"""The examples of the RFCs, and what others publish about their engines, where they are right."""

from datetime import UTC, datetime
from itertools import islice
from zoneinfo import ZoneInfo

import pytest

from sigdep.kernel.errors import Invalid
from sigdep.recurrence.expansion import Expansion
from sigdep.recurrence.occurrences import Span, occurrences
from sigdep.recurrence.parse import parse
from sigdep.recurrence.series import Series
from tests.recurrence.case_files import Case, read_cases, read_rules

NEW_YORK = ZoneInfo("America/New_York")
LONG_AGO = Span(datetime(1, 1, 1, tzinfo=UTC))
CASES = [case for name in ("libical", "dateutil", "own") for case in read_cases(name)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.rule} from {case.start}")
def test_a_published_case(case: Case) -> None:
    assert case.found() == case.expected


@pytest.mark.parametrize("case", read_cases("rfc5545"), ids=lambda case: case.rule)
def test_an_example_of_the_rfc(case: Case) -> None:
    series = Series(start=case.start, zone="America/New_York", rules=(parse(case.rule),))
    found = list(islice(occurrences(series, LONG_AGO), case.times))
    assert [one.start for one in found] == case.expected
    assert [one.starts_at.astimezone(NEW_YORK).replace(tzinfo=None) for one in found] == case.expected


def test_friday_the_thirteenth_leaves_out_the_start_that_is_none() -> None:
    start = datetime(1997, 9, 2, 9)
    rule = parse("FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13")
    series = Series(start=start, zone="America/New_York", rules=(rule,), excluded=(start,))
    found = [one.start for one in islice(occurrences(series, LONG_AGO), 5)]
    assert found == list(islice(Expansion(rule, start).starts(), 5))
    assert found[0] == datetime(1998, 2, 13, 9)


@pytest.mark.parametrize("rule", read_rules("dateutil_refused"))
def test_what_the_rfc_forbids_is_refused(rule: str) -> None:
    with pytest.raises(Invalid, match="has no meaning with"):
        parse(rule)
