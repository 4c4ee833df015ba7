"""YAML without its traps: no aliases, no tags, no duplicate keys, and only what JSON could say too.

YAML 1.1 reads `NO` as false, `2023-04-04` as a date and `1:30` as a number; here they are the strings they look like.
"""

from __future__ import annotations

import re
from typing import Any, TypeVar

import msgspec
import yaml

from kizuna.errors import InvalidInput

SIZE = 1 << 20  # bytes; every YAML file that people edit is far smaller

_STR = "tag:yaml.org,2002:str"
T = TypeVar("T")


class _Loader(yaml.SafeLoader):
    # Resolvers are filled in below: a class body cannot call a classmethod of its own.
    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(problem="aliases are not read", problem_mark=mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.tag != _STR or not isinstance(key, yaml.ScalarNode) or key.value in seen:
                raise yaml.MarkedYAMLError(problem="a key is a text that occurs once", problem_mark=key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^(?:null|)$"), ["n", ""])
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), ["t", "f"])
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^(?:0|-?[1-9][0-9]{0,14})$"), list("-0123456789"))


def decode(data: bytes, type: type[T], *, file: str) -> T:
    """Read one YAML document as `type`. Raises InvalidInput naming the file and the line or path that is wrong."""
    if len(data) > SIZE:
        raise InvalidInput(f"is larger than {SIZE} bytes", file=file)
    try:
        return msgspec.convert(yaml.load(data, Loader=_Loader), type)  # noqa: S506
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise InvalidInput(
            f"not YAML: {error.problem}", file=file, path=f"line {mark.line + 1}" if mark else None
        ) from None
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at ")
        raise InvalidInput(message, file=file, path=path.strip("`") or "$") from None
    except (yaml.YAMLError, UnicodeError, ValueError, TypeError, RecursionError) as error:
        raise InvalidInput(f"not YAML: {' '.join(str(error).split())[:200]}", file=file) from None
