"""What is sealed with one key is never sealed with the same nonce twice: whoever sees two of them can forge."""

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from sigdep.adapters.sealing import KEY_BYTES, AesGcmKey
from sigdep.kernel.errors import LogDamaged

NONCE_BYTES = 12


def _nonces(count: int) -> list[bytes]:
    key = AesGcmKey(bytes(KEY_BYTES))
    return [key.seal(b"content", b"context")[:NONCE_BYTES] for _ in range(count)]


def test_threads_get_nonces_of_their_own() -> None:
    with ThreadPoolExecutor(8) as pool:
        drawn = [nonce for some in pool.map(_nonces, [2_000] * 8) for nonce in some]
    assert len(set(drawn)) == len(drawn) == 16_000


def test_a_forked_process_draws_none_that_its_parent_draws() -> None:
    _nonces(1)  # So that some are waiting to be used.
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, b"".join(_nonces(100)))
        os._exit(0)
    os.waitpid(child, 0)
    theirs = os.read(reading, 100 * NONCE_BYTES)
    os.close(reading)
    os.close(writing)
    drawn = {theirs[first : first + NONCE_BYTES] for first in range(0, len(theirs), NONCE_BYTES)}
    assert len(drawn) == 100
    assert drawn.isdisjoint(_nonces(1_000))


def test_what_was_sealed_opens_in_its_context_only() -> None:
    key = AesGcmKey(bytes(KEY_BYTES))
    sealed = key.seal(b"content", b"context")
    assert key.unseal(sealed, b"context") == b"content"
    with pytest.raises(LogDamaged):
        key.unseal(sealed, b"another")
