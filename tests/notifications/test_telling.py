"""By which ways somebody is told, and that all of it is stored at once."""

from datetime import datetime, timedelta
from typing import Any

from msgspec.structs import replace

from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.kernel.ids import SubjectId
from sigdep.notifications.commands.oblivion import ForgetPerson, ForgetWorkspace
from sigdep.notifications.commands.people import ChangePreferences, PostDigest, RegisterDevice, RemoveDevice
from sigdep.notifications.domain.delivery import delivery_id
from sigdep.notifications.domain.devices import DEVICES, Devices
from sigdep.notifications.domain.notification import Notification
from sigdep.notifications.domain.preferences import PREFERENCES, Preferences
from sigdep.notifications.domain.telling import News, Told, digest_news, tell
from sigdep.notifications.events.deliveries import DeliveryRequested
from sigdep.notifications.events.inbox import NotificationPosted
from sigdep.notifications.events.people import Channel, DeviceId, DeviceRegistered, PreferencesChanged, QuietHours
from sigdep.notifications.queries.digest import FindDigestItems
from sigdep.notifications.queries.inbox import GetNotification
from sigdep.notifications.queries.people import GetPreferences, ListDevices
from sigdep.notifications.timers import Timers
from sigdep.services.verifying import verify_read_model
from tests.notifications.stories import ADA, BOB, EVE, HOME, KEY, LATER, NOON, TEAM, TOLD, identity, posted
from tests.notifications.world import World

PHONE, BROWSER = DeviceId(identity(61)), DeviceId(identity(62))
NEWS = News(
    workspace_id=TEAM,
    kind="task.assigned",
    title="Buy milk",
    key=KEY,
    occurred_at=NOON,
    thing=posted().thing,
    link=posted().link,
    by=ADA,
)
NIGHT = QuietHours(start="22:00", end="07:00")


def devices() -> Devices:
    ways: tuple[tuple[DeviceId, Channel], ...] = ((PHONE, "fcm"), (BROWSER, "web_push"))
    events = [
        DeviceRegistered(user_id=BOB, device_id=one, channel=channel, target={"token": "t"}, name=None, at=NOON)
        for one, channel in ways
    ]
    return DEVICES.fold(DEVICES.initial, events)


def preferences(**fields: Any) -> Preferences:
    changed = PreferencesChanged(user_id=BOB, workspace_id=HOME, at=NOON, **fields)
    return PREFERENCES.fold(PREFERENCES.initial, [changed])


def told(said: Preferences | None = None, now: datetime = NOON, news: News = NEWS) -> Told:
    return tell(news, BOB, said or Preferences(), devices(), now)


def test_the_same_news_is_the_same_notification_with_the_same_deliveries() -> None:
    first, later = told(), told(now=LATER)
    assert first.posted == posted()
    assert later.posted == replace(first.posted, at=LATER)
    assert [one.delivery_id for one in first.deliveries()] == [one.delivery_id for one in later.deliveries()]


def test_it_goes_out_by_the_ways_that_the_person_wants() -> None:
    assert [way[:2] for way in told().ways] == [("fcm", PHONE), ("web_push", BROWSER)]
    said = preferences(channels={"task.assigned": {"email": True, "fcm": False}})
    assert [way[:2] for way in told(said).ways] == [("email", BOB), ("web_push", BROWSER)]
    silent = preferences(channels={"task.assigned": {"web_push": False, "fcm": False}})
    assert told(silent).ways == ()


def test_quiet_hours_hold_back_what_goes_out_and_not_the_inbox() -> None:
    said = preferences(quiet_hours=NIGHT, time_zone="UTC")
    midnight = NOON + timedelta(hours=12)
    night = told(said, now=midnight)
    assert night.posted.at == midnight
    assert {way.not_before for way in night.ways} == {midnight + timedelta(hours=7)}
    assert {way.not_before for way in told(said).ways} == {None}
    urgent = preferences(quiet_hours=replace(NIGHT, urgent_passes=True), time_zone="UTC")
    assert {way.not_before for way in told(urgent, now=midnight, news=replace(NEWS, urgent=True)).ways} == {None}


async def test_what_is_posted_and_what_goes_out_is_stored_with_one_append(world: World) -> None:
    phone = await _register(world, "phone")
    await world.ask(_change(quiet_hours=NIGHT, time_zone="UTC"))
    world.now = NOON + timedelta(hours=12)
    await world.tell(BOB)
    events = [recorded for recorded in await world.events() if recorded.workspace == TEAM]
    assert [recorded.type for recorded in events] == ["NotificationPosted", "DeliveryRequested"]
    assert len({recorded.command_id for recorded in events}) == 1
    requested = events[1].event
    assert isinstance(requested, DeliveryRequested)
    assert requested.delivery_id == delivery_id(TOLD, "fcm", phone)
    assert requested.not_before == NOON + timedelta(hours=19)
    await world.tell(BOB)
    assert (await world.types()).count("DeliveryRequested") == 1


async def test_a_removed_device_is_told_nothing_more(world: World) -> None:
    phone = await _register(world, "phone")
    await world.ask(RemoveDevice(user_id=BOB, device_id=phone, gone=True, at=NOON), None)
    await world.tell(BOB)
    assert "DeliveryRequested" not in await world.types()
    await world.project()
    assert (await world.ask(ListDevices())).value.items == []


async def test_the_time_zone_is_that_of_the_profile_until_one_is_said(world: World) -> None:
    assert (await world.ask(GetPreferences())).value.time_zone == "Europe/Berlin"
    answer = await world.ask(_change(quiet_hours=NIGHT))
    assert (answer.value.time_zone, answer.version) == ("Europe/Berlin", 1)
    await world.project()
    assert (await world.ask(GetPreferences())).value == answer.value


async def test_a_digest_names_what_waits_and_says_how_much_more_there_is(world: World) -> None:
    digest = await _digested(world, 23)
    assert digest.title == "Unread: 23 tasks assigned to you"
    first, *others = digest.body.split("\n\n")
    assert first == f"Task assigned to you: Task 22\n{posted().link}"
    assert (len(others), others[-1]) == (20, "And 3 more.")
    assert (await world.ask(GetNotification(notification_id=digest.id))).value.body == digest.body


async def test_a_digest_holds_no_words_that_would_outlive_their_workspace(world: World) -> None:
    digest = await _digested(world, 2)
    (event,) = [
        one.event for one in await world.events() if isinstance(one.event, NotificationPosted) and one.event.items
    ]
    assert "Task" not in repr((event.body, event.items))
    asked = FindDigestItems(user_id=BOB, items=digest.items)
    assert [one.words for one in (await world.ask(asked, None)).value] == [
        "Task assigned to you: Task 1",
        "Task assigned to you: Task 0",
    ]
    assert (await world.ask(replace(asked, user_id=EVE), None)).value == ()
    home = {WorkspaceId(BOB): world.roles[BOB][WorkspaceId(BOB)]}
    world.roles[BOB] = home
    assert (await world.ask(GetNotification(notification_id=digest.id))).value.body == ""
    await world.keys.destroy(SubjectId(TEAM))
    await world.ask(ForgetWorkspace(workspace_id=TEAM, at=LATER), None)
    await world.project()
    assert (await world.ask(asked, None)).value == ()


async def test_a_digest_says_how_much_waits_once_a_day(world: World) -> None:
    await world.tell(BOB, key="1", title="One")
    await world.tell(BOB, key="2", title="Two")
    await world.ask(_change(digest_at="13:30", time_zone="UTC"))
    timers = Timers(world.write, world.read)
    await world.project()
    await timers.run_due(NOON + timedelta(minutes=89))
    assert len(await world.inbox()) == 2
    for _ in range(2):
        await timers.run_due(NOON + timedelta(minutes=90))
    await world.project()
    await timers.run_due(NOON + timedelta(hours=23))
    digest, *others = await world.inbox()
    assert (digest.kind, digest.title) == ("digest", "Unread: 2 tasks assigned to you")
    assert digest.workspace_id == BOB  # Their personal one has their id here.
    assert len(others) == 2
    await timers.run_due(NOON + timedelta(hours=25, minutes=30))
    assert [one.kind for one in await world.inbox()][:2] == ["digest", "digest"]


async def test_nothing_to_tell_is_no_digest(world: World) -> None:
    await world.ask(_change(digest_at="13:30", time_zone="UTC"))
    await world.project()
    await Timers(world.write, world.read).run_due(NOON + timedelta(hours=2))
    assert await world.types() == ["DigestPosted", "PreferencesChanged"]
    await world.project()
    await Timers(world.write, world.read).run_due(NOON + timedelta(hours=3))
    assert await world.types() == ["DigestPosted", "PreferencesChanged"]


async def test_a_digest_that_was_told_and_not_noted_is_told_once(world: World) -> None:
    """The process ended between the two."""
    await world.tell(BOB)
    await world.ask(_change(digest_at="13:30", time_zone="UTC"))
    await world.project()
    post = PostDigest(user_id=BOB, workspace_id=_home(BOB), on=NOON.date(), title="Unread: 1 mention", at=LATER)
    await world.write._tell_some(digest_news(post), [BOB], world.call(None))
    for _ in range(2):
        await world.ask(post, None)
    assert [one.kind for one in await world.inbox()].count("digest") == 1


async def test_an_erased_person_is_forgotten(world: World) -> None:
    await _register(world, "phone")
    await world.ask(_change(digest_at="07:30"))
    await world.project()
    await world.keys.destroy(SubjectId(BOB))
    for _ in range(2):
        await world.ask(ForgetPerson(user_id=BOB, at=LATER), None)
    await world.project()
    assert (await world.ask(ListDevices())).value.items == []
    assert (await world.ask(GetPreferences())).value.digest_at is None
    assert (await world.types()).count("PersonForgotten") == 1
    assert await verify_read_model(world.events_store, world.store, world.model) == []
    await world.tell(BOB)
    assert "DeliveryRequested" not in await world.types()


async def _register(world: World, token: str) -> Any:
    return (await world.ask(RegisterDevice(user_id=BOB, channel="fcm", target={"token": token}, at=NOON))).value.id


def _change(**fields: Any) -> ChangePreferences:
    return ChangePreferences(user_id=BOB, workspace_id=_home(BOB), at=NOON, **fields)


def _home(user: UserId) -> Any:
    return user


def test_a_choice_is_about_one_way_of_one_kind() -> None:
    said = preferences(channels={"task.assigned": {"fcm": False}})
    assert [way.channel for way in told(said, news=replace(NEWS, kind="task.mentioned")).ways] == ["fcm", "web_push"]


async def _digested(world: World, tasks: int) -> Notification:
    """The digest of so many."""
    for number in range(tasks):
        await world.tell(BOB, key=str(number), title=f"Task {number}", link=posted().link)
    await world.ask(_change(digest_at="13:30", time_zone="UTC"))
    await world.project()
    await Timers(world.write, world.read).run_due(NOON + timedelta(minutes=90))
    return (await world.inbox())[0]
