"""Apache Kafka for a cluster on one machine: one server, which is its own controller."""

import os
import shutil
import sys
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import Final
from uuid import uuid4

from sigdep.services.distributed.engines.broker import BrokerEngine
from sigdep.services.distributed.engines.processes import HOST, EngineMissing, free_port

JAVA_OPTIONS: Final = ("-Xms64m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dlog4j2.level=WARN")
"""Little memory, and a quick start rather than the quickest code: the services start beside it, on the same machine."""

PROPERTIES: Final = """
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{controller_port}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller_port}
advertised.listeners=PLAINTEXT://{host}:{port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={folder}/log
auto.create.topics.enable=false
num.network.threads=2
# After a kill it may take its own place again only when its former life counts as over.
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=2000
# For compaction, which we have no use for: it takes 128 MiB otherwise.
log.cleaner.dedupe.buffer.size=2097152
"""

START: Final = """
set -e
pid_file=$1; folder=$2; cluster=$3; properties=$4; shift 4
echo $$ > "$pid_file"
printf '%s' "$properties" > "$folder/server.properties"
test -e "$folder/log/meta.properties" ||
    "$@" kafka.tools.StorageTool format --cluster-id "$cluster" --config "$folder/server.properties"
exec "$@" kafka.Kafka "$folder/server.properties"
"""
"""Kafka writes no file of its process id, and wants an empty folder to be formatted: by another program."""


def kafka_engine(folder: Path, pid_file: Path, port: int) -> BrokerEngine:
    java = shutil.which("java")
    if java is None:
        raise EngineMissing("Kafka needs Java 17 or newer. On Debian: apt-get install default-jre-headless.")
    properties = PROPERTIES.format(host=HOST, port=port, controller_port=free_port(), folder=folder)
    cluster = urlsafe_b64encode(uuid4().bytes).decode().rstrip("=")
    arguments = (str(pid_file), str(folder), cluster, properties, java, *JAVA_OPTIONS, "-cp", f"{_programs()}/*")
    return BrokerEngine(
        name="kafka",
        program="java",
        url=f"kafka://{HOST}:{port}",
        command=("/bin/sh", "-c", START, "kafka", *arguments),
        folder=folder,
        pid_file=pid_file,
    )


def _programs() -> Path:
    """Of an installation that the environment names, or what `make kafka` has fetched."""
    home = os.environ.get("KAFKA_HOME")
    programs = Path(home) / "libs" if home else Path(sys.prefix) / "share" / "kafka"
    if not any(programs.glob("kafka_*.jar")):
        raise EngineMissing(
            "Kafka is not on this machine. Unpack Apache Kafka 4 and set KAFKA_HOME to its folder; in a source tree, "
            "make kafka fetches it with Maven."
        )
    return programs
