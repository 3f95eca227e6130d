"""What the types of Kubernetes' API are made of, as its own client library for Go has them: helm is built of it."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final

import yaml  # type: ignore[import-untyped]  # As in documents.py.

from tests.deploy.documents import go_folder, missing

SOURCE: Final = "client-go@*/applyconfigurations/internal/internal.go"

_SCALARS: Final[Mapping[str, tuple[type, ...]]] = {
    "string": (str,),
    "numeric": (int,),
    "boolean": (bool,),
    "untyped": (str, int, bool),  # A quantity, or a port by its name or number.
}

Types = Mapping[str, Mapping[str, Any]]


def faults(document: Mapping[str, Any]) -> list[str]:
    """Every place of a manifest whose name or kind of value Kubernetes does not know."""
    group, _, version = document["apiVersion"].rpartition("/")
    name = f"io.k8s.api.{group.split('.')[0] or 'core'}.{version}.{document['kind']}"
    types = known_types()
    assert name in types, f"Kubernetes has no {name}."
    return list(_faults(document["kind"], document, {"namedType": name}, types))


@cache
def known_types() -> Types:
    found = sorted((go_folder() / "pkg" / "mod" / "k8s.io").glob(SOURCE))
    if not found:
        missing("what knows the types of Kubernetes", needs="go")
    text = found[-1].read_text().partition("typed.YAMLObject(`")[2].partition("`")[0]
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return {one["name"]: one for one in yaml.load(text, loader)["types"]}  # A safe loader, the quicker one.


def _faults(place: str, value: Any, kind: Mapping[str, Any], types: Types) -> Iterator[str]:
    if "namedType" in kind:
        kind = types[kind["namedType"]]
    if "scalar" in kind:
        if not isinstance(value, _SCALARS[kind["scalar"]]):
            yield f"{place} is {value!r}, no {kind['scalar']}"
    elif "list" in kind:
        if not isinstance(value, list):
            yield f"{place} is no list"
            return
        for number, one in enumerate(value):
            yield from _faults(f"{place}[{number}]", one, kind["list"]["elementType"], types)
    elif not isinstance(value, dict):
        yield f"{place} is no map"
    else:
        fields = {field["name"]: field["type"] for field in kind["map"].get("fields", ())}
        for name, one in value.items():
            wanted = fields.get(name, kind["map"].get("elementType"))
            if wanted is None:
                yield f"{place}.{name} is not known"
            else:
                yield from _faults(f"{place}.{name}", one, wanted, types)
