"""What the README and the tutorial tell people to paste does what they say."""

import json
import re
import subprocess
from pathlib import Path

from sigdep.testing.running_server import RunningServer, running_server

ROOT = Path(__file__).parents[2]
PASTED_SECONDS_MAX = 120


def test_the_tour_of_the_readme_works_when_pasted() -> None:
    with running_server() as server:
        said = _paste(server, "README.md", "set -euo pipefail", fail_on_refusal=True)
    created, *_, inbox, reminder, history, feed = [json.loads(part) for part in _json_parts(said)]
    assert created["name"] == "Ada"
    assert [entry["event"] for entry in history["items"]] == ["TaskCompleted", "TaskEdited", "TaskCreated"]
    assert [(one["kind"], one["title"]) for one in inbox["items"]] == [("reminder", "Call Grace")]
    assert (reminder["state"], reminder["notification_id"]) == ("fired", inbox["items"][0]["id"])
    assert [step["what"] for step in reminder["steps"]] == ["scheduled", "fired"]
    told = [item["event"]["type"].removeprefix("sigdep.") for item in feed["items"]]
    # In the order of each log; between two of them there is none.
    assert [name.removeprefix("tasks.") for name in told if name.startswith("tasks.")] == [
        "TaskCreated",
        "TaskEdited",
        "TaskCompleted",
        "TaskCreated",
        "TaskCompleted",
        "TaskRepeated",
        "TaskCreated",
    ]
    assert "calendar.AppointmentScheduled" in told


def test_the_first_hour_of_the_tutorial_works_when_pasted() -> None:
    with running_server() as server:
        said = _paste(server, "docs/tutorial/first-hour.md", "set -uo pipefail", fail_on_refusal=False)
    assert '"priority": "high"' in said
    assert '"due_on": "2030-01-15"' in said
    assert "412 Precondition Failed" in said
    assert 'Did you mean \\"priority\\"' in said
    assert '"field": "priority"' in said
    assert '"priority": "none"' in said  # As it was at first: that is in no other answer.
    assert said.rstrip().endswith("Write the talk")


def _paste(server: RunningServer, document: str, first_line: str, *, fail_on_refusal: bool) -> str:
    blocks = re.findall(r"^```sh\n(.*?)^```", (ROOT / document).read_text(), re.MULTILINE | re.DOTALL)
    script = "\n".join(block for block in blocks if "curl" in block or "api=" in block)
    script = script.replace("http://127.0.0.1:8000", server.url)
    if fail_on_refusal:
        script = script.replace("curl -s ", "curl -sf ")
    pasted = subprocess.run(
        ["bash", "-c", f"{first_line}\n{script}"], capture_output=True, text=True, timeout=PASTED_SECONDS_MAX
    )
    assert pasted.returncode == 0, pasted.stdout + pasted.stderr
    return pasted.stdout


def _json_parts(text: str) -> list[str]:
    """Answers of curl stand one behind the other, without a line break between them."""
    decoder, place, parts = json.JSONDecoder(), 0, []
    while place < len(text):
        _, end = decoder.raw_decode(text, place)
        parts.append(text[place:end])
        place = len(text) - len(text[end:].lstrip())
    return parts
