"""The tree of a trace's spans, and the time that each took itself."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from cdb.trace.model import Span, Trace

Stretch = tuple[int, int]  # from, to in microseconds


@dataclass(eq=False)
class Node:
    """A span in its tree. *ends_us* is when the last span of its branch ended: a message outlives its sender."""

    span: Span
    parent: "Node | None" = None
    children: list["Node"] = field(default_factory=list)
    orphan: bool = False  # names a parent that is not there, or is above itself
    ends_us: int = 0

    @property
    def depth(self) -> int:
        """Number of spans above it."""
        depth, above = 0, self.parent
        while above:
            depth, above = depth + 1, above.parent
        return depth

    @property
    def early(self) -> bool:
        """Tell whether it begins before its parent: their clocks disagree."""
        return self.parent is not None and self.span.start_us < self.parent.span.start_us


def grow(trace: Trace) -> list[Node]:
    """Build the tree and return its roots, earliest first: what begins it, and each branch whose parent is missing."""
    nodes: dict[str, Node] = {}
    for span in sorted(trace.spans, key=lambda span: (span.start_us, -span.duration_us)):
        nodes.setdefault(span.span_id, Node(span))
    for node in nodes.values():
        above = nodes.get(node.span.parent_id)
        if above is None or _is_below(above, node):
            node.orphan = bool(node.span.parent_id)
            continue
        node.parent = above
        above.children.append(node)
    roots = [node for node in nodes.values() if node.parent is None]
    for node in reversed(list(walk(roots))):
        node.ends_us = max([node.span.end_us, *(child.ends_us for child in node.children)])
    return roots


def walk(roots: Iterable[Node]) -> Iterator[Node]:
    """Yield *roots* and everything below them, parents first, children in the order of their starts."""
    left = list(reversed(list(roots)))
    while left:
        node = left.pop()
        yield node
        left.extend(reversed(node.children))


def self_time(node: Node, within: Stretch | None = None) -> int:
    """Microseconds of a span, only those in *within*, in which none of its children ran."""
    lowest, highest = within or (node.span.start_us, node.span.end_us)
    begin, end = max(node.span.start_us, lowest), min(node.span.end_us, highest)
    if end <= begin:
        return 0
    children = [(max(child.span.start_us, begin), min(child.span.end_us, end)) for child in node.children]
    return end - begin - covered(children)


def covered(stretches: Iterable[Stretch]) -> int:
    """Length of time in which at least one of *stretches* lasted; one that ends before it begins does not count."""
    total, reached = 0, None
    for begin, end in sorted(stretches):
        start = begin if reached is None else max(begin, reached)
        if end > start:
            total += end - start
            reached = end
    return total


def _is_below(node: Node, other: Node) -> bool:
    above: Node | None = node
    while above:
        if above is other:
            return True
        above = above.parent
    return False
