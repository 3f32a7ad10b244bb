"""Where the nodes of CUDA graphs were recorded: for attribution to the capture instead of the replay."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from .frames import Ints, make_frame
from .identity import Identities
from .sqlite_columns import SqliteFile
from .tables import read_table

NODE_TABLES = ("CUDA_GRAPH_NODE_EVENTS", "CUDA_GRAPH_EVENTS")
"""Before 2024 the second held what the first holds now; since then it tells of whole graphs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RawGraphNodes:
    """Nodes, each with the place and time at which the node it was cloned from was recorded."""

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
    node, first = np.unique(table.values("graphNodeId", 0), return_index=True)
    original = table.values("originalGraphNodeId", 0)[first]
    root = np.arange(len(node))
    for _ in range(len(node).bit_length() + 1):  # pointer doubling: a clone of a clone of a clone …
        place = np.clip(np.searchsorted(node, original[root]), 0, max(len(node) - 1, 0))
        cloned = (original[root] != 0) & (node[place] == original[root]) if len(node) else root > 0
        if not cloned.any():
            break
        root = np.where(cloned, place, root)
    return RawGraphNodes(
        node=node,
        global_tid=table.values("globalTid", 0)[first][root],
        start=table.values("start", 0)[first][root],
    )
