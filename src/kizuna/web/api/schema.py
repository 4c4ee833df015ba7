"""The API's description: OpenAPI 3.1, generated from the handlers when first asked for."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import msgspec
from litestar import MediaType, Response, get

from kizuna import __version__
from kizuna.web.api import PATH, router

DESCRIPTION = """The node for programs. Send a token: `Authorization: Bearer kzn_…`. Partners' tokens are refused here: partners
read their feeds by TAXII 2.1 under `/taxii2/`.

Errors are problem details (RFC 9457), each `type` an address of this node. What is absent and what you may not see are answered
alike. Lists are `items` and `next`; send `next` as `cursor` for the page that follows."""


@get(f"{PATH}/openapi.json", sync_to_thread=True, media_type=MediaType.JSON)
def read_schema() -> Response[bytes]:
    """This description."""
    return Response(document(), media_type=MediaType.JSON, headers={"Cache-Control": "public, max-age=300"})


@lru_cache(maxsize=1)
def document() -> bytes:
    """The OpenAPI document as JSON. Made by an application of its own, so that serving needs none of what generating does."""
    from litestar import Litestar
    from litestar.openapi import OpenAPIConfig
    from litestar.openapi.spec import Components, License, SecurityScheme

    bearer = SecurityScheme(type="http", scheme="bearer", description="A token of `kizuna token create`.")
    config = OpenAPIConfig(
        title="Kizuna",
        version=__version__,
        description=DESCRIPTION,
        license=License(name="Apache-2.0", identifier="Apache-2.0"),
        components=Components(security_schemes={"token": bearer}),
        security=[{"token": []}],
        use_handler_docstrings=True,
    )
    described: dict[str, Any] = Litestar(
        [router()], openapi_config=config, logging_config=None
    ).openapi_schema.to_schema()
    return msgspec.json.encode(_with_problems(described))


def _with_problems(described: dict[str, Any]) -> dict[str, Any]:
    """Every operation may answer with a problem; Litestar would describe its own shape of errors."""
    described["components"].setdefault("schemas", {})["Problem"] = {
        "type": "object",
        "description": "Problem details (RFC 9457).",
        "required": ["type", "title", "status", "detail"],
        "properties": {
            "type": {"type": "string", "format": "uri-reference"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string"},
            "trace_id": {"type": "string"},
            "errors": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["pointer", "message"],
                    "properties": {"pointer": {"type": "string"}, "message": {"type": "string"}},
                },
            },
        },
    }
    problem = {
        "description": "A problem",
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for path in described["paths"].values():
        for operation in path.values():
            operation["responses"] = {code: r for code, r in operation["responses"].items() if code.startswith("2")}
            operation["responses"]["default"] = problem
            for parameter in operation.get("parameters", []):
                parameter["schema"] = _never_null(parameter["schema"])
    operation = described["paths"][f"{PATH}/import"]["post"]
    # Of any type: what is none of these is told as one that failed, as every other that does not come in.
    media = {"schema": {"description": "A STIX bundle, an object, a list of objects, or a TAXII envelope."}}
    operation["requestBody"] = {
        "required": True,
        "content": {"application/json": media, "application/stix+json": media},
    }
    jobs = described["paths"][f"{PATH}/jobs"]["post"]
    jobs["requestBody"] = {**operation["requestBody"], "required": False}
    return described


def _never_null(schema: dict[str, Any]) -> dict[str, Any]:
    """What a parameter may be where it is given: no query and no header says null."""
    kinds: list[dict[str, Any]] = [one for one in schema.get("oneOf", []) if one != {"type": "null"}]
    if len(kinds) != 1:
        return schema
    return kinds[0] | {key: value for key, value in schema.items() if key != "oneOf"}
