"""What a thing was: the one question that whoever tells people asks of `tasks.write` and `calendar.write`."""

from typing import Final

from sigdep.contracts.things import FindThing, ThingThen
from sigdep.rpc.contract import ServiceContract

TASKS: Final = ServiceContract(name="tasks.write", messages=(FindThing,), values={FindThing: ThingThen})
CALENDAR: Final = ServiceContract(name="calendar.write", messages=(FindThing,), values={FindThing: ThingThen})
