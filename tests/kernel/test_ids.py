"""What is part of every stored position must never change."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis.strategies import uuids
from msgspec import ValidationError
from uuid_utils.compat import uuid7

from sigdep.kernel.ids import PARTITIONS, WorkspaceId, category_of, partition_of, stream_id, text_of, uuid_of


@pytest.mark.parametrize(
    "workspace, partition",
    [
        ("018f6b1e-5a3c-7d10-8a4e-3b1f0c9d2e00", 0),
        ("018f6b1e-5a3c-7d10-8a4e-3b1f0c9d2e3f", 63),
        ("018f6b1e-5a3c-7d10-8a4e-3b1f0c9d2e40", 0),
        ("018f6b1e-5a3c-7d10-8a4e-3b1f0c9d2ea7", 39),
        ("ffffffff-ffff-ffff-ffff-ffffffffff01", 1),
    ],
)
def test_a_workspace_has_the_partition_that_it_has_always_had(workspace: str, partition: int) -> None:
    assert partition_of(WorkspaceId(UUID(workspace))) == partition


def test_workspaces_spread_over_all_partitions() -> None:
    partitions = [partition_of(WorkspaceId(uuid7())) for _ in range(64 * 100)]
    assert set(partitions) == set(range(PARTITIONS))
    assert max(partitions.count(one) for one in set(partitions)) < 200


def test_a_stream_is_named_after_its_category_and_identity() -> None:
    identity = UUID("018f6b1e-5a3c-7d10-8a4e-3b1f0c9d2e00")
    assert stream_id("task", identity) == "task-018f6b1e-5a3c-7d10-8a4e-3b1f0c9d2e00"
    assert category_of(stream_id("task", identity)) == "task"


@given(uuids())
def test_the_quick_ways_to_and_from_an_id_are_those_of_the_standard_library(identity: UUID) -> None:
    made = uuid_of(identity.bytes)
    assert (made, hash(made), type(made), str(made)) == (identity, hash(identity), UUID, str(identity))
    assert text_of(identity) == str(identity)


def test_sixteen_octets_are_an_id_and_others_are_not() -> None:
    with pytest.raises(ValidationError):
        uuid_of(bytes(15))
