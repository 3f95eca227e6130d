"""Secrets: made once, private, and refused when others can read them."""

import stat
from pathlib import Path

import pytest

from sigdep.services.secret_files import KEY_BYTES, SecretsExposed, random_key, read_or_make


def test_a_secret_is_made_once_and_is_private(tmp_path: Path) -> None:
    path = tmp_path / "secrets" / "key"
    first = read_or_make(path, random_key)
    assert len(first) == KEY_BYTES
    assert read_or_make(path, random_key) == first
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert list(path.parent.iterdir()) == [path]


def test_of_two_that_make_it_at_once_the_first_wins(tmp_path: Path) -> None:
    path = tmp_path / "key"

    def slow() -> bytes:
        read_or_make(path, lambda: b"theirs")
        return b"ours"

    assert read_or_make(path, slow) == path.read_bytes() == b"theirs"
    assert list(tmp_path.iterdir()) == [path]


def test_a_secret_that_others_can_read_is_refused_with_the_way_to_mend_it(tmp_path: Path) -> None:
    path = tmp_path / "key"
    read_or_make(path, random_key)
    path.chmod(0o640)
    with pytest.raises(SecretsExposed, match=f"chmod 600 {path}"):
        read_or_make(path, random_key)
