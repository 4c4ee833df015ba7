"""The description against the served application: whatever it allows is answered as it says, whatever it does not is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import APIOperation, GenerationMode
from schemathesis import Case as AnyCase
from schemathesis.checks import load_all_checks, not_a_server_error
from schemathesis.specs.openapi import checks

from kizuna.settings import Settings, save
from kizuna.store import Store
from kizuna.store.keys import make_key
from kizuna.web.api.schema import document
from kizuna.web.problems import KINDS
from tests.builders import CLEAR, campaign, items, relationship
from tests.contract.test_api import Served
from tests.serving import served

load_all_checks()
Operation = APIOperation[Any, Any, Any, Any]
Case = AnyCase[Any]
CHECKS: list[Any] = [
    not_a_server_error, checks.status_code_conformance, checks.content_type_conformance, checks.response_headers_conformance,
    checks.response_schema_conformance, checks.negative_data_rejection, checks.missing_required_header, checks.unsupported_method,
    checks.ignored_auth,
]  # fmt: skip
# Who asks is ours to say.
SCHEMA = schemathesis.openapi.from_dict(
    json.loads(document()), config=schemathesis.Config.from_dict({"generation": {"with-security-parameters": False}})
)
OPERATIONS: list[Operation] = [found.ok() for found in SCHEMA.get_all_operations()]  # type: ignore[union-attr]
NAMED = [f"{one.method.upper()} {one.path}" for one in OPERATIONS]
ANSWERED = {200, 202, 204} | {kind.status for kind in KINDS.values()} - {401, 500}
SOME = [campaign("a", object_marking_refs=[CLEAR], description="x"), campaign("b", object_marking_refs=[CLEAR])]
IDS = st.sampled_from([one["id"] for one in SOME])
# How long a case takes to make, and how many are thrown away, is no property of what is tested.
QUIET: dict[str, Any] = {"deadline": None, "suppress_health_check": list(HealthCheck)}


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One node for all, with a few objects."""
    folder = tmp_path_factory.mktemp("node")
    told = Settings(
        name="T", organisation="T (fictional)", country="JPN", identity="identity--8f9c5f4c-9d4e-4f0a-9a3b-0d2b5c1e7a01"
    )
    save(folder, told)
    make_key(folder)
    store = Store(folder, told)
    with served(store) as url:
        made = Served(store, url)
        list(
            store.writer(store.own_source()).add(
                items(*SOME, relationship(SOME[0], "related-to", SOME[1], object_marking_refs=[CLEAR]))
            )
        )
        yield made
        made.http.close()
    store.close()


def answered(node: Served, case: Case, token: str | None) -> int:
    """Ask, and hold the answer against the description; its status."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    base = str(node.http.base_url).rstrip("/")
    answer = case.call_and_validate(
        base_url=base, headers=headers, checks=CHECKS if token == node.owner else CHECKS[:5]
    )
    return int(answer.status_code)


def fitting(operation: Operation, mode: GenerationMode) -> st.SearchStrategy[Case]:
    """Cases of an operation; of those that fit half are about an object that is there."""
    strategy = operation.as_strategy(generation_mode=mode)
    if "{id}" in operation.path and mode == GenerationMode.POSITIVE:
        there = st.builds(lambda id: {"id": id}, IDS)
        return strategy | there.flatmap(
            lambda places: operation.as_strategy(generation_mode=mode, path_parameters=places)
        )
    return strategy


def tried(node: Served, cases: st.SearchStrategy[Case], token: str | None, allowed: set[int], examples: int) -> None:
    """So many cases as somebody."""

    @settings(max_examples=examples, **QUIET)
    @given(case=cases)
    def ask(case: Case) -> None:
        assert answered(node, case, token) in allowed

    ask()


def run(node: Served, operation: Operation, examples: int) -> None:
    """So many cases that fit and as many that do not, as who may do everything, and some as others."""
    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
        cases = fitting(operation, mode)
        # Where any text will do there is nothing that does not fit.
        with suppress(*([Unsatisfiable] if mode == GenerationMode.NEGATIVE else [])):
            tried(node, cases, node.owner, ANSWERED, examples)
            tried(node, cases, node.partner, {403}, 2 + examples // 10)
            tried(node, cases, None, {401}, 2 + examples // 10)


@pytest.mark.parametrize("operation", OPERATIONS, ids=NAMED)
def test_it_is_answered_as_described(node: Served, operation: Operation) -> None:
    run(node, operation, 6)


@pytest.mark.soak
@pytest.mark.parametrize("operation", OPERATIONS, ids=NAMED)
def test_it_is_answered_as_described_at_length(node: Served, operation: Operation) -> None:
    run(node, operation, 500)
