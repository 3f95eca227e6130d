"""What the health of a process says of a read model."""

from sigdep.gateway.health import Remark
from sigdep.services.observing.read_models import Projecting


def said_of_views(projector: Projecting) -> str | None:
    """What is wrong with it, or a Remark while it is made anew. None: neither."""
    if not projector.is_fit:
        return f"It is {projector.state}."
    progress = projector.rebuilding
    return None if progress is None else Remark(f"The former one answers, and a new one is made: {progress}.")
