"""An IR less one of its parts, for mismatches that are made small."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any


def without_one_part(ir: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The IR less one member or one element, anywhere; also an inner query instead."""
    for entity in ir["entities"]:
        if isinstance(entity, dict) and "query" in entity:
            yield entity["query"]
    for path in places(ir, ()):
        candidate = copy.deepcopy(ir)
        parent: Any = candidate
        for step in path[:-1]:
            parent = parent[step]
        del parent[path[-1]]
        if candidate.get("entities") and (candidate.get("metrics") or candidate.get("dimensions")):
            yield candidate
    for path in places(ir, ()):
        if path[-1] == "not":
            candidate = copy.deepcopy(ir)
            parent = candidate
            for step in path[:-2]:
                parent = parent[step]
            parent[path[-2]] = parent[path[-2]]["not"]
            yield candidate


def places(value: Any, path: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    """Every member and element, the outer ones first."""
    steps: list[Any] = []
    if isinstance(value, dict):
        steps = list(value)
    elif isinstance(value, list):
        steps = list(range(len(value)))
    for step in steps:
        yield (*path, step)
    for step in steps:
        yield from places(value[step], (*path, step))
