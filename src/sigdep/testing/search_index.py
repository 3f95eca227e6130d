"""The contract suite of the search index: every promise of `kernel/search_index.py`, for every adapter."""

import random
from collections.abc import Iterable
from itertools import count
from typing import Final
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sigdep.kernel.conditions import holds
from sigdep.kernel.ids import Position, WorkspaceId
from sigdep.kernel.read_store import Column, Matches, ModelGone, ModelId, Table
from sigdep.kernel.search_index import HITS_MAX, WALK_ENTRIES_MAX, Entry, SearchIndex
from sigdep.kernel.words import ROW_WORDS_MAX, WORD_CHARACTERS_MAX, question_words

OURS: Final = WorkspaceId(UUID(int=1))
THEIRS: Final = WorkspaceId(UUID(int=2))

TEXTS: Final = Table(
    name="texts",
    columns=(Column("id", "uuid"), Column("title", "text"), Column("notes", "text")),
    key=("id",),
    search=("title", "notes"),
)

_builds = count(1)
_examples = count(1_000)

# Whatever changes under folding, stands alone as a word, or lies beyond the first plane of Unicode.
_letters = st.sampled_from("aAáÁàbcßſéEÉiİıοΟΣςσ한글ガす日本กкК\U00010330\U00010331\U00020000\u0301\u093c0 9_-.\0\t")  # noqa: RUF001  Ambiguous is what they shall be.
_texts = st.text(_letters, max_size=12) | st.text(max_size=8)


def entry(
    number: int, title: str | None, notes: str | None = None, *, position: int = 1, workspace: WorkspaceId = OURS
) -> Entry:
    return Entry(id=UUID(int=number), workspace=workspace, position=Position(position), texts=(title, notes))


class SearchIndexContract:
    """A subclass gives `index`."""

    @pytest.fixture
    async def index(self) -> SearchIndex:
        raise NotImplementedError("The subclass says how its index is opened.")

    @pytest.fixture
    async def build(self, index: SearchIndex) -> ModelId:
        build = ModelId(f"texts_{next(_builds)}", 1)
        await index.create(build)
        return build

    # ── words ─────────────────────────────────────────────────────────────────────────────────────────

    async def test_each_word_of_the_question_begins_a_word_of_the_entry(
        self, index: SearchIndex, build: ModelId
    ) -> None:
        await fill(
            index, build, entry(1, "Buy milk", "two bottles"), entry(2, "Milk the cow"), entry(3, "butter", None)
        )
        assert await found(index, build, "milk") == {1, 2}
        assert await found(index, build, "MÍL bo") == {1}
        assert await found(index, build, "b") == {1, 3}
        assert await found(index, build, "ilk") == set()
        assert await found(index, build, "milkmaid") == set()
        assert await found(index, build, "...") == set()

    async def test_words_of_every_length_are_found_by_every_beginning(self, index: SearchIndex, build: ModelId) -> None:
        long = "abcdefghij" * 10
        await fill(index, build, entry(1, long))
        for length in range(1, WORD_CHARACTERS_MAX + 3):
            assert await found(index, build, long[:length]) == {1}
        assert await found(index, build, long[: WORD_CHARACTERS_MAX - 1] + "x") == set()

    async def test_of_a_row_with_too_many_words_the_first_are_found(self, index: SearchIndex, build: ModelId) -> None:
        await fill(index, build, entry(1, " ".join(f"w{n}" for n in range(ROW_WORDS_MAX)), "late"))
        assert await found(index, build, f"w{ROW_WORDS_MAX - 1}") == {1}
        assert await found(index, build, "late") == set()

    @settings(
        deadline=None,
        max_examples=25,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
    )
    @given(
        rows=st.lists(st.tuples(_texts, st.none() | _texts), min_size=1, max_size=12),
        asked=st.lists(_texts, min_size=1, max_size=6),
        random=st.randoms(use_true_random=False),
    )
    async def test_it_finds_what_the_plain_filter_finds(
        self,
        index: SearchIndex,
        build: ModelId,
        rows: list[tuple[str, str | None]],
        asked: list[str],
        random: random.Random,
    ) -> None:
        """Half of the questions are taken from the rows, so that most of them find something."""
        workspace = WorkspaceId(UUID(int=next(_examples)))  # They share a build.
        entries = [entry(n, title, notes, workspace=workspace) for n, (title, notes) in enumerate(rows, 1)]
        await fill(index, build, *entries)
        pieces = [text[: random.randint(1, len(text))] for row in rows for text in row if text]
        for question in [*asked, *random.sample(pieces, min(6, len(pieces)))]:
            expected = {
                number
                for number, (title, notes) in enumerate(rows, 1)
                if holds(Matches(question), {"id": None, "title": title, "notes": notes}, TEXTS)
            }
            assert await found(index, build, question, workspace) == expected, question

    # ── hits ──────────────────────────────────────────────────────────────────────────────────────────

    async def test_a_question_is_about_one_workspace(self, index: SearchIndex, build: ModelId) -> None:
        await fill(index, build, entry(1, "same"), entry(1, "same", workspace=THEIRS), entry(2, "same other"))
        assert await found(index, build, "same") == {1, 2}
        assert await found(index, build, "same", THEIRS) == {1}
        assert await found(index, build, "other", THEIRS) == set()

    async def test_no_more_hits_come_than_asked_for_and_each_is_one(self, index: SearchIndex, build: ModelId) -> None:
        await fill(index, build, *(entry(n, "common") for n in range(1, HITS_MAX + 20)))
        everything = await index.search(build, OURS, ["common"], HITS_MAX + 20)
        assert len(set(everything)) == len(everything) == HITS_MAX
        assert len(await index.search(build, OURS, ["common"], 7)) == 7
        assert await index.search(build, OURS, ["common"], 0) == []
        assert await index.search(build, OURS, [], 7) == []

    # ── order ─────────────────────────────────────────────────────────────────────────────────────────

    async def test_the_highest_position_wins_in_whatever_order_it_comes(
        self, index: SearchIndex, build: ModelId
    ) -> None:
        await fill(index, build, entry(1, "newest", position=9))
        await fill(index, build, entry(1, "older", position=8), entry(1, "other", position=9))
        assert await found(index, build, "newest") == {1}
        assert await found(index, build, "o") == set()
        await fill(index, build, entry(1, "first", position=10), entry(1, "second", position=11))
        assert await found(index, build, "second") == {1}
        assert await found(index, build, "newest") == await found(index, build, "first") == set()

    async def test_what_is_written_is_there_by_its_key_at_once(self, index: SearchIndex, build: ModelId) -> None:
        written = [entry(1, "one", None, position=3), entry(2, "", "two\0"), entry(1, "theirs", workspace=THEIRS)]
        await index.write(build, written)
        keys = [one.key for one in written]
        assert await index.get_many(build, [*keys, (OURS, UUID(int=77))]) == dict(zip(keys, written, strict=True))
        assert await index.get_many(build, []) == {}

    async def test_many_and_large_entries_are_written_at_once(self, index: SearchIndex, build: ModelId) -> None:
        text = " ".join(f"word{n}" for n in range(1_200))
        written = [entry(n, text, str(n)) for n in range(1, 520)]
        await index.write(build, written)
        assert len(await index.get_many(build, [one.key for one in written])) == len(written)

    async def test_a_walk_meets_every_entry_once_in_the_order_of_keys(self, index: SearchIndex, build: ModelId) -> None:
        written = [entry(n, f"title {n}", workspace=workspace) for n in range(1, 30) for workspace in (THEIRS, OURS)]
        await fill(index, build, *written[::2], *written[1::2])
        walked: list[Entry] = []
        while some := await index.walk(build, walked[-1].key if walked else None, 7):
            assert len(some) <= 7
            walked += some
        assert walked == sorted(written, key=lambda one: one.key)
        assert len(await index.walk(build, None, WALK_ENTRIES_MAX + 1)) == len(written)

    # ── erasure ───────────────────────────────────────────────────────────────────────────────────────

    async def test_a_forgotten_workspace_is_gone_and_no_other(self, index: SearchIndex, build: ModelId) -> None:
        theirs = entry(3, "secret", workspace=THEIRS)
        await fill(index, build, entry(1, "secret"), theirs)
        await index.write(build, [entry(2, "secret, not shown yet")])
        await index.forget(build, OURS)
        await index.refresh(build)
        assert await found(index, build, "secret") == set()
        assert await index.walk(build, None, 10) == [theirs]
        assert await index.get_many(build, [entry(1, "").key, entry(2, "").key]) == {}
        await index.forget(build, OURS)

    async def test_a_late_writer_brings_nothing_back(self, index: SearchIndex, build: ModelId) -> None:
        late = [entry(1, "secret", position=5), entry(2, "secret", position=5)]
        await fill(index, build, *late)
        await index.forget(build, OURS)
        await fill(index, build, *late)
        assert await found(index, build, "secret") == set()
        assert await index.get_many(build, [one.key for one in late]) == {}

    # ── builds ────────────────────────────────────────────────────────────────────────────────────────

    async def test_builds_are_apart_and_made_anew_they_are_empty(self, index: SearchIndex, build: ModelId) -> None:
        other = ModelId(build.name, 2)
        assert await index.exists(build)
        assert not await index.exists(other)
        await index.create(other)
        await fill(index, build, entry(1, "here", position=4))
        assert await found(index, other, "here") == set()
        await index.switch(other)
        assert await found(index, build, "here") == {1}
        await index.create(build)
        assert await found(index, build, "here") == set()
        await fill(index, build, entry(1, "here again", position=1))
        assert await found(index, build, "again") == {1}

    async def test_a_switch_shows_what_has_been_written(self, index: SearchIndex, build: ModelId) -> None:
        await index.write(build, [entry(1, "here")])
        await index.switch(build)
        assert await found(index, build, "here") == {1}

    async def test_what_is_swept_is_gone_and_says_so(self, index: SearchIndex, build: ModelId) -> None:
        builds = [build, ModelId(build.name, 2), ModelId(build.name, 12), ModelId(f"{build.name}~more", 2)]
        for one in builds[1:]:
            await index.create(one)
        await index.switch(build)
        await index.switch(builds[1])
        await index.sweep(build.name, keep=[builds[1]])
        assert [await index.exists(one) for one in builds] == [False, True, False, True]
        for call in (
            index.write(build, [entry(1, "x")]),
            index.forget(build, OURS),
            index.refresh(build),
            index.get_many(build, [entry(1, "x").key]),
            index.walk(build, None, 1),
            index.search(build, OURS, ["x"], 1),
            index.switch(build),
        ):
            with pytest.raises(ModelGone):
                await call
        assert not await index.exists(build), "a write must not make it"


async def fill(index: SearchIndex, build: ModelId, *entries: Entry) -> None:
    await index.write(build, entries)
    await index.refresh(build)


async def found(index: SearchIndex, build: ModelId, text: str, workspace: WorkspaceId = OURS) -> set[int]:
    hits: Iterable[UUID] = await index.search(build, workspace, question_words(text), 100)
    return {identity.int for identity in hits}
