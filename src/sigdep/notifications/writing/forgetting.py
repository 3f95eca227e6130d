"""Commands to forget: those who have left a workspace, and whatever was erased."""

from sigdep.kernel.unit_of_work import UnitOfWork
from sigdep.notifications.commands.oblivion import ForgetMember, ForgetPerson, ForgetWorkspace
from sigdep.notifications.domain.oblivion import decide_person, decide_workspace
from sigdep.notifications.writing.attempt import Surroundings
from sigdep.writing.erased import KEPT


async def forget(
    around: Surroundings, unit: UnitOfWork, command: ForgetWorkspace | ForgetMember | ForgetPerson
) -> None:
    """Record it, and let go of what is remembered here."""
    if isinstance(command, ForgetPerson):
        user = command.user_id
        unit.record(around.people, user, KEPT, decide_person(command, await unit.load(around.people, user)))
        around.preferences.forget(around.preferences.decider.stream(user))
        around.devices.forget(around.devices.decider.stream(user))
        return
    workspace_id = command.workspace_id
    workspace = await unit.load(around.workspaces, workspace_id)
    unit.record(around.workspaces, workspace_id, KEPT, decide_workspace(command, workspace))
    if isinstance(command, ForgetWorkspace):
        around.notifications.forget_where(lambda state: state.workspace_id == workspace_id)
        around.deliveries.forget_where(lambda state: state.workspace_id == workspace_id)
        around.webhooks.forget_where(lambda state: state.workspace_id == workspace_id)
        around.webhook_lists.forget(around.webhook_lists.decider.stream(workspace_id))
        around.webhook_records.forget(around.webhook_records.decider.stream(workspace_id))
        around.webhook_deliveries.forget_where(lambda state: state.workspace_id == workspace_id)
