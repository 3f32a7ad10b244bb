"""Products, convolutions, attention and recurrent networks by explicit loops that count what they do.

Every function computes its result with one number at a time, so that a test can hold it against PyTorch's: loops
that count wrongly would compute wrongly. Nothing here knows a formula.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


class Machine:
    """Does arithmetic and counts it; a complex multiplication is four real ones and two additions."""

    def __init__(self) -> None:
        self.flops = 0

    def multiply_add(self, total: Any, a: Any, b: Any) -> Any:
        """``total + a * b``."""
        if isinstance(a, complex):
            self.flops += 4 + 2 + 2
        else:
            self.flops += 1 + 1
        return total + a * b

    def multiply_matrices(self, a: Array, b: Array) -> Array:
        """(m, k) times (k, n)."""
        out = np.zeros((a.shape[0], b.shape[1]), a.dtype)
        for i, j in np.ndindex(*out.shape):
            total = out.dtype.type(0).item()
            for k in range(a.shape[1]):
                total = self.multiply_add(total, a[i, k].item(), b[k, j].item())
            out[i, j] = total
        return out


def convolve(
    machine: Machine, x: Array, weight: Array, *, stride: int, padding: int, dilation: int, groups: int
) -> Array:
    """(batch, channel, place …) with (channel out, channel in a group, tap …)."""
    places = x.ndim - 2
    padded = _pad(x, padding)
    shape = [
        (n - dilation * (k - 1) - 1) // stride + 1
        for n, k in zip(padded.shape[2:], weight.shape[2:], strict=True)
    ]
    out = np.zeros((x.shape[0], weight.shape[0], *shape))
    for at, source, tap in _meetings(out.shape, weight.shape, groups):
        place = tuple(at[2 + d] * stride + tap[2 + d] * dilation for d in range(places))
        out[at] = machine.multiply_add(
            out[at].item(), padded[at[0], source, *place].item(), weight[tap].item()
        )
    return out


def convolve_backward(
    machine: Machine,
    gradient: Array,
    x: Array,
    weight: Array,
    *,
    stride: int,
    padding: int,
    dilation: int,
    groups: int,
    wanted: tuple[bool, bool],
) -> tuple[Array | None, Array | None]:
    """Gradients of input and weight: each output's share goes back to what it was made of."""
    places = x.ndim - 2
    padded = _pad(x, padding)
    of_input, of_weight = np.zeros(padded.shape), np.zeros(weight.shape)
    for at, source, tap in _meetings(gradient.shape, weight.shape, groups):
        place = tuple(at[2 + d] * stride + tap[2 + d] * dilation for d in range(places))
        here = (at[0], source, *place)
        if wanted[0]:
            of_input[here] = machine.multiply_add(
                of_input[here].item(), gradient[at].item(), weight[tap].item()
            )
        if wanted[1]:
            of_weight[tap] = machine.multiply_add(
                of_weight[tap].item(), gradient[at].item(), padded[here].item()
            )
    inside = (slice(None), slice(None), *(slice(padding, n - padding) for n in padded.shape[2:]))
    return of_input[inside] if wanted[0] else None, of_weight if wanted[1] else None


def convolve_transposed(
    machine: Machine,
    x: Array,
    weight: Array,
    *,
    stride: int,
    padding: int,
    dilation: int,
    groups: int,
    output_padding: int,
) -> Array:
    """Each input element is spread; weight is (channel in, channel out of a group, tap …)."""
    places = x.ndim - 2
    shape = [
        (n - 1) * stride + dilation * (k - 1) + 1 for n, k in zip(x.shape[2:], weight.shape[2:], strict=True)
    ]
    out = np.zeros((x.shape[0], weight.shape[1] * groups, *(n + output_padding for n in shape)))
    for at, tap in _spreads(x.shape, weight.shape):
        group = at[1] // (x.shape[1] // groups)
        place = tuple(at[2 + d] * stride + tap[2 + d] * dilation for d in range(places))
        there = (at[0], group * weight.shape[1] + tap[1], *place)
        out[there] = machine.multiply_add(out[there].item(), x[at].item(), weight[tap].item())
    return out[(slice(None), slice(None), *(slice(padding, n - padding) for n in out.shape[2:]))]


def convolve_transposed_backward(
    machine: Machine,
    gradient: Array,
    x: Array,
    weight: Array,
    *,
    stride: int,
    padding: int,
    dilation: int,
    groups: int,
    wanted: tuple[bool, bool],
) -> tuple[Array | None, Array | None]:
    """Gradients of input and weight."""
    places = x.ndim - 2
    padded = _pad(gradient, padding)
    of_input, of_weight = np.zeros(x.shape), np.zeros(weight.shape)
    for at, tap in _spreads(x.shape, weight.shape):
        group = at[1] // (x.shape[1] // groups)
        place = tuple(at[2 + d] * stride + tap[2 + d] * dilation for d in range(places))
        share = padded[at[0], group * weight.shape[1] + tap[1], *place].item()
        if wanted[0]:
            of_input[at] = machine.multiply_add(of_input[at].item(), share, weight[tap].item())
        if wanted[1]:
            of_weight[tap] = machine.multiply_add(of_weight[tap].item(), share, x[at].item())
    return of_input if wanted[0] else None, of_weight if wanted[1] else None


def attend(
    machine: Machine, q: Array, k: Array, v: Array, *, causal: bool, mask: Array | None = None
) -> Array:
    """(batch, head, length, width); several heads of queries may share one of keys and values."""
    out = np.zeros((*q.shape[:3], v.shape[3]))
    for batch, head, i in np.ndindex(*q.shape[:3]):
        shared = head // (q.shape[1] // k.shape[1])
        keys = _seen(i, k.shape[2], causal)
        weights = _weights(
            machine, q[batch, head, i], k[batch, shared], keys, mask[i] if mask is not None else None
        )
        for (at, j), d in itertools.product(enumerate(keys), range(v.shape[3])):
            total = out[batch, head, i, d].item()
            out[batch, head, i, d] = machine.multiply_add(
                total, weights[at].item(), v[batch, shared, j, d].item()
            )
    return out


def attend_backward(
    machine: Machine,
    gradient: Array,
    q: Array,
    k: Array,
    v: Array,
    *,
    causal: bool,
    mask: Array | None = None,
) -> tuple[Array, Array, Array]:
    """As fused kernels do it: the scores again, then the gradients of values, weights, queries and keys."""
    of_q, of_k, of_v = np.zeros(q.shape), np.zeros(k.shape), np.zeros(v.shape)
    scale = q.shape[3] ** -0.5
    for batch, head, i in np.ndindex(*q.shape[:3]):
        shared = head // (q.shape[1] // k.shape[1])
        keys = _seen(i, k.shape[2], causal)
        weights = _weights(
            machine, q[batch, head, i], k[batch, shared], keys, mask[i] if mask is not None else None
        )
        of_weights = np.zeros(len(keys))
        for (at, j), d in itertools.product(enumerate(keys), range(v.shape[3])):
            share = gradient[batch, head, i, d].item()
            of_v[batch, shared, j, d] = machine.multiply_add(
                of_v[batch, shared, j, d].item(), weights[at].item(), share
            )
            of_weights[at] = machine.multiply_add(of_weights[at].item(), share, v[batch, shared, j, d].item())
        of_scores = weights * (of_weights - (of_weights * weights).sum()) * scale
        for (at, j), d in itertools.product(enumerate(keys), range(q.shape[3])):
            of_q[batch, head, i, d] = machine.multiply_add(
                of_q[batch, head, i, d].item(), of_scores[at].item(), k[batch, shared, j, d].item()
            )
            of_k[batch, shared, j, d] = machine.multiply_add(
                of_k[batch, shared, j, d].item(), of_scores[at].item(), q[batch, head, i, d].item()
            )
    return of_q, of_k, of_v


def run_lstm(machine: Machine, x: Array, w_ih: Array, w_hh: Array, bias: Array) -> Array:
    """(step, batch, width) through one layer; the gates are input, forget, cell and output."""
    hidden = w_hh.shape[1]
    h, c = np.zeros((x.shape[1], hidden)), np.zeros((x.shape[1], hidden))
    out = np.zeros((*x.shape[:2], hidden))
    for step in range(x.shape[0]):
        gates = machine.multiply_matrices(x[step], w_ih.T) + machine.multiply_matrices(h, w_hh.T) + bias
        i, f, g, o = np.split(gates, 4, axis=1)
        c = _sigmoid(f) * c + _sigmoid(i) * np.tanh(g)
        h = _sigmoid(o) * np.tanh(c)
        out[step] = h
    return out


def _weights(machine: Machine, query: Array, key: Array, keys: Sequence[int], mask: Array | None) -> Array:
    scores = np.zeros(len(keys))
    for (at, j), d in itertools.product(enumerate(keys), range(len(query))):
        scores[at] = machine.multiply_add(scores[at].item(), query[d].item(), key[j, d].item())
    scores *= len(query) ** -0.5
    if mask is not None:
        scores = np.where(mask[list(keys)], scores, -np.inf)
    weights = np.exp(scores - scores.max())
    return weights / weights.sum()


def _seen(query: int, keys: int, causal: bool) -> range:
    return range(min(query + 1, keys) if causal else keys)


def _sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def _pad(x: Array, padding: int) -> Array:
    return np.pad(x, [(0, 0), (0, 0), *([(padding, padding)] * (x.ndim - 2))])


def _meetings(
    out: Sequence[int], weight: Sequence[int], groups: int
) -> Iterator[tuple[tuple[int, ...], int, tuple[int, ...]]]:
    """Every output element with every weight of its channel: (output, channel in, weight)."""
    for at in np.ndindex(*out):
        group = at[1] // (out[1] // groups)
        for tap in np.ndindex(*weight[1:]):
            yield at, group * weight[1] + tap[0], (at[1], *tap)


def _spreads(x: Sequence[int], weight: Sequence[int]) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Every input element with every weight of its channel."""
    for at in np.ndindex(*x):
        for tap in np.ndindex(*weight[1:]):
            yield at, (at[1], *tap)
