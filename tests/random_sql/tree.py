"""SQL as a tree of pieces of text, so that it can be written, and made small.

A node has a kind: `bool`, `int`, `query`... Where a node holds another of its own kind, that
one may stand in its place. What is not needed says so, and of a list one element is enough.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

# How many parts of a node are tried in its place.
MOST_INNER = 8
LEAVES = {
    "int": ["1", "null"],
    "dec": ["1.5", "null"],
    "dbl": ["cast(1 as double precision)", "null"],
    "text": ["'a'", "null"],
    "bool": ["true", "null"],
}


@dataclass(frozen=True)
class Node:
    kind: str
    parts: tuple[Node | str, ...]
    # What stands between the parts of a list; a node with it may lose parts down to one.
    joiner: str | None = None
    optional: bool = False

    def __str__(self) -> str:
        return (self.joiner or "").join(str(part) for part in self.parts)

    def inner(self) -> Iterator[Node]:
        """Every node below, the nearest first."""
        nodes = [part for part in self.parts if isinstance(part, Node)]
        yield from nodes
        for node in nodes:
            yield from node.inner()


def of(kind: str, *parts: Node | str) -> Node:
    return Node(kind, parts)


def listed(kind: str, parts: list[Node], joiner: str = ", ") -> Node:
    return Node(kind, tuple(parts), joiner)


def maybe(*parts: Node | str) -> Node:
    """A piece that may be left out."""
    return Node("part", parts, optional=True)


NOTHING = Node("part", ())


def smaller(node: Node) -> Iterator[Node]:
    """The tree with one piece left out or made simple, the largest pieces first."""
    if node.optional:
        yield NOTHING
    if node.joiner is not None and len(node.parts) > 1:
        for n in range(len(node.parts)):
            yield replace(node, parts=node.parts[:n] + node.parts[n + 1 :])
    alike = [inner for inner in node.inner() if inner.kind == node.kind]
    yield from alike[:MOST_INNER]
    if any(isinstance(part, Node) for part in node.parts):
        for leaf in LEAVES.get(node.kind, []):
            yield of(node.kind, leaf)
    for n, part in enumerate(node.parts):
        if isinstance(part, Node):
            for less in smaller(part):
                yield replace(node, parts=(*node.parts[:n], less, *node.parts[n + 1 :]))


def shorter(node: Node) -> Iterator[Node]:
    """The smaller trees whose text is shorter too."""
    return (less for less in smaller(node) if len(str(less)) < len(str(node)))
