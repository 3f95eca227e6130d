"""The document says what the routes do, all of it, in valid OpenAPI 3.1."""

from typing import Any

import msgspec
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from sigdep.gateway.application import typed_endpoints
from sigdep.http.openapi import openapi_document
from sigdep.http.problems import KINDS
from sigdep.kernel.errors import SigdepError
from tests.http.demo import Notes


@pytest.fixture
def document() -> Any:
    made = openapi_document(typed_endpoints(Notes().routes(), b"key"), version="1.2.3")
    return msgspec.json.decode(msgspec.json.encode(made))


def test_it_is_valid_openapi_3_1(document: Any) -> None:
    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []
    assert document["info"]["version"] == "1.2.3"


def test_every_route_is_there_by_the_name_of_its_handler(document: Any) -> None:
    found = {
        (method.upper(), path): operation["operationId"]
        for path, place in document["paths"].items()
        for method, operation in place.items()
    }
    assert found == {(route.method, route.path): route.handle.__name__ for route in Notes().routes()}


def test_a_write_names_its_body_its_parameters_and_every_answer(document: Any) -> None:
    operation = document["paths"]["/api/notes/{note_id}"]["patch"]
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    assert schema == {"$ref": "#/components/schemas/ChangeNoteBody"}
    assert [p.get("name") or p["$ref"].rsplit("/")[-1] for p in operation["parameters"]] == [
        "note_id", "dry_run", "IdempotencyKey", "IfMatch",
    ]  # fmt: skip
    assert list(operation["responses"]) == [
        "200", "400", "401", "403", "404", "408", "409", "412", "413", "415", "422", "429", "503",
    ]  # fmt: skip
    assert operation["security"] == [{"bearer": ["notes:write"]}]


def test_a_list_names_its_filters_and_how_several_are_written(document: Any) -> None:
    parameters = {p["name"]: p for p in document["paths"]["/api/notes"]["get"]["parameters"] if "name" in p}
    assert parameters["status"]["explode"] is False
    assert parameters["limit"]["schema"]["maximum"] == 200
    answer = document["paths"]["/api/notes"]["get"]["responses"]["200"]
    assert answer["content"]["application/json"]["schema"]["$ref"].endswith("/Listing_Note_")


def test_a_body_is_optional_only_where_nothing_in_it_is_required(document: Any) -> None:
    assert document["paths"]["/api/notes"]["post"]["requestBody"]["required"] is True
    assert document["paths"]["/api/notes/{note_id}/complete"]["post"]["requestBody"]["required"] is False
    assert "requestBody" not in document["paths"]["/api/notes/{note_id}"]["delete"]


def test_requests_say_which_texts_and_numbers_are_refused(document: Any) -> None:
    line = document["components"]["schemas"]["Line"]["properties"]
    assert line["amount"]["maximum"] == 2**63 - 1
    assert "u0000" in line["text"]["pattern"]
    assert "pattern" not in document["components"]["schemas"]["Note"]["properties"]["title"]


def test_descriptions_come_from_the_code(document: Any) -> None:
    body = document["components"]["schemas"]["CreateNoteBody"]["properties"]
    assert body["dry_run"]["description"] == "Answer what would happen, and store nothing."
    listing = document["components"]["schemas"]["Listing_Note_"]["properties"]
    assert listing["next_cursor"]["description"].startswith("For `?cursor=`")
    assert document["paths"]["/api/notes"]["post"]["description"] == "Makes a note."


def test_every_kind_of_problem_that_a_client_can_meet_is_described(document: Any) -> None:
    described = " ".join(response["description"] for response in document["components"]["responses"].values())
    assert all(kind.type in described for kind in KINDS if issubclass(kind.error, SigdepError))
