"""Makes the IR of a mismatch small: parts are left out as long as the engines still differ.

In: an IR and a check that tells whether an IR is still such a mismatch. Out: an IR from which no
single part can be taken.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

MOST_TRIES = 150


def shrink(ir: dict[str, Any], still: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    tries = 0
    smaller = True
    while smaller:
        smaller = False
        for candidate in without_one_part(ir):
            tries += 1
            if tries > MOST_TRIES:
                return ir
            if still(candidate):
                ir, smaller = candidate, True
                break
    return ir


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
