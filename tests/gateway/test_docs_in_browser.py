"""The documentation page is looked at by a real browser, cut off from every other host."""

import asyncio
import os
import re
import shutil
from pathlib import Path

import pytest

from sigdep.gateway.application import create_application
from tests.gateway.serving import serving
from tests.gateway.test_feed import EmptyFeed
from tests.http.demo import SETTINGS, Notes, People

NAMES = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture
def browser() -> str:
    """Skipped by name where there is none; in CI a missing browser is a failure."""
    for name in NAMES:
        if found := shutil.which(name):
            return found
    missing = "Chromium is not installed; on Debian: apt-get install chromium"
    if os.environ.get("CI") == "true":
        pytest.fail(missing, pytrace=False)
    pytest.skip(missing)


async def test_the_page_shows_every_operation_under_its_strict_policy(browser: str, tmp_path: Path) -> None:
    application = create_application(Notes().routes(), identities=People(), settings=SETTINGS, feed=EmptyFeed())
    async with serving(application) as port:
        process = await asyncio.create_subprocess_exec(
            browser, "--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}",
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--virtual-time-budget=10000",
            "--enable-logging=stderr", "--dump-dom", f"http://127.0.0.1:{port}/docs",
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        async with asyncio.timeout(60):
            dom, said = (part.decode() for part in await process.communicate())
    console = re.findall(r"CONSOLE.*", said)
    assert console == []
    shown = set(re.findall(r'data-path="([^"]+)"', dom))
    assert {"/api/notes", "/api/notes/{note_id}", "/api/feed", "/health/ready"} <= shown
