"""Whether the service of this container is ready, for HEALTHCHECK: ends with 0 if it is, with 1 if not.

    python health.py [PATH]

PATH    what is asked by HTTP, instead of /health/ready: /health/live at a gateway, which is well while others are not

A role that wants certificates (SIGDEP_TLS_…) does not answer it: replace the check there.
"""

import os
import sys
from http.client import HTTPConnection, HTTPException
from typing import Any, Final

HOST: Final = "127.0.0.1"
ANSWER_SECONDS_MAX: Final = 4.0


def is_ready(path: str) -> bool:
    """A role behind the gateway says it by gRPC, the gateway and `sigdep up` by HTTP."""
    rpc_port = os.environ.get("SIGDEP_RPC_PORT")
    return _serves(rpc_port) if rpc_port else _answers(int(os.environ.get("SIGDEP_PORT", "8000")), path)


def _serves(port: str) -> bool:
    # Only here: the gateway's own check need not load gRPC.
    import grpc  # noqa: PLC0415
    from grpc_health.v1 import health_pb2, health_pb2_grpc  # noqa: PLC0415

    with grpc.insecure_channel(f"{HOST}:{port}") as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)
        try:
            said = stub.Check(health_pb2.HealthCheckRequest(service=""), timeout=ANSWER_SECONDS_MAX)
        except grpc.RpcError:
            return False
    return bool(said.status == health_pb2.HealthCheckResponse.SERVING)


def _answers(port: int, path: str) -> bool:
    connection = HTTPConnection(HOST, port, timeout=ANSWER_SECONDS_MAX)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(0 if is_ready(*(sys.argv[1:2] or ["/health/ready"])) else 1)
