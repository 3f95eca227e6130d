"""What whoever tells people asks of the owners of things: what one was, and when it reminds."""

from typing import Final

from sigdep.contracts.reminding import DueTasks, FindDueTasks, FindReminders, ThingReminders
from sigdep.contracts.things import FindThing, ThingThen
from sigdep.rpc.contract import ServiceContract

TASKS: Final = ServiceContract(name="tasks.write", messages=(FindThing,), values={FindThing: ThingThen})
CALENDAR: Final = ServiceContract(name="calendar.write", messages=(FindThing,), values={FindThing: ThingThen})

REMINDERS_OF_TASKS: Final = ServiceContract(
    name="tasks.read",
    messages=(FindReminders, FindDueTasks),
    values={FindReminders: ThingReminders, FindDueTasks: DueTasks},
)

REMINDERS_OF_APPOINTMENTS: Final = ServiceContract(
    name="calendar.read", messages=(FindReminders,), values={FindReminders: ThingReminders}
)
