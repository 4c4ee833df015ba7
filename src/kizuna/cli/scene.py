"""The demo's stage: make the three nodes known to each other, then give each what it starts with and serve it.

Two commands for processes of the demo, `python -m kizuna.cli.scene found|serve`; what they make is kept and used again.
"""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path
from secrets import token_urlsafe
from typing import TYPE_CHECKING, Any

import msgspec

from kizuna.cli.demo_children import NODES, NOTES, POLL_SECONDS, STEP, STORES
from kizuna.cli.init import make_node
from kizuna.cli.output import fail
from kizuna.cli.pack import add_pack, groups_of
from kizuna.cli.process import end_with_parent, only_once
from kizuna.domains.air.holding import put_sensor, record
from kizuna.domains.air.replay import replayed
from kizuna.domains.air.sensors import Sensor
from kizuna.errors import Conflict, KizunaError
from kizuna.formats.pack import load
from kizuna.formats.scenario import Node, Receiver, Scenario, objects_by_area, read_scenario
from kizuna.settings import Settings, write_private
from kizuna.stix import iter_objects
from kizuna.store import Partner, Store, open_store
from kizuna.store.accounts import OWNER, SCOPES, SESSION_LASTS, Accounts
from kizuna.store.keys import public_key_of
from kizuna.store.releasing import Releases
from kizuna.store.standing import FIRST, Rules

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ACTOR = "demo"
READY, PASSWORD = "scenario", "demo password"

Secrets = dict[str, dict[str, Any]]


def found(folder: Path, port: int, urls: Mapping[str, str]) -> None:
    """Make the nodes that are missing, each on its store, pin keys, exchange tokens. Raises NodeBusy when one is served."""
    scenario = read_scenario(load(READY))
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with ExitStack() as stack:
        stores = {}
        for i, name in enumerate(NODES):
            store = _made(home(folder, name), node_of(scenario, name), port + STEP * i, urls.get(name))
            stack.callback(store.close)
            stack.enter_context(only_once(store.folder))
            stores[name] = store
        _introduce(scenario, stores, folder, port)
        file = folder / NOTES
        known: Secrets = msgspec.json.decode(file.read_bytes())["nodes"] if file.exists() else {}
        secrets = {name: _secrets(store, known.get(name, {})) for name, store in stores.items()}
        for i, (name, store) in enumerate(stores.items()):
            secrets[name]["people"] = [OWNER, *(user.name for user in node_of(scenario, name).users)]
            secrets[name]["visitors"] = _visitors(store, f"http://127.0.0.1:{port + STEP * i}")
        write_private(file, msgspec.json.encode({"nodes": secrets, "loosen": scenario.loosen, "story": scenario.story}))
        for name, own in secrets.items():
            for partner, token in own["partners"].items():
                write_private(home(folder, partner) / token_file(name), token.encode())


def serve(folder: Path, name: str, port: int) -> None:
    """Give a node its packs and its part of the scenario, then become the process that serves it."""
    end_with_parent()
    here = home(folder, name)
    with only_once(here):
        store = open_store(here)
        try:
            furnish(store, node_of(read_scenario(load(READY)), name))
            _let_in(store, msgspec.json.decode((folder / NOTES).read_bytes())["nodes"][name]["password"])
        finally:
            store.close()
    # A fresh image instead of a grown one: what the import took in memory is given back.
    arguments = [
        "--data",
        str(here),
        "--port",
        str(port),
        "--poll-seconds",
        str(POLL_SECONDS),
        "--with-parent",
        "--json",
    ]
    os.execv(sys.executable, [sys.executable, "-m", "kizuna", "up", *arguments])  # noqa: S606


def home(folder: Path, name: str) -> Path:
    """The folder of one node of a demo."""
    return folder / name.lower()


def token_file(partner: str) -> str:
    """The name of the file that holds our token at a partner."""
    return f"{partner.lower()}.token"


def node_of(scenario: Scenario, name: str) -> Node:
    """One of its nodes."""
    return next(node for node in scenario.nodes if node.node == name)


def _made(folder: Path, node: Node, port: int, url: str | None) -> Store:
    settings = Settings(
        name=node.node,
        organisation=node.organisation,
        country=node.country,
        identity=node.identity,
        community=node.community,
        language=node.language,
        port=port,
        store=url,
    )
    try:
        return make_node(folder, settings)
    except Conflict:
        return open_store(folder)


def _introduce(scenario: Scenario, stores: dict[str, Store], folder: Path, port: int) -> None:
    for name, store in stores.items():
        for setting in node_of(scenario, name).partners:
            other = node_of(scenario, setting.node)
            partner = Partner(
                name=other.node,
                organisation=other.organisation,
                country=other.country,
                public_key=public_key_of(home(folder, other.node)),
                identity=other.identity,
                receives=setting.receives,
                unstated="whole",  # they are set up together, and know what each of them means by what it sends
                url=f"http://127.0.0.1:{port + STEP * NODES.index(other.node)}/taxii2/",
                added=store.clock(),
            )
            old = {known.name: known for known in store.partners()}.get(other.node)
            if old is None or msgspec.structs.replace(partner, added=old.added) != old:
                store.put_partner(partner)


def _secrets(store: Store, known: dict[str, Any]) -> dict[str, Any]:
    accounts = Accounts(store)
    owner = accounts.owner(by=ACTOR).name
    token = known.get("token", "")
    if accounts.find("token", token) is None:
        token, _ = accounts.create_token(by=ACTOR, user=owner, scopes=SCOPES, note="demo")
    partners = dict(known.get("partners", {}))
    for partner in store.partners():
        if accounts.find("token", partners.get(partner.name, "")) is None:
            partners[partner.name], _ = accounts.create_token(
                by=ACTOR, partner=partner.name, scopes=("read", "write"), note="demo"
            )
    # To approve takes one's password once more: everybody on a node of the demo has the same.
    return {"token": token, "partners": partners, "password": known.get("password") or token_urlsafe(9)}


def _visitors(store: Store, url: str) -> dict[str, str]:
    """By partner, a link by which a person of it logs in once and reads what it was given."""
    accounts, links = Accounts(store), {}
    for partner in store.partners():
        name = f"{partner.name.lower()}-reader"
        if name not in {one.name for one in accounts.people_of_partners(partner.name)}:
            accounts.add_person_of(partner.name, name, by=ACTOR)
        links[partner.name] = f"{url}/login/{accounts.create_link(name, by=ACTOR, lasts=SESSION_LASTS)}"
    return links


def furnish(store: Store, node: Node) -> None:
    """Give a node its packs, people, rules and part of the scenario, once. Raises KizunaError."""
    pack = load(READY)
    done = f"{pack.name} {pack.manifest.version}"
    if store.watermark(READY) == done:
        return
    for group in groups_of(pack):
        store.put_group(group)
    for name in node.packs:
        for outcome in add_pack(store, load(name)):
            _must(outcome.status, name, outcome.id)
    accounts = Accounts(store)
    there = {user.name for user in accounts.users()}
    for user in node.users:
        if user.name not in there:
            accounts.add_user(user.name, user.roles, by=ACTOR)
    _rule(store, node)
    for status, id in _stage(store, node):
        _must(status, pack.name, id)
    if node.receiver is not None:
        _hear(store, node.receiver)
    for one in node.approved:
        Releases(store).approve(one.partner, one.ids, by=one.by)
    store.set_watermark(READY, done)


def _let_in(store: Store, password: str) -> None:
    """Let everybody log in, and approve, by the password that the demo tells."""
    done = sha256(password.encode()).hexdigest()
    if store.watermark(PASSWORD) == done:
        return
    accounts = Accounts(store)
    for user in accounts.users():
        if user.partner is None:
            accounts.set_password(user.name, password, by=ACTOR)
    store.set_watermark(PASSWORD, done)


def _rule(store: Store, node: Node) -> None:
    """Let the node's own rules take the place of the one it began with."""
    rules, releases = Rules(store), Releases(store)
    rules.put(node.rules, by=ACTOR)
    people = [user.name for user in node.users if "releaser" in user.roles]
    for one in node.rules:
        rule = rules.named(one.name)
        for by in people[: releases.asked_for(rule)] if rule.terms.act == "send" and rule.granted is None else ():
            releases.grant(one.name, by=by)
    if node.rules and FIRST in {rule.name for rule in rules.listed()}:
        rules.remove(FIRST, by=ACTOR)


def _stage(store: Store, node: Node) -> Iterator[tuple[str, str | None]]:
    for area, objects in objects_by_area(load(READY), node):
        writer = store.writer(store.own_source(), area=area)
        yield from ((outcome.status, outcome.id) for outcome in writer.add(iter_objects(objects)))


def _hear(store: Store, receiver: Receiver) -> None:
    """Keep what a receiver heard."""
    latitude, longitude, altitude = map(float, receiver.place.split(","))
    sensor = Sensor(
        name=receiver.name,
        latitude=latitude,
        longitude=longitude,
        altitude=altitude,
        reach=receiver.reach,
        label=receiver.label,
    )
    put_sensor(store, sensor)
    pack = load(receiver.pack)
    record(store, replayed((pack.read(name) for name in receiver.captures), sensor), sensor)


def _must(status: str, pack: str, id: str | None) -> None:
    if status == "failed":
        raise KizunaError(f"pack {pack}: {id} was refused")


def main(arguments: list[str]) -> int:
    """Run one of the two; an error is one line."""
    os.umask(0o077)
    try:
        match arguments:
            case ["found", folder, port]:
                found(Path(folder), int(port), msgspec.json.decode(os.environ.get(STORES, "{}"), type=dict[str, str]))
            case ["serve", folder, name, port]:
                serve(Path(folder), name, int(port))
            case _:
                return fail("found FOLDER PORT | serve FOLDER NAME PORT", 2)
    except KizunaError as error:
        return fail(str(error), error.exit_code)
    except OSError as error:
        return fail(f"{error.filename or folder}: {error.strerror}", 1)
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
