"""POST, PATCH and DELETE below `/api/labels`."""

from collections.abc import Sequence
from typing import Any

from sigdep.contracts.ids import LabelId
from sigdep.http.routes import Route
from sigdep.kernel.errors import Refused
from sigdep.rpc.call import Answer, Call, Service
from sigdep.tasks.commands.labels import CreateLabel, EditLabel, RestoreLabel, TrashLabel
from sigdep.tasks.domain.label import Label
from sigdep.tasks.write_api import bodies
from sigdep.tasks.write_api.bodies import given, given_for_new
from sigdep.tasks.write_api.tasks import chosen_workspace


class LabelWrites:
    """Handlers: from bodies to commands."""

    def __init__(self, service: Service) -> None:
        self.service = service

    async def create(self, call: Call, body: bodies.NewLabel, query: bodies.Where) -> Answer[Label]:
        """A request with an `id` of your own may be repeated: the second answers 200 and changes nothing."""
        fields = given_for_new(body) | {"workspace_id": chosen_workspace(body.workspace_id, query)}
        command = CreateLabel(label_id=body.id, by=call.caller.user_id, at=call.asked_at, **fields)
        return await self.service.ask(command, call)

    async def edit(self, call: Call, label_id: LabelId, body: bodies.LabelEdits) -> Answer[Label]:
        """Fields that are not named stay as they are. Tasks that have the label have it under its new name."""
        command = EditLabel(label_id=label_id, by=call.caller.user_id, at=call.asked_at, **given(body))
        return await self.service.ask(command, call)

    async def trash(self, call: Call, label_id: LabelId) -> Answer[Label]:
        """It can no longer be given to tasks, and its name is free. Tasks that have it keep it."""
        return await self.service.ask(TrashLabel(label_id=label_id, by=call.caller.user_id, at=call.asked_at), call)

    async def restore(self, call: Call, label_id: LabelId) -> Answer[Label]:
        """Refused (409) where another label has taken its name meanwhile."""
        return await self.service.ask(RestoreLabel(label_id=label_id, by=call.caller.user_id, at=call.asked_at), call)


def label_write_routes(service: Service) -> Sequence[Route]:
    handlers = LabelWrites(service)
    one = "/api/labels/{label_id}"
    return (
        _route("POST", "/api/labels", handlers.create, "Create a label."),
        _route("PATCH", one, handlers.edit, "Change the fields that are named."),
        _route("DELETE", one, handlers.trash, "Put a label into the trash."),
        _route("POST", f"{one}/restore", handlers.restore, "Bring a label back from the trash."),
    )


def _route(method: Any, path: str, handle: Any, summary: str) -> Route:
    return Route(
        method=method, path=path, handle=handle, summary=summary, tag="labels", scope="tasks:write", errors=(Refused,)
    )
