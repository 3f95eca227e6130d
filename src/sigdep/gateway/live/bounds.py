"""What one client, and all of them together, may take of a gateway."""

from typing import Final

PATH: Final = "/api/live"
SCOPE: Final = "feed:read"

CONNECTIONS_MAX: Final = 8_000
"""Of all users, in one gateway."""

USER_CONNECTIONS_MAX: Final = 50
SUBSCRIPTIONS_MAX: Final = 50
"""Workspaces that one connection hears."""

MESSAGE_BYTES_MAX: Final = 16_384
"""Of one message from a client."""

REFUSALS_MAX: Final = 50
"""Messages of one connection that are refused, before it is closed."""

MESSAGES_PER_SECOND: Final = 10.0
MESSAGES_BURST: Final = 200
"""A client that has heard fifty workspaces comes back with fifty messages at once."""

WRITE_BYTES_MAX: Final = 16_384
"""Of one connection, in the memory of this process and on no other's account."""

SEND_BUFFER_BYTES: Final = 65_536
"""Of one connection, in the kernel, which takes twice as much. Its own choice goes to megabytes: a slow reader would
be noticed late, and would hear that it has been dropped even later."""

QUEUE_BYTES_MAX: Final = 524_288
"""What may wait for one reader. The frames in it are shared by all readers."""

RECENT_BYTES_MAX: Final = 262_144
RECENT_EVENTS_MAX: Final = 1_000
"""What a workspace keeps at hand for those who come back after a moment. Less than a queue takes."""

BATCH_EVENTS_MAX: Final = 50
"""Read and written at once."""

AUDIENCE_PART: Final = 100
"""So many readers are written to before others in this process have their turn."""

REST_SECONDS_MAX: Final = 0.05
"""After an event has been told, as long as telling it took and no longer than this, what comes is gathered. A write to
each of a thousand readers has its price, whatever is in it; and commands in this process have their turn."""

CATCH_UPS_MAX: Final = 8
"""Readers for whom a log is read at once. The others wait for their turn."""

LOOK_SECONDS: Final = 0.3
"""How often each credential is looked at. What we are told may be half a second old: together less than a second."""

LOOKS_AT_ONCE: Final = 32
LOOK_PATIENCE_SECONDS: Final = 0.05
"""So long the next ones wait for those. A look that takes longer goes on beside them, one for each connection."""

PING_SECONDS: Final = 20.0
PONG_SECONDS: Final = 20.0
"""A peer that does not answer a ping for so long is dead."""

HEARTBEAT_SECONDS: Final = 15.0
"""After so long without an event a subscription says how far it is: a page in a browser sees no pings."""

PRESENCE_SECONDS: Final = 1.0
"""Who is here is told at most so often, however many come and go."""

PRESENCE_LOOK_SECONDS: Final = 5.0
"""After so long without a change it is asked again who is here: those at a gateway that was killed go silently."""

POLL_SECONDS: Final = 5.0
"""After so long without being woken a workspace is read nevertheless: being woken is a hint, the log is the truth."""

RETRY_SECONDS: Final = 1.0
"""After which a workspace that could not be read is tried again."""

LINGER_SECONDS: Final = 20.0
"""How long a connection that was closed may take to hear of it. A slow reader has much to read before."""

STOP_SECONDS: Final = 1.0
"""The same, when the server ends."""
