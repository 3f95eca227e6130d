"""What Google says of its own push service, as JSON Schema: it judges what we send."""

from functools import cache
from importlib.resources import files
from typing import Any, Final

import msgspec
from jsonschema import Draft202012Validator

_WORDS: Final[tuple[str, ...]] = ("type", "enum", "description")


@cache
def fcm_requests() -> Draft202012Validator:
    """Of the body of `messages:send`. Objects are closed: a field that Google does not know is a fault."""
    document = files("googleapiclient.discovery_cache.documents").joinpath("fcm.v1.json").read_bytes()
    schemas = msgspec.json.decode(document)["schemas"]
    definitions = {name: _schema(schema) for name, schema in schemas.items()}
    return Draft202012Validator({"$ref": "#/$defs/SendMessageRequest", "$defs": definitions})


def _schema(found: dict[str, Any]) -> dict[str, Any]:
    """From Google's form, which is an old draft of JSON Schema with references of its own."""
    if "$ref" in found:
        return {"$ref": f"#/$defs/{found['$ref']}"}
    schema = {word: found[word] for word in _WORDS if word in found and found[word] != "any"}
    if found.get("type") == "array":
        schema["items"] = _schema(found["items"])
    if found.get("type") == "object":
        schema["properties"] = {name: _schema(part) for name, part in found.get("properties", {}).items()}
        others = found.get("additionalProperties")
        schema["additionalProperties"] = _schema(others) if others is not None else False
    return schema
