"""Secrets made from the server's key: nobody can make one up, and none has to be stored."""

import re
from uuid import UUID

import pytest

from sigdep.kernel.ids import CommandId
from sigdep.users.credentials.opaque import (
    INVITATION_PREFIX,
    Opaque,
    base62,
    derived_id,
    fingerprint,
    is_access_token,
)
from tests.users.people import ADA, BOB, INVITATION, OTHER_INVITATION, SESSION, TEAM, TOKEN

opaque = Opaque(b"k" * 32)
stranger = Opaque(b"s" * 32)


def altered(text: str, place: int) -> str:
    return text[:place] + ("A" if text[place] != "A" else "B") + text[place + 1 :]


def test_a_token_is_recognised_by_its_form_alone() -> None:
    token = opaque.access_token(ADA, TOKEN)
    assert re.fullmatch(r"sigdep_[0-9A-Za-z]{49}", token)
    assert is_access_token(token)


@pytest.mark.parametrize("place", range(7, 56, 4))
def test_a_mistyped_token_is_recognised_too(place: int) -> None:
    assert not is_access_token(altered(opaque.access_token(ADA, TOKEN), place))


@pytest.mark.parametrize("text", ["", "sigdep_", "sigdep_" + "é" * 49, "x" * 56, "sigdep_refresh_" + "0" * 41])
def test_another_text_is_no_token(text: str) -> None:
    assert not is_access_token(text)


def test_a_repeat_gives_the_same_token_and_everybody_else_another() -> None:
    token = opaque.access_token(ADA, TOKEN)
    assert token == opaque.access_token(ADA, TOKEN)
    assert token != opaque.access_token(BOB, TOKEN)
    assert token != stranger.access_token(ADA, TOKEN)
    assert fingerprint(token) != fingerprint(opaque.access_token(BOB, TOKEN))


def test_a_refresh_token_names_its_session_and_generation() -> None:
    assert opaque.read_refresh_token(opaque.refresh_token(SESSION, 7)) == (SESSION, 7)


def test_a_refresh_token_of_another_server_is_none_of_ours() -> None:
    assert opaque.read_refresh_token(stranger.refresh_token(SESSION, 7)) is None


def test_no_character_of_a_refresh_token_can_be_changed() -> None:
    token = opaque.refresh_token(SESSION, 1)
    assert all(opaque.read_refresh_token(altered(token, place)) is None for place in range(len(token)))


@pytest.mark.parametrize("text", ["", "sigdep_refresh_", "sigdep_refresh_" + "z" * 70, "ü" * 85, "0" * 85])
def test_another_text_is_no_refresh_token(text: str) -> None:
    assert opaque.read_refresh_token(text) is None


def test_an_invitation_token_names_its_workspace_and_invitation() -> None:
    token = opaque.invitation_token(TEAM, INVITATION)
    assert token.startswith(INVITATION_PREFIX)
    assert opaque.read_invitation_token(token) == (TEAM, INVITATION)
    assert token != opaque.invitation_token(TEAM, OTHER_INVITATION)
    assert stranger.read_invitation_token(token) is None
    assert all(opaque.read_invitation_token(altered(token, place)) is None for place in range(len(token)))


def test_tokens_of_one_kind_are_not_taken_for_another() -> None:
    assert opaque.read_invitation_token(opaque.refresh_token(SESSION, 1)) is None
    assert opaque.read_refresh_token(opaque.invitation_token(TEAM, INVITATION)) is None
    assert not is_access_token(opaque.refresh_token(SESSION, 1))


def test_the_id_of_an_address_says_nothing_without_the_key() -> None:
    assert opaque.email_id("ada@example.com") == opaque.email_id("ada@example.com")
    assert opaque.email_id("ada@example.com") != opaque.email_id("bob@example.com")
    assert opaque.email_id("ada@example.com") != stranger.email_id("ada@example.com")


def test_a_short_key_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Opaque(b"short")


def test_a_derived_id_is_a_version_7_uuid_with_the_clock_of_its_command() -> None:
    command = CommandId(UUID("019aab00-1234-7abc-8def-0123456789ab"))
    identity = derived_id(command, "user")
    assert (identity.version, identity.variant) == (7, "specified in RFC 4122")
    assert identity.bytes[:6] == command.bytes[:6]
    assert identity == derived_id(command, "user")
    assert identity != derived_id(command, "workspace")


def test_base62_keeps_its_width() -> None:
    assert base62(b"\x00", 3) == "000"
    assert base62(b"\xff", 3) == "047"
