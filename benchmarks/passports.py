"""What it costs that every call says who asks, and that this is signed: python -m benchmarks.passports

The extra is what signing adds to a call on both sides: to be below EXTRA_TARGET_MICROSECONDS where a person asks again.
"""

import timeit
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from time import time
from typing import Final

from msgspec.structs import replace
from uuid_utils.compat import uuid7

from benchmarks.figures import Figure, keep_figures, print_figures
from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.kernel.ids import CommandId
from sigdep.rpc.call import Call, Principal
from sigdep.rpc.envelopes import Questions
from sigdep.rpc.passports import Gate, Passports, Signer
from sigdep.tasks.commands.tasks import CompleteTask
from sigdep.tasks.contract import WRITE

MEMBERSHIPS: Final = (1, 10)
CALLS: Final = 2_000
ROUNDS: Final = 15
EXTRA_TARGET_MICROSECONDS: Final = 5.0


def main() -> None:
    figures = [figure for number in MEMBERSHIPS for figure in _measure(number)]
    print_figures("passports", figures)
    keep_figures("passports", figures)


def _measure(memberships: int) -> Sequence[Figure]:
    passports = Passports(b"k" * 32, issuer="gateway", now=time)
    workspaces = [WorkspaceId(uuid7()) for _ in range(memberships)]
    who = Principal(
        user_id=UserId(uuid7()), personal_workspace_id=workspaces[0], roles=dict.fromkeys(workspaces, "member")
    )
    at = datetime.now(UTC)
    message = CompleteTask(task_id=uuid7(), by=who.user_id, at=at)  # type: ignore[arg-type]
    call = Call(asked_at=at, command_id=CommandId(uuid7()), principal=who)
    questions, sign, gate = Questions(WRITE), passports.signer(WRITE.name), passports.gate(WRITE.name)

    def plain() -> None:
        _received(questions, questions.pack(message, call).SerializeToString())

    def signed() -> None:
        shown = replace(call, principal=None, passport=sign(call.principal))
        gate.admit(_received(questions, questions.pack(message, shown).SerializeToString()))

    def first() -> None:
        _first(passports.signer(WRITE.name), passports.gate(WRITE.name), who)

    def again() -> None:
        gate.check(sign(who))

    title = f"{memberships} workspace" + "s" * (memberships > 1)
    before, after = _microseconds(plain), _microseconds(signed)
    return (
        Figure(name=f"{title}: a call there, signed", value=after, unit="µs", against="unsigned", other=before),
        Figure(
            name=f"{title}: extra",
            value=after - before,
            unit="µs",
            against="target",
            other=EXTRA_TARGET_MICROSECONDS,
        ),
        Figure(name=f"{title}: sign and check again", value=_microseconds(again), unit="µs"),
        Figure(name=f"{title}: sign and check for the first time", value=_microseconds(first), unit="µs"),
    )


def _received(questions: Questions, octets: bytes) -> Call:
    return questions.open_item(questions.Item.FromString(octets))[1]


def _first(sign: Signer, gate: Gate, who: Principal) -> None:
    gate.check(sign(who))


def _microseconds(work: Callable[[], object]) -> float:
    """The best of several rounds: others are at work on this machine too."""
    return min(timeit.repeat(work, number=CALLS, repeat=ROUNDS)) / CALLS * 1e6


if __name__ == "__main__":
    main()
