"""The data folder: one server at a time."""

import subprocess
import sys
from pathlib import Path

import pytest

from sigdep.services.data_folder import DataFolder, DataInUse

HOLD = """
import sys, pathlib
from sigdep.services.data_folder import DataFolder
with DataFolder(pathlib.Path(sys.argv[1])).hold():
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_process_is_refused_with_a_sentence_until_the_first_dies(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "data")
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, folder.path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(DataInUse, match=rf"\(process {holder.pid}\) is using .*--data-dir"), folder.hold():
            pass
        holder.kill()
        holder.wait()
        with folder.hold():
            pass
