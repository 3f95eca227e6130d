"""A receiver of webhooks that believes what the reference library of Standard Webhooks has verified."""

from typing import Any, Final

import msgspec
from aiohttp import web
from standardwebhooks import Webhook, WebhookVerificationError

from sigdep.testing.http_sink import HttpSink

TAKEN: Final = 204
NOT_BELIEVED: Final = 401


class WebhookSink(HttpSink):
    """Its `secret` is the one that it verifies with."""

    secret: str = "whsec_" + "c2VjcmV0LW9mLXRoaXMtd2ViaG9vay1zaW5r"

    async def take(self, request: web.Request, body: bytes) -> web.Response:
        try:
            told: Any = Webhook(self.secret).verify(
                body, {name.lower(): text for name, text in request.headers.items()}
            )
        except WebhookVerificationError as error:
            self.records.faults.append(f"It is not signed by the secret: {error}.")
            return web.Response(status=NOT_BELIEVED)
        told = told if isinstance(told, dict) else msgspec.json.decode(body)
        shown = told.get("data", {})
        title, text = str(shown.get("title", "")), str(shown.get("body", ""))
        self.records.take(request.headers["webhook-id"], title, text, raw=(dict(request.headers), body))
        return web.Response(status=TAKEN)
