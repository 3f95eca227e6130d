"""What is erased is in no file any more: not in the log, not in the read model, not in what SQLite leaves behind."""

from pathlib import Path

from sigdep.users.commands.requests import ChangeAccount, EraseAccount, Invite, IssueToken, OpenWorkspace
from sigdep.users.queries import GetProfile
from tests.users.world import GRACE, open_world_on_disk

TRACES = (b"uillfeather", b"Zebediah")


def traces(folder: Path) -> dict[str, list[bytes]]:
    """By file, what can be found in its raw bytes."""
    found = {file.name: [trace for trace in TRACES if trace in file.read_bytes()] for file in folder.iterdir()}
    return {name: some for name, some in found.items() if some}


async def test_no_file_holds_a_trace_of_who_was_erased(tmp_path: Path) -> None:
    async with open_world_on_disk(tmp_path) as world:
        ada = await world.enter()
        zeb = await world.enter("zebediah.quillfeather")
        for number in range(40):  # So many rows that pages are split, and freed again.
            await world.write(IssueToken(name=f"Zebediah's {number}", scopes=("tasks:read",), expires_at=None), zeb)
            await world.write(ChangeAccount(name=f"Zebediah Quillfeather the {number}th"), zeb)
        place = await world.write(OpenWorkspace(name="Quillfeather family"), zeb)
        await world.write(Invite(workspace_id=place.id, email="eliza.quillfeather@example.com", role="viewer"), zeb)
        await world.caught_up()
        assert set().union(*traces(tmp_path).values()) == set(TRACES)  # Otherwise the test would prove nothing.
        assert not any("log" in name or "keys" in name for name in traces(tmp_path))

        await world.write(EraseAccount(), zeb)
        world.clock.at += GRACE
        report = await world.users.writing.erasures.run_due(world.clock.at)
        assert report.failed == []
        await world.caught_up()
        assert (await world.read(GetProfile(), ada)).name == "Ada"
        assert traces(tmp_path) == {}
    assert traces(tmp_path) == {}
