"""The search index in OpenSearch: one index for each build, one document for each entry."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from sigdep.adapters.opensearch.asking import Answer, Server
from sigdep.adapters.opensearch.documents import INDEX, entry_of, lines_of, name_of, of_workspace, question, walk
from sigdep.adapters.opensearch.errors import refusal
from sigdep.kernel.errors import Unavailable
from sigdep.kernel.ids import WorkspaceId
from sigdep.kernel.read_store import ModelGone, ModelId
from sigdep.kernel.search_index import HITS_MAX, WALK_ENTRIES_MAX, Entry, EntryKey

NAME: Final = "sigdep"
"""What the names of our indexes begin with, unless the address has a path that says otherwise."""

SEARCH_SECONDS_MAX: Final = 0.5
GET_SECONDS_MAX: Final = 10.0
WRITE_SECONDS_MAX: Final = 60.0
"""Also for making, dropping and switching builds."""

BULK_ENTRIES_MAX: Final = 500
BULK_BYTES_MAX: Final = 8 * 1024 * 1024
GET_KEYS_MAX: Final = 1_000

FORGET_ATTEMPTS_MAX: Final = 5
"""An entry that is written while its workspace is forgotten must be looked for again."""

CONFLICT: Final = 409


class OpenSearchIndex:
    """See `SearchIndex`. What is asked for is what OpenSearch 2 and 3 and Elasticsearch 8 have in common.

    Everything that fills or asks a build names its alias, `sigdep-<name>-<build>`, and a write demands that it is one:
    so that an index which has been lost is not made by a write, with a mapping that the server guesses. The alias
    `sigdep-<name>` leads to the build switched to.
    """

    def __init__(
        self, url: str, *, authority: bytes | None = None, search_seconds_max: float = SEARCH_SECONDS_MAX
    ) -> None:
        """
        Args:
            url: `http://user:password@host:port/name`; what is before the `@` and after the port may be missing.
            authority: PEM: who signs the certificate of the server. None: whom the system trusts.
        """
        self._server = Server(url, authority)
        self._search_seconds_max = search_seconds_max
        self._name = urlsplit(url).path.strip("/") or NAME

    # ── builds ────────────────────────────────────────────────────────────────────────────────────────

    async def create(self, build: ModelId) -> None:
        await self._drop(await self._behind(self._alias(build)))
        index = f"{self._alias(build)}-{uuid4().hex[:8]}"
        body = {**INDEX, "aliases": {self._alias(build): {}}}
        await self._server.ask("PUT", index, seconds=WRITE_SECONDS_MAX, body=body)

    async def exists(self, build: ModelId) -> bool:
        return await self._server.exists("_alias", self._alias(build), seconds=GET_SECONDS_MAX)

    async def switch(self, build: ModelId) -> None:
        await self.refresh(build)
        live = f"{self._name}-{build.name}"
        former = await self._behind(live)
        actions: list[Mapping[str, Any]] = [{"remove": {"index": index, "alias": live}} for index in former]
        actions += [{"add": {"index": index, "alias": live}} for index in await self._behind(self._alias(build))]
        await self._server.ask("POST", "_aliases", seconds=WRITE_SECONDS_MAX, body={"actions": actions})

    async def sweep(self, name: str, keep: Collection[ModelId]) -> None:
        start = f"{self._name}-{name}-"
        kept = {self._alias(build) for build in keep}
        found = await self._server.get("_alias", f"{start}*", seconds=GET_SECONDS_MAX) or Answer()
        ours = re.compile(re.escape(start) + r"\d+")
        for index, said in found.items():
            names = {alias for alias in said["aliases"] if ours.fullmatch(alias)}
            if names and not names & kept:
                await self._drop([index])

    def _alias(self, build: ModelId) -> str:
        return f"{self._name}-{build.name}-{build.build}"

    async def _behind(self, alias: str) -> Collection[str]:
        """The indexes that an alias leads to."""
        found = await self._server.get("_alias", alias, seconds=GET_SECONDS_MAX)
        return [] if found is None else list(found)

    async def _drop(self, indexes: Collection[str]) -> None:
        for index in indexes:
            try:
                await self._server.ask("DELETE", index, seconds=WRITE_SECONDS_MAX)
            except ModelGone:
                continue  # Somebody else has.

    # ── writing ───────────────────────────────────────────────────────────────────────────────────────

    async def write(self, build: ModelId, entries: Sequence[Entry]) -> None:
        for lines in _bulks(entries):
            answer = await self._server.ask_lines(
                self._alias(build),
                "_bulk",
                seconds=WRITE_SECONDS_MAX,
                lines=lines,
                parameters={"require_alias": "true", "filter_path": "errors,items.*.status,items.*.error.type"},
            )
            if answer["errors"]:
                _check(answer["items"])

    async def forget(self, build: ModelId, workspace: WorkspaceId) -> None:
        for _ in range(FORGET_ATTEMPTS_MAX):
            await self.refresh(build)  # It deletes what a search finds.
            answer = await self._server.ask(
                "POST",
                self._alias(build),
                "_delete_by_query",
                seconds=WRITE_SECONDS_MAX,
                body={"query": of_workspace(workspace)},
                parameters={"routing": str(workspace), "conflicts": "proceed", "refresh": "true"},
            )
            if not (answer["version_conflicts"] or answer["failures"] or answer["timed_out"]):
                return
        raise Unavailable("The search index has not forgotten a workspace: others write to it. It is tried again.")

    async def refresh(self, build: ModelId) -> None:
        answer = await self._server.ask("POST", self._alias(build), "_refresh", seconds=WRITE_SECONDS_MAX)
        _check_shards(answer)

    # ── asking ────────────────────────────────────────────────────────────────────────────────────────

    async def get_many(self, build: ModelId, keys: Collection[EntryKey]) -> Mapping[EntryKey, Entry]:
        found: dict[EntryKey, Entry] = {}
        asked = iter(keys)
        while some := list(islice(asked, GET_KEYS_MAX)):
            answer = await self._server.ask(
                "POST",
                self._alias(build),
                "_mget",
                seconds=GET_SECONDS_MAX,
                body={"docs": [name_of(key) for key in some]},
            )
            for document in answer["docs"]:
                if "error" in document:
                    raise refusal(0, document["error"])
                if document["found"]:
                    entry = entry_of(document["_source"])
                    found[entry.key] = entry
        return found

    async def walk(self, build: ModelId, after: EntryKey | None, limit: int) -> Sequence[Entry]:
        body = walk(after, min(limit, WALK_ENTRIES_MAX))
        found = await self._search(build, body, {}, GET_SECONDS_MAX)
        return [entry_of(hit["_source"]) for hit in found]

    async def search(
        self, build: ModelId, workspace: WorkspaceId, words: Collection[str], limit: int
    ) -> Collection[UUID]:
        if not words or limit < 1:
            return []
        body = question(workspace, words, min(limit, HITS_MAX))
        found = await self._search(build, body, {"routing": str(workspace)}, self._search_seconds_max)
        return [UUID(hit["fields"]["id"][0]) for hit in found]

    async def _search(
        self, build: ModelId, body: Mapping[str, Any], parameters: Mapping[str, str], seconds: float
    ) -> Sequence[Mapping[str, Any]]:
        answer = await self._server.ask(
            "POST",
            self._alias(build),
            "_search",
            seconds=seconds,
            body=body,
            parameters={"allow_partial_search_results": "false", **parameters},
        )
        _check_shards(answer)
        if answer["timed_out"]:
            raise Unavailable("The search index took too long.")
        hits: Sequence[Mapping[str, Any]] = answer["hits"]["hits"]
        return hits

    async def close(self) -> None:
        await self._server.close()


def _bulks(entries: Sequence[Entry]) -> Iterator[Sequence[bytes]]:
    """The lines of one request after the other, each of which fits."""
    lines: list[bytes] = []
    size = 0
    for entry in entries:
        action, document = lines_of(entry)
        added = len(action) + len(document)
        if lines and (len(lines) >= 2 * BULK_ENTRIES_MAX or size + added > BULK_BYTES_MAX):
            yield lines
            lines, size = [], 0
        lines += (action, document)
        size += added
    if lines:
        yield lines


def _check(items: Sequence[Mapping[str, Any]]) -> None:
    """
    Raises:
        ModelGone, Unavailable, Invalid: for the first entry that is not written, nor there already.
    """
    for item in items:
        said = item["index"]
        if said["status"] >= 300 and said["status"] != CONFLICT:
            raise refusal(said["status"], said.get("error"))


def _check_shards(answer: Answer) -> None:
    if answer["_shards"]["failed"]:
        raise Unavailable("A part of the search index cannot answer just now.")
