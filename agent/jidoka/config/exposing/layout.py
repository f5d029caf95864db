"""What a graph is wired of: its nodes, its constants, and what lies inside branches and loops; read without a library."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from jidoka.config.drafting.protobuf import DamagedError, fields, piece_of, text_of

#: operators that make a value of nothing
_SOURCES = {"Constant", "RandomNormal", "RandomUniform"}


@dataclass(frozen=True)
class Node:
    """One operator. inputs, outputs: names of tensors, "" = left out; has_graphs: holds a branch or the body of a loop."""

    operator: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    has_graphs: bool = False


@dataclass
class Layout:
    """A graph. inputs: without those that have a constant of their own; constants: names of the initializers; inner:
    names that live inside a branch or a loop only."""

    nodes: list[Node] = field(default_factory=list)
    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    constants: set[str] = field(default_factory=set)
    inner: set[str] = field(default_factory=set)

    @property
    def makers(self) -> dict[str, Node]:
        """The node that makes each tensor."""
        return {name: node for node in self.nodes for name in node.outputs if name}

    def fixed(self) -> set[str]:
        """Names whose value no input changes: initializers, and what is computed from them alone."""
        found = set(self.constants)
        for node in self.nodes:  # ONNX has them in an order in which they can be run
            takes = [name for name in node.inputs if name]
            if not node.has_graphs and (node.operator in _SOURCES if not takes else found.issuperset(takes)):
                found |= set(node.outputs)
        return found


def layout_of(content: bytes) -> Layout:
    """The wiring of a ModelProto. Raises protobuf.DamagedError."""
    found = Layout()
    for number, value in fields(memoryview(content)):
        if number == 7:  # graph; a field that comes twice is merged
            _read(piece_of(value), found)
    found.inner -= {*found.constants, *found.inputs, *found.makers}
    found.inputs = [name for name in found.inputs if name not in found.constants]
    return found


def _read(graph: memoryview, into: Layout) -> None:
    for number, value in fields(graph):
        if number == 1:
            into.nodes.append(_node(piece_of(value), into.inner))
        elif number == 5:  # initializer: its name is field 8
            into.constants |= {text_of(each) for at, each in fields(piece_of(value)) if at == 8}
        elif number == 15:  # sparse initializer: its values are a tensor with the name
            for at, each in fields(piece_of(value)):
                if at == 1:
                    into.constants |= {text_of(name) for kind, name in fields(piece_of(each)) if kind == 8}
        elif number in {11, 12}:
            names = [text_of(each) for at, each in fields(piece_of(value)) if at == 1]
            (into.inputs if number == 11 else into.outputs).extend(names)


def _node(piece: memoryview, inner: set[str]) -> Node:
    operator, takes, gives, has_graphs = "", [], [], False
    for number, value in fields(piece):
        if number == 1:
            takes.append(text_of(value))
        elif number == 2:
            gives.append(text_of(value))
        elif number == 4:
            operator = text_of(value)
        elif number == 5:
            for graph in _graphs(piece_of(value)):
                has_graphs = True
                inner |= set(_names(graph))
    return Node(operator, tuple(takes), tuple(gives), has_graphs)


def _graphs(attribute: memoryview) -> Iterator[memoryview]:
    for number, value in fields(attribute):
        if number in {6, 11} and not isinstance(value, int):  # g, graphs
            yield value


def _names(graph: memoryview, depth: int = 0) -> Iterator[str]:
    if depth > 20:
        raise DamagedError("branches inside branches without an end")
    for number, value in fields(graph):
        if number == 1:
            for at, each in fields(piece_of(value)):
                if at == 2:
                    yield text_of(each)
                elif at == 5:
                    for inside in _graphs(piece_of(each)):
                        yield from _names(inside, depth + 1)
