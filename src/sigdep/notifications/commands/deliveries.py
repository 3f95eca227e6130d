"""What is asked of deliveries, by nobody but the sender."""

from datetime import datetime

from sigdep.kernel.messages import Command
from sigdep.notifications.events.deliveries import DeliveryId, DeliverySuppression


class AttemptDelivery(Command):
    delivery_id: DeliveryId
    by: str
    incarnation: int
    leased_until: datetime
    at: datetime


class SucceedDelivery(Command):
    delivery_id: DeliveryId
    attempt: int
    reference: str
    at: datetime


class PostponeDelivery(Command):
    delivery_id: DeliveryId
    attempt: int
    why: str
    until: datetime
    at: datetime


class FailDelivery(Command):
    delivery_id: DeliveryId
    attempt: int
    why: str
    at: datetime
    target_is_gone: bool = False


class SuppressDelivery(Command):
    delivery_id: DeliveryId
    why: DeliverySuppression
    at: datetime


DeliveryCommand = AttemptDelivery | SucceedDelivery | PostponeDelivery | FailDelivery | SuppressDelivery
