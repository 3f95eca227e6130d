"""SigDep: tasks, calendar and reminders as one stream of events that its owner keeps."""

import os

# gRPC would meddle with every child process of ours before it becomes another program, and crash it now and then. It
# looks at this when it is loaded, so nothing of ours is loaded before.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "false")
