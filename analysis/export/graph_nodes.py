"""Where the nodes of CUDA graphs were recorded: for attribution to the capture instead of the replay."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..arithmetic.arrays import NONE, Ints
from ..arithmetic.grouped import code_combinations
from ..sqlite.file import SqliteFile
from .frames import make_frame
from .identity import Identities, process_key
from .raw_tables import read_table

NODE_TABLES = ("CUDA_GRAPH_NODE_EVENTS", "CUDA_GRAPH_EVENTS")
"""Before 2024 the second held what the first holds now; since then it tells of whole graphs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RawGraphNodes:
    """Nodes, once per process, each with the place and time at which the node it was cloned from was recorded."""

    node: Ints
    global_tid: Ints
    start: Ints

    def frame(self, who: Identities) -> pd.DataFrame:
        """The same with thread codes."""
        return make_frame(
            "graph_nodes",
            {"node": self.node, "thread": who.thread_codes(self.global_tid), "start_ns": self.start},
        )


def read_graph_nodes(file: SqliteFile, schema: str) -> RawGraphNodes:
    """All graph nodes; none where the export does not tell."""
    for name in NODE_TABLES:
        if {"graphNodeId", "start", "globalTid"} <= set(file.tables.get(name, ())):
            return _read(file, name, schema)
    none = np.zeros(0, np.int64)
    return RawGraphNodes(node=none, global_tid=none, start=none)


def _read(file: SqliteFile, name: str, schema: str) -> RawGraphNodes:
    table = read_table(
        file, name, ["graphNodeId", "start", "globalTid"], ["originalGraphNodeId"], schema=schema
    )
    known = (table.values("graphNodeId", 0) != 0) & table.known("start") & table.known("globalTid")
    node, start, global_tid, original = (
        table.values(column, 0)[known]
        for column in ("graphNodeId", "start", "globalTid", "originalGraphNodeId")
    )
    process = process_key(global_tid)
    # Instantiating leaves two rows per node, of which one names the node it was cloned from: that one counts.
    order = np.lexsort((start, original == 0, node, process))
    node, start, global_tid, original, process = (
        values[order] for values in (node, start, global_tid, original, process)
    )
    one = (np.diff(process, prepend=process[:1]) != 0) | (np.diff(node, prepend=node[:1]) != 0)
    one[:1] = True
    root = _find_roots(process[one], node[one], original[one])
    return RawGraphNodes(node=node[one], global_tid=global_tid[one][root], start=start[one][root])


def _find_roots(process: Ints, node: Ints, original: Ints) -> Ints:
    """The place of the node that each one was cloned from in the end; its own for first-hand ones."""
    root = match_nodes(process, node, process, original)
    root = np.where(root >= 0, root, np.arange(len(node)))
    for _ in range(len(node).bit_length()):  # pointer doubling: a clone of a clone of a clone …
        root = root[root]
    return root


def match_nodes(process: Ints, node: Ints, of_process: Ints, wanted: Ints) -> Ints:
    """The place of each wanted node, -1 for none: nodes are numbered anew in every process."""
    code = code_combinations(np.append(process, of_process), np.append(node, wanted))
    place = np.full(int(code.max(initial=-1)) + 1, NONE, np.int64)
    place[code[: len(node)]] = np.arange(len(node))
    return np.where(wanted != 0, place[code[len(node) :]], NONE)
