"""Commands to what a person wants to be told, and where: in the partition of their id."""

from msgspec.structs import replace

from sigdep.contracts.ids import UserId
from sigdep.kernel.messages import UNSET
from sigdep.notifications.commands.people import ChangePreferences, DevicesCommand, PreferencesCommand
from sigdep.notifications.domain import devices, preferences
from sigdep.notifications.writing.attempt import Attempt


async def change_preferences(attempt: Attempt, command: PreferencesCommand) -> UserId:
    kept, user = attempt.around.preferences, command.user_id
    state = await attempt.unit.load(kept, user)
    attempt.match(kept, user, state.version)
    if isinstance(command, ChangePreferences) and not state.zoned and command.time_zone is UNSET:
        # Times on the wall need a wall: that of the profile, as it was when the person first said anything.
        command = replace(command, time_zone=attempt.call.caller.time_zone)
    attempt.record(kept, user, preferences.decide(command, state))
    return user


async def change_devices(attempt: Attempt, command: DevicesCommand) -> UserId:
    kept, user = attempt.around.devices, command.user_id
    state = await attempt.unit.load(kept, user)
    attempt.record(kept, user, devices.decide(command, state))
    return user
