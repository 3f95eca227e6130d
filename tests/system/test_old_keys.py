"""Keys that come back from a backup older than an erasure do not bring back who was erased."""

import asyncio
from pathlib import Path

from sigdep.services.data_folder import DataFolder
from sigdep.services.wiring import open_embedded
from sigdep.testing.running_server import RunningServer, running_server
from tests.system.person import signed_up


async def test_a_log_that_knows_of_an_erasure_destroys_the_old_keys_again(tmp_path: Path) -> None:
    old, archive, restored = tmp_path / "old", tmp_path / "archive", tmp_path / "restored"
    with running_server(erase_grace_days=0) as server:
        async with signed_up(server.url, "Ada") as ada, signed_up(server.url, "Bob") as bob:
            await ada.add_task("Forget me")
            kept = await bob.add_task("Keep me")
            _succeed(server, "backup", str(old))
            await ada.write("DELETE", "/api/users/me", {})
            async with asyncio.timeout(15):
                while (await ada.client.get("/api/users/me")).status_code != 401:
                    await asyncio.sleep(0.1)
            await asyncio.sleep(1)
            _succeed(server, "backup", "--without-keys", str(archive))
        said = _succeed(server, "restore", str(archive), "--keys-from", str(old), data=restored)
        assert "keys of erased people and workspaces are destroyed" in said
        _succeed(server, "verify", data=restored)
    async with open_embedded(DataFolder(restored), read_only=True) as stores:
        events = await stores.contexts["tasks"].log.read_all({})
        of_bob = [recorded for recorded in events if str(recorded.workspace) == kept["workspace_id"]]
        of_ada = [recorded for recorded in events if recorded.type == "TaskCreated" and recorded not in of_bob]
        assert all(recorded.event is not None for recorded in of_bob)
        assert [recorded.event for recorded in of_ada] == [None]


def _succeed(server: RunningServer, *arguments: str, data: Path | None = None) -> str:
    finished = server.command(*arguments, "--data-dir", str(data or server.data))
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout
