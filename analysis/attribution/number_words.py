"""The words before numbers in names, by what their numbers say: how often, which one, or how large."""

from __future__ import annotations

COUNTING = frozenset({"iter", "iters", "it"})
"""Words whose number only ever counts."""

COUNTING_ENDS = ("step", "steps", "iteration", "iterations", "epoch", "epochs")
"""As all of the word or its end: timestep, substep."""

_NUMBERING = """
batch minibatch microbatch mb sample frame request req call trial rep run repeat repetition round tick token
loop cycle episode update query message task job event try attempt instance invocation execution micro
"""

NUMBERING = frozenset(_NUMBERING.split())
"""Words whose number counts where the numbers of all such names follow each other (``batch_32`` may be a size)."""

COUNTING_IDS = frozenset(
    {"op", "program", "run", "correlation", "call", "execution", "launch", "step", "request"}
)
"""What an ``…_id`` numbers whenever it happens."""

_PLACES = """
layer layers block blocks stage level conv fc linear dense head heads h rank gpu device dev cuda stream worker
thread process proc pid tid node expert group bucket bn norm ln pool unit cell encoder decoder res mlp attn
attention bottleneck module model net size dim n m k bs len x width height fp int uint float bf sm v version
axis seqlen port shard partition chunks replica host channel branch scale lr seed tp pp dp order
"""

PLACES = frozenset(_PLACES.split())
"""Words whose number says which one of several things is meant."""

IDS = frozenset({"id", "no", "nr", "num", "number", "idx", "index"})
