"""The documentation works without any other host, from files that are what their makers published."""

import re
from collections.abc import AsyncIterator

import httpx
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from sigdep.gateway.application import create_application
from sigdep.gateway.asset_files import integrity, read_own, read_vendored, vendored
from sigdep.gateway.feed_endpoint import FeedParameters
from tests.gateway.test_feed import EmptyFeed
from tests.http.demo import SETTINGS, Notes, People, client_of


@pytest.fixture
async def visitor() -> AsyncIterator[httpx.AsyncClient]:
    application = create_application(Notes().routes(), identities=People(), settings=SETTINGS, feed=EmptyFeed())
    async with client_of(application, token=None) as client:
        yield client


def test_every_vendored_file_is_as_it_was_published() -> None:
    lock = vendored()
    assert (lock.package, lock.license) == ("swagger-ui-dist", "Apache-2.0")
    assert {name: integrity(read_vendored(name)) for name in lock.files} == lock.files
    assert {"LICENSE", "NOTICE", "swagger-ui-bundle.js", "swagger-ui.css"} <= set(lock.files)


async def test_the_page_and_all_that_it_loads_come_from_us(visitor: httpx.AsyncClient) -> None:
    page = await visitor.get("/docs")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    loaded = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(loaded) > 4
    for path in loaded:
        assert path.startswith("/")
        answer = await visitor.get(path)
        assert (answer.status_code, len(answer.content) > 20) == (200, True), path
    assert not re.search(r"<script>|<style>|style=|onload=", page.text)


@pytest.mark.parametrize("name", ["docs.html", "docs.js", "docs.css"])
def test_our_own_files_name_no_other_host(name: str) -> None:
    assert b"//" not in read_own(name).replace(b"// ", b"")


async def test_what_the_browser_has_is_not_sent_again(visitor: httpx.AsyncClient) -> None:
    first = await visitor.get("/docs/swagger-ui-bundle.js")
    again = await visitor.get("/docs/swagger-ui-bundle.js", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_the_document_is_valid_and_names_every_endpoint_of_the_gateway(visitor: httpx.AsyncClient) -> None:
    document = (await visitor.get("/openapi.json")).json()
    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []
    assert {"/api/notes", "/api/feed", "/health/ready", "/openapi.json", "/docs", "/"} <= set(document["paths"])
    operations = [operation["operationId"] for place in document["paths"].values() for operation in place.values()]
    assert len(operations) == len(set(operations))


async def test_the_feed_is_described_in_both_forms(visitor: httpx.AsyncClient) -> None:
    operation = (await visitor.get("/openapi.json")).json()["paths"]["/api/feed"]["get"]
    names = {parameter["name"] for parameter in operation["parameters"]}
    assert names == {"Last-Event-ID", *FeedParameters.__struct_encode_fields__}
    assert set(operation["responses"]["200"]["content"]) == {"application/json", "text/event-stream"}
