"""`sigdep` as the next release may be: it keeps the rows of tasks in other tables than this one can read."""

import sys
from collections.abc import Iterable

from sigdep.adapters.postgres import read_store
from sigdep.adapters.sql import shapes
from sigdep.cli import main
from sigdep.kernel.read_store import Table


def shape_of(tables: Iterable[Table]) -> str:
    return f"newer {shapes.shape_of(tables)}"


if __name__ == "__main__":
    setattr(read_store, "shape_of", shape_of)  # noqa: B010  It is nobody else's to set.
    sys.exit(main(sys.argv[1:]))
