"""Opens what processes share by a Redis of the tests, and closes it again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

from sigdep.adapters.redis.aid import RedisAid
from sigdep.adapters.redis.news import RedisNews

PATIENT_SECONDS: Final = 10.0
"""For an answer, where a test is not about the bound."""

BACK_SECONDS_MAX: Final = 30.0


class Opening:
    def __init__(self, url: str, stack: AsyncExitStack) -> None:
        self.url = url
        self.stack = stack

    def aid(self, answer_seconds: float = PATIENT_SECONDS, url: str | None = None) -> RedisAid:
        aid = RedisAid(url or self.url, "test", answer_seconds=answer_seconds)
        self.stack.push_async_callback(aid.close)
        return aid

    def news(self) -> RedisNews:
        news = RedisNews(self.url)
        self.stack.push_async_callback(news.close)
        return news

    async def run(self, news: RedisNews) -> None:
        """Return once it listens."""
        heard = asyncio.Event()
        news.listen(f"test:{id(news)}", lambda _: heard.set())
        job = asyncio.create_task(news.run())
        self.stack.push_async_callback(ended, job)
        probe = self.aid()
        async with asyncio.timeout(BACK_SECONDS_MAX):
            while not heard.is_set():
                await probe.ask(lambda redis: redis.publish(f"test:{id(news)}", "here"))
                await asyncio.sleep(0.01)


async def ended(job: asyncio.Task[None]) -> None:
    job.cancel()
    await asyncio.gather(job, return_exceptions=True)


async def until_back(aid: RedisAid) -> None:
    async with asyncio.timeout(BACK_SECONDS_MAX):
        while aid.is_away:
            await asyncio.sleep(0.01)


@asynccontextmanager
async def opening_of(url: str) -> AsyncIterator[Opening]:
    async with AsyncExitStack() as stack:
        yield Opening(url, stack)
