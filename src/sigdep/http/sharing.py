"""What several gateways share, and that they may have to do without it for a while."""

from sigdep.kernel.errors import Unavailable


class SharedAway(Unavailable):
    """What gateways share cannot be reached just now. Whoever hears it goes by what this process knows alone."""
