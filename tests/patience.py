"""How long a test waits for what is promised within a time, on a machine that does other things as well."""

import os
from typing import Final

TIMES: Final = 1.0 if os.environ.get("SIGDEP_STRICT") == "1" else 4.0


def patience(promised_seconds: float) -> float:
    """The promised time, several times over: a busy machine fails no test. `SIGDEP_STRICT=1` holds us to our word."""
    return promised_seconds * TIMES
