"""The whole analysis: against NVIDIA's own reports, and as the document other programs read."""

from __future__ import annotations

import functools
import itertools
import json
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from drawing.drawn import Call, Drawn, Range, Work, credits_of, drawn_traces
from drawing.draws import draws
from drawing.nsys_file import NVTX, described, global_tid
from drawing.traces import GPU, nvidia_report, read_recorded, recorded
from flopprof.analysis.arithmetic.arrays import ints
from flopprof.analysis.attribution.attribution import attribute
from flopprof.analysis.attribution.ownership import ATTRIBUTIONS, BY_THREAD
from flopprof.analysis.attribution.paths import PathNames, find_paths, thread_ids
from flopprof.analysis.breakdown.analyze import Analysis, analyze_file, analyze_trace
from flopprof.analysis.breakdown.kernels import (
    copy_rows,
    copy_rows_by_group,
    kernel_rows,
    kernel_rows_by_group,
)
from flopprof.analysis.breakdown.queue import measure_queue
from flopprof.analysis.breakdown.rows import KernelRow
from flopprof.analysis.trace.reading import read_trace
from flopprof.analysis.words import BUSY_LAYERS, IDLE_LAYERS, LAYERS
from hypothesis import given
from hypothesis import strategies as st


@functools.cache
def analyzed(name: str) -> Analysis:
    return analyze_file(recorded(name))


def reported(name: str, report: str) -> list[dict[str, str]]:
    return nvidia_report(name, report)


@pytest.mark.parametrize("name", [n for n in GPU if n != "crash"])
def test_kernels_by_range_are_nvidias_to_the_nanosecond(name: str):
    """Where ranges of one message are nested NVIDIA adds a kernel's time for each, but counts the kernel once.

    What flopprof finds in another thread's range (`attribution: process`) NVIDIA lists in none.
    """
    wanted: dict[tuple[str, int, int, str], tuple[int, int, int, int]] = {}
    for row in reported(name, "nvtx_kern_sum"):
        place = row["NVTX Range"], int(row["PID"]), int(row["TID"])
        numbers = (row[c] for c in ("Kern Inst", "Total Time (ns)", "Min (ns)", "Max (ns)"))
        wanted[*place, row["Kernel Name"]] = tuple(int(n) for n in numbers)  # pyright: ignore[reportArgumentType]
    found: dict[tuple[str, int | None, int | None, str], list[int]] = without_range(analyzed(name))
    for row in analyzed(name).range_kernels:
        if row.attribution == "thread":
            key = f"{row.domain}:{row.range}", row.pid, row.tid, row.kernel
            sums = found.setdefault(key, [0, 0, row.min_ns, row.max_ns])
            sums[0] += 0 if row.range in row.path[:-1] else row.instances
            sums[1] += row.total_ns
            sums[2:] = min(sums[2], row.min_ns), max(sums[3], row.max_ns)
    assert {key: tuple(sums) for key, sums in found.items()} == wanted


def without_range(analysis: Analysis) -> dict[tuple[str, int | None, int | None, str], list[int]]:
    """(instances, total, least, greatest) of kernels launched where their thread had no range open, by thread."""
    trace, frame = analysis.trace, analysis.trace.activities
    inside = [credit.site for credit in credits_of(analysis.attribution) if credit.kind == BY_THREAD]
    alone = ~np.isin(analysis.attribution.site, np.concatenate(inside)) & (ints(frame, "layer") == 0)
    found: dict[tuple[str, int | None, int | None, str], list[int]] = defaultdict(list)
    for row in np.flatnonzero(alone).tolist():
        pid, tid = thread_ids(trace, int(ints(trace.calls, "thread")[ints(frame, "call")[row]]))
        duration = int(ints(frame, "end_ns")[row] - ints(frame, "start_ns")[row])
        found["", pid, tid, trace.name(int(ints(frame, "name")[row]))].append(duration)
    return {key: [len(one), sum(one), min(one), max(one)] for key, one in found.items()}


@pytest.mark.parametrize("name", [n for n in GPU if n not in ("crash", "graph_graph")])
def test_projected_spans_are_nvidias_to_the_nanosecond(name: str):
    found: dict[str, int] = defaultdict(int)
    for row in analyzed(name).ranges:
        if row.projected_ns:
            found[f"{row.domain}:{row.range}"] += row.projected_ns
    wanted = {row["Range"]: int(row["Total Proj Time (ns)"]) for row in reported(name, "nvtx_gpu_proj_sum")}
    assert found == wanted


@pytest.mark.parametrize("name", [n for n in GPU if n != "crash"])
def test_kernel_totals_are_nvidias_to_the_nanosecond(name: str):
    """NVIDIA's are over all devices; only a kernel of one has a median to compare."""
    found: dict[str, list[KernelRow]] = defaultdict(list)
    for row in analyzed(name).kernels:
        found[row.kernel].append(row)
    wanted = {row["Name"]: row for row in reported(name, "cuda_gpu_kern_sum")}
    assert set(found) == set(wanted)
    for kernel, rows in found.items():
        told = wanted[kernel]
        assert sum(row.instances for row in rows) == int(told["Instances"])
        assert sum(row.total_ns for row in rows) == int(told["Total Time (ns)"])
        assert min(row.min_ns for row in rows) == int(told["Min (ns)"])
        assert max(row.max_ns for row in rows) == int(told["Max (ns)"])
        assert len(rows) > 1 or rows[0].median_ns == float(told["Med (ns)"])


COPIED = (
    "ddp",
    "graph_graph",
    "graph_node",
    "spans_across_threads",
    "streams",
    "threads",
    "three_processes",
    "torch_axis0",
    "two_gpus_swapped",
    "unified_memory",
)


@pytest.mark.parametrize("name", COPIED)
def test_copies_are_nvidias_to_the_nanosecond(name: str):
    titles = {
        "host to device": "[CUDA memcpy Host-to-Device]",
        "device to host": "[CUDA memcpy Device-to-Host]",
        "device to device": "[CUDA memcpy Device-to-Device]",
        "peer to peer": "[CUDA memcpy Peer-to-Peer]",
        "unified host to device": "[CUDA memcpy Unified Host-to-Device]",
        "unified device to host": "[CUDA memcpy Unified Device-to-Host]",
        "memset": "[CUDA memset]",
    }
    found: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for row in analyzed(name).copies:
        found[titles[row.kind]][0] += row.instances
        found[titles[row.kind]][1] += row.total_ns
    wanted = {
        r["Operation"]: [int(r["Count"]), int(r["Total Time (ns)"])]
        for r in reported(name, "cuda_gpu_mem_time_sum")
    }
    assert dict(found) == wanted


def test_another_threads_range_is_credited_where_nvidia_names_none():
    rows = [r for r in analyzed("threads").range_kernels if r.attribution == "process"]
    assert [(r.path, r.instances, r.total_ns) for r in rows] == [
        (("thread0",), 1, 17792),
        (("thread0", "mm"), 1, 17792),
    ]


def test_a_graph_launch_is_charged_once_to_its_replay():
    analysis = analyzed("graph_node")
    replay = next(r for r in analysis.ranges if r.range == "replay")
    trace = analysis.trace
    calls = trace.calls[trace.calls["name"] == trace.names.index("cudaGraphLaunch_v10000")]
    assert (replay.instances, replay.activities, len(calls)) == (20, 300, 20)
    assert replay.launch_call_ns == int((calls["end_ns"] - calls["start_ns"]).sum())


def test_whole_graphs_are_opaque_device_time_of_their_range():
    analysis = analyzed("graph_graph")
    replay = next(r for r in analysis.ranges if r.range == "replay")
    assert (replay.activities, replay.kernel_sum_ns) == (20, 0)
    assert replay.busy_ns == 1864734
    assert analysis.to_json()["trace"]["graph_mode"] == "graph"


@pytest.mark.parametrize("name", GPU)
def test_device_time_is_conserved(name: str):
    analysis = analyzed(name)
    frame = analysis.trace.activities
    assert analysis.device_ns == int((frame["end_ns"] - frame["start_ns"]).sum())
    assert analysis.device_ns == sum(k.total_ns for k in analysis.kernels) + sum(
        c.total_ns for c in analysis.copies
    ) + int((frame["end_ns"] - frame["start_ns"])[frame["layer"] == BUSY_LAYERS.index("graph")].sum())
    for window in analysis.windows:
        if window.device is not None:
            times = window.times
            layers = {layer: getattr(times, f"{layer}_ns") for layer in LAYERS}
            assert sum(layers.values()) == times.wall_ns == sum(o.ns for o in window.owners)
            assert times.busy_ns == sum(layers[layer] for layer in BUSY_LAYERS)
            assert times.idle_ns == sum(layers[layer] for layer in IDLE_LAYERS)
            assert sum(window.memcpy_kinds.values()) == times.memcpy_ns


@pytest.mark.parametrize("name", ["streams", "threads", "torch_axis0"])
def test_windows_of_instances_add_up_by_owner_and_layer(name: str):
    for kind in ("host", "device"):
        analysis = analyze_trace(read_recorded(name), range_glob="*", window=kind)
        for window in analysis.windows:
            assert sum(o.ns for o in window.owners) == window.times.wall_ns
            assert window.kind == kind


def test_device_windows_tile_from_end_to_end():
    windows = analyze_trace(read_recorded("streams"), range_glob="step", window="device").windows
    assert [w.instance for w in windows] == list(range(15))
    assert [w.payload for w in windows] == list(range(15))
    for one, other in itertools.pairwise(windows):
        assert one.start_ns + one.times.wall_ns == other.start_ns


def test_a_device_window_ends_with_the_latest_work_of_all_so_far():
    ranges = [Range(10, 20), Range(30, 40), Range(50, 60), Range(70, 80)]
    calls = [Call(12, 14), Call(32, 34), Call(52, 54)]
    work = [Work(15, 48, call=0), Work(35, 37, call=1, stream=8), Work(55, 66, call=2)]
    windows = analyze_trace(Drawn(calls, work, ranges).trace(), range_glob="r", window="device").windows
    assert [(w.start_ns, w.times.wall_ns) for w in windows] == [(10, 38), (48, 0), (48, 18), (66, 0)]


def test_a_host_window_that_misses_its_work_says_so():
    trace = read_recorded("torch_axis0")
    quality = {q.code: q.count for q in analyze_trace(trace, range_glob="matvec").quality}
    assert quality["work_outside_window"] == 59
    quality = {q.code for q in analyze_trace(trace, range_glob="matvec", window="device").quality}
    assert "work_outside_window" not in quality


def test_a_range_whose_name_looks_like_a_pattern_is_found_by_its_name(tmp_path: Path):
    export = described()
    for start, name in enumerate(("layer[0]", "layer0", "layer[0]", "layer[0]\n")):
        export.add(NVTX, start=start, end=start + 1, eventType=59, text=name, globalTid=global_tid(0, 1))
    trace = read_trace(export.write(tmp_path / "t.sqlite"))

    def found(glob: str) -> list[str]:
        return [window.name.range for window in analyze_trace(trace, range_glob=glob).windows]

    assert found("layer[0]") == found(":layer[0]") == ["layer[0]", "layer[0]"]
    assert found("layer[01]") == ["layer0"]


def test_globs_match_messages_and_domains():
    trace = read_recorded("torch_axis0")
    assert len(analyze_trace(trace, range_glob="point*").windows) == 3
    assert len(analyze_trace(trace, range_glob="ops:*").windows) == 180
    assert len(analyze_trace(trace, range_glob="*", domains=("ops",)).windows) == 180
    nothing = analyze_trace(trace, range_glob="no such range")
    assert list(nothing.windows) == []
    assert "range_not_found" in {q.code for q in nothing.quality}


def test_a_domain_without_ranges_is_named():
    quality = analyze_trace(read_recorded("torch_axis0"), domains=("ops", "opps")).quality
    assert [(q.code, q.message) for q in quality] == [
        ("domain_not_found", "no range is of the domain (opps)")
    ]


def test_without_calls_idle_time_is_one_number():
    drawn = Drawn((), [Work(5, 10)], [Range(0, 20)], has_calls=False)
    times = analyze_trace(drawn.trace()).windows[0].times
    assert (times.wall_ns, times.busy_ns, times.idle_ns, times.kernel_ns) == (20, 5, 15, 5)
    assert [getattr(times, f"{layer}_ns") for layer in IDLE_LAYERS] == [None] * 6


def test_on_the_host_a_window_is_compute_and_the_rest():
    ranges = [Range(0, 30, "measure"), Range(2, 12, "rep"), Range(3, 6, "outer"), Range(7, 12, "sum")]
    (window,) = analyze_trace(Drawn(ranges=ranges).trace(), range_glob="measure").windows
    assert (window.times.wall_ns, window.times.compute_ns, window.times.host_ns) == (30, 8, 22)
    assert window.device is None
    assert window.times.kernel_ns is None


def test_queue_time_is_split_where_the_stream_was_busy():
    calls = [Call(0, 2), Call(4, 6), Call(40, 42), Call(50, 60)]
    work = [Work(5, 20, call=0), Work(23, 30, call=1), Work(45, 48, call=2), Work(55, 70, call=3)]
    queue = measure_queue(Drawn(calls, work).trace())
    assert queue.queue_ns.tolist()[:3] == [3, 17, 3]
    assert queue.stream_wait_ns.tolist()[:3] == [0, 14, 0]
    assert queue.latency_ns.tolist()[:3] == [3, 3, 3]
    assert queue.queue_ns[3] != queue.queue_ns[3]  # began before its call ended


@draws(100)
@given(drawn_traces())
def test_queue_parts_add_up(drawn: Drawn):
    queue = measure_queue(drawn.trace())
    known = queue.queue_ns == queue.queue_ns
    for part in (queue.queue_ns, queue.stream_wait_ns, queue.latency_ns):
        assert (part[known] >= 0).all()
    assert (queue.stream_wait_ns[known] + queue.latency_ns[known] == queue.queue_ns[known]).all()


def test_kernel_rows_of_some_activities_share_out_their_time():
    trace = read_recorded("torch_axis0")
    rows = kernel_rows(trace, trace.activities.index[10:60].to_numpy())
    assert sum(r.instances for r in rows) == 50
    assert sum(r.share or 0 for r in rows) == pytest.approx(1)
    for row in rows:
        assert sum(launch.instances for launch in row.launches) == row.instances
        assert sum(launch.total_ns for launch in row.launches) == row.total_ns


@draws(50)
@given(drawn_traces(), st.data())
def test_rows_of_many_groups_are_those_of_each_by_itself(drawn: Drawn, data: st.DataObject):
    trace, groups = drawn.trace(), 4
    count = len(trace.activities)
    of = np.array(data.draw(st.lists(st.integers(0, groups - 1), min_size=count, max_size=count)), np.int64)
    rows, queue = np.argsort(of, kind="stable"), measure_queue(trace)
    each = [np.flatnonzero(of == group) for group in range(groups)]
    kernels = kernel_rows_by_group(trace, rows, of[rows], groups, queue)
    assert kernels == [kernel_rows(trace, mine, queue) for mine in each]
    assert copy_rows_by_group(trace, rows, of[rows], groups) == [copy_rows(trace, mine) for mine in each]


def test_launch_geometry_and_occupancy_are_the_recorded_ones():
    row = next(k for k in analyzed("torch_axis1").kernels if "reduce_kernel" in k.kernel)
    assert {
        (launch.grid, launch.block, launch.instances, launch.occupancy, launch.waves)
        for launch in row.launches
    } == {
        ((500, 1, 1), (32, 16, 1), 23, 1.0, 500 / 528),
        ((250, 1, 1), (32, 16, 1), 23, 1.0, 250 / 528),
        ((63, 1, 1), (32, 16, 1), 23, 1.0, 63 / 528),
    }


def test_the_document_has_every_key_and_only_plain_values():
    document = json.loads(json.dumps(analyzed("streams").to_json(), allow_nan=False))
    assert list(document) == [
        *("flopprof", "trace", "devices", "quality", "device_ns", "attributed_ns", "unattributed_ns"),
        *("windows", "ranges", "range_kernels", "kernels", "copies", "steps"),
        *("device_metrics", "range_metrics", "kernel_metrics"),
    ]
    assert set(document["trace"]) == {
        *("path", "sha256", "recorder", "schema", "exporter", "duration_ns", "graph_mode", "processes")
    }
    assert set(document["windows"][0]) == {
        *(
            "range",
            "path",
            "domain",
            "pid",
            "tid",
            "instance",
            "payload",
            "device",
            "kind",
            "start_ns",
            "wall_ns",
        ),
        *("busy_ns", "idle_ns", *(f"{layer}_ns" for layer in LAYERS), "compute_ns", "memcpy_kinds", "owners"),
    }
    assert set(document["windows"][0]["owners"][0]) == {"path", "domain", "layer", "ns", "attribution"}
    assert set(document["ranges"][0]) == {
        *(
            "range",
            "path",
            "domain",
            "style",
            "pid",
            "tid",
            "instances",
            "wall_ns",
            "activities",
            "kernel_sum_ns",
        ),
        *("busy_ns", "projected_ns", "launch_call_ns", "flops", "bytes", "attribution", "own_busy_ns"),
        *("flops_by_rate", "elements", "no_flops", "roof_share"),
    }
    assert set(document["range_kernels"][0]) == {
        *(
            "range",
            "path",
            "domain",
            "pid",
            "tid",
            "kernel",
            "attribution",
            "instances",
            "total_ns",
            "median_ns",
        ),
        *("min_ns", "max_ns"),
    }
    assert set(document["kernels"][0]) == {
        *(
            "kernel",
            "device",
            "instances",
            "total_ns",
            "median_ns",
            "min_ns",
            "max_ns",
            "launch_call_median_ns",
        ),
        *("queue_median_ns", "stream_wait_median_ns", "latency_median_ns", "launches"),
    }
    assert set(document["kernels"][0]["launches"][0]) == {
        *(
            "grid",
            "block",
            "registers",
            "static_shared_bytes",
            "dynamic_shared_bytes",
            "occupancy",
            "blocks_per_sm",
            "slots",
            "waves",
            "instances",
        ),
        *("total_ns", "median_ns"),
    }
    assert set(document["copies"][0]) == {
        *("kind", "device", "src_kind", "dst_kind", "instances", "total_ns", "bytes", "gbps", "attribution")
    }
    assert document["devices"] == [
        {
            "device": 0,
            "pid": 1006,
            "uuid": document["devices"][0]["uuid"],
            "name": "NVIDIA H200",
            "certain": True,
        }
    ]
    assert len(document["trace"]["sha256"]) == 64


@draws(200)
@given(drawn_traces())
def test_figures_of_a_path_are_those_of_the_work_credited_to_it(drawn: Drawn):
    trace = drawn.trace()
    analysis, attribution, paths = (
        analyze_trace(trace, domains=("ops",)),
        attribute(trace, ("ops",)),
        find_paths(trace),
    )
    work = sorted(drawn.work, key=lambda w: BUSY_LAYERS.index(w.layer))
    credited: dict[int, list[tuple[int, Work]]] = defaultdict(list)
    for credit in credits_of(attribution):
        for site, row in zip(credit.site.tolist(), credit.range.tolist(), strict=True):
            credited[row] += [
                (credit.kind, w) for w, s in zip(work, attribution.site, strict=True) if s == site
            ]
    found = dict(zip(sorted(paths.first.tolist()), analysis.ranges, strict=True))
    for first, row in found.items():
        mine = np.flatnonzero(paths.of_range == paths.of_range[first])
        things = [w for r in mine.tolist() for _, w in credited[r]]
        calls = [(r, w.call) for r in mine.tolist() for _, w in credited[r]]
        assert row.instances == len(mine)
        assert row.activities == len(things)
        assert row.kernel_sum_ns == sum(w.end - w.start for w in things if w.layer == "kernel")
        assert row.busy_ns == len({(w.device, now) for w in things for now in range(w.start, w.end)})
        assert row.launch_call_ns == sum(drawn.calls[c].end - drawn.calls[c].start for _, c in set(calls))  # pyright: ignore[reportArgumentType, reportCallIssue]
        spans = [[w for kind, w in credited[r] if kind == BY_THREAD] for r in mine.tolist()]
        assert row.projected_ns == sum(max(w.end for w in s) - min(w.start for w in s) for s in spans if s)


@draws(200)
@given(drawn_traces())
def test_kernels_of_a_path_have_the_credited_durations(drawn: Drawn):
    trace = drawn.trace()
    analysis, attribution, paths = (
        analyze_trace(trace, domains=("ops",)),
        attribute(trace, ("ops",)),
        find_paths(trace),
    )
    work = sorted(drawn.work, key=lambda w: BUSY_LAYERS.index(w.layer))
    kernels = [i for i, w in enumerate(work) if w.layer == "kernel"]
    wanted: dict[tuple[int, str, str], list[int]] = defaultdict(list)
    for credit in credits_of(attribution):
        for site, row in zip(credit.site.tolist(), credit.range.tolist(), strict=True):
            for i in (i for i in kernels if attribution.site[i] == site):
                key = int(paths.of_range[row]), work[i].name, ATTRIBUTIONS[credit.kind]
                wanted[key].append(work[i].end - work[i].start)
    names = PathNames(trace, paths)
    rows = [r for r in analysis.range_kernels if r.path]
    columns = ("path", "kernel", "attribution", "instances", "total_ns", "median_ns", "min_ns", "max_ns")
    numbers = sorted(tuple(getattr(r, c) for c in columns) for r in rows)
    assert numbers == sorted(
        (names[path].path, name, how, len(d), sum(d), float(np.median(d)), min(d), max(d))
        for (path, name, how), d in wanted.items()
    )
    outside = sum(r.total_ns for r in analysis.range_kernels if not r.path)
    inside = {i for i in kernels if any(attribution.site[i] in c.site for c in credits_of(attribution))}
    assert outside == sum(work[i].end - work[i].start for i in kernels if i not in inside)
