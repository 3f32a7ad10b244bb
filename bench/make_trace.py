#!/usr/bin/env python3
"""Write a synthetic Nsight Systems SQLite export (schema 3.20.3, nsys 2025.3) of any size.

    make_trace.py OUT.sqlite --kernels 1000000 [--seed 0] [--truth OUT.csv]

Given with the project's brief to measure trace analysis by, and kept as it was given: results compare across
implementations only when all of them read the same files.

What the trace holds (one process, one GPU, two CPU threads, one stream each):
  * NVTX push/pop ranges: train_step > op; an op launches two kernels, or one CUDA graph of ten;
    1 % of the launches are outside any op range (inside the step only); a few start/end ranges
    that end on the other thread (they must not take part in containment).
  * CUPTI_ACTIVITY_KIND_RUNTIME: every launch call with two other API calls around it; each API
    call has its own correlationId. One cudaStreamSynchronize per step.
  * CUPTI_ACTIVITY_KIND_KERNEL: 10 % of the kernels come from cudaGraphLaunch, ten sharing one
    correlationId (as with --cuda-graph-trace=node). 5 % of the ops have a memcpy, 5 % a memset.
  * Kernels run in order on their stream, never before their launch; the job is launch bound, so
    streams idle between kernels.

--truth writes what an analysis must find, from the generator's own bookkeeping, not from the file:
    kind,op,kernel,count,total_ns     (op "" = inside train_step but in no op)
Needs numpy only.
"""
import argparse
import csv
import os
import sqlite3
import time

import numpy as np

SCHEMA = """
CREATE TABLE StringIds (id INTEGER NOT NULL PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE ANALYSIS_DETAILS (globalVid INTEGER NOT NULL, duration INTEGER NOT NULL,
    startTime INTEGER NOT NULL, stopTime INTEGER NOT NULL);
CREATE TABLE TARGET_INFO_SESSION_START_TIME (utcEpochNs INTEGER, utcTime TEXT, localTime TEXT);
CREATE TABLE PROFILER_OVERHEAD (start INTEGER NOT NULL, end INTEGER NOT NULL, globalTid INTEGER,
    nameId INTEGER NOT NULL, returnValue INTEGER NOT NULL);
CREATE TABLE CUPTI_ACTIVITY_KIND_RUNTIME (start INTEGER NOT NULL, end INTEGER NOT NULL,
    eventClass INTEGER NOT NULL, globalTid INTEGER, correlationId INTEGER, nameId INTEGER NOT NULL,
    returnValue INTEGER NOT NULL, callchainId INTEGER);
CREATE TABLE CUPTI_ACTIVITY_KIND_KERNEL (start INTEGER NOT NULL, end INTEGER NOT NULL,
    deviceId INTEGER NOT NULL, contextId INTEGER NOT NULL, greenContextId INTEGER,
    streamId INTEGER NOT NULL, correlationId INTEGER, globalPid INTEGER,
    demangledName INTEGER NOT NULL, shortName INTEGER NOT NULL, mangledName INTEGER,
    launchType INTEGER, cacheConfig INTEGER, registersPerThread INTEGER NOT NULL,
    gridX INTEGER NOT NULL, gridY INTEGER NOT NULL, gridZ INTEGER NOT NULL,
    blockX INTEGER NOT NULL, blockY INTEGER NOT NULL, blockZ INTEGER NOT NULL,
    staticSharedMemory INTEGER NOT NULL, dynamicSharedMemory INTEGER NOT NULL,
    localMemoryPerThread INTEGER NOT NULL, localMemoryTotal INTEGER NOT NULL,
    gridId INTEGER NOT NULL, sharedMemoryExecuted INTEGER, graphNodeId INTEGER,
    sharedMemoryLimitConfig INTEGER);
CREATE TABLE NVTX_EVENTS (start INTEGER NOT NULL, end INTEGER, eventType INTEGER NOT NULL,
    rangeId INTEGER, category INTEGER, color INTEGER, text TEXT, globalTid INTEGER,
    endGlobalTid INTEGER, textId INTEGER, domainId INTEGER, uint64Value INTEGER,
    int64Value INTEGER, doubleValue REAL, uint32Value INTEGER, int32Value INTEGER, floatValue REAL,
    jsonTextId INTEGER, jsonText TEXT, binaryData TEXT);
CREATE TABLE CUPTI_ACTIVITY_KIND_MEMSET (start INTEGER NOT NULL, end INTEGER NOT NULL,
    deviceId INTEGER NOT NULL, contextId INTEGER NOT NULL, greenContextId INTEGER,
    streamId INTEGER NOT NULL, correlationId INTEGER, globalPid INTEGER, value INTEGER NOT NULL,
    bytes INTEGER NOT NULL, graphNodeId INTEGER, memKind INTEGER);
CREATE TABLE CUPTI_ACTIVITY_KIND_MEMCPY (start INTEGER NOT NULL, end INTEGER NOT NULL,
    deviceId INTEGER NOT NULL, contextId INTEGER NOT NULL, greenContextId INTEGER,
    streamId INTEGER NOT NULL, correlationId INTEGER, globalPid INTEGER, bytes INTEGER NOT NULL,
    copyKind INTEGER NOT NULL, deprecatedSrcId INTEGER, srcKind INTEGER, dstKind INTEGER,
    srcDeviceId INTEGER, srcContextId INTEGER, dstDeviceId INTEGER, dstContextId INTEGER,
    migrationCause INTEGER, graphNodeId INTEGER, virtualAddress INTEGER, copyCount INTEGER);
CREATE TABLE CUPTI_ACTIVITY_KIND_SYNCHRONIZATION (start INTEGER NOT NULL, end INTEGER NOT NULL,
    deviceId INTEGER NOT NULL, contextId INTEGER NOT NULL, greenContextId INTEGER,
    streamId INTEGER NOT NULL, correlationId INTEGER, globalPid INTEGER,
    deprecatedSyncType INTEGER, syncType INTEGER NOT NULL, eventId INTEGER NOT NULL,
    eventSyncId INTEGER);
CREATE TABLE PROCESSES (globalPid INTEGER, pid INTEGER, name TEXT);
CREATE TABLE ThreadNames (nameId INTEGER NOT NULL, priority INTEGER, globalTid INTEGER);
CREATE TABLE TARGET_INFO_GPU (vmId INTEGER NOT NULL, id INTEGER NOT NULL, name TEXT,
    busLocation TEXT, isDiscrete INTEGER, l2CacheSize INTEGER, totalMemory INTEGER,
    memoryBandwidth INTEGER, clockRate INTEGER, smCount INTEGER, pwGpuId INTEGER, uuid TEXT,
    luid INTEGER, chipName TEXT, cuDevice INTEGER, ctxswDevPath TEXT, ctrlDevPath TEXT,
    revision INTEGER, nodeMask INTEGER, constantMemory INTEGER, maxIPC INTEGER,
    maxRegistersPerBlock INTEGER, maxShmemPerBlock INTEGER, maxShmemPerBlockOptin INTEGER,
    maxShmemPerSm INTEGER, maxRegistersPerSm INTEGER, threadsPerWarp INTEGER,
    asyncEngines INTEGER, maxWarpsPerSm INTEGER, maxBlocksPerSm INTEGER,
    maxThreadsPerBlock INTEGER, maxBlockDimX INTEGER, maxBlockDimY INTEGER, maxBlockDimZ INTEGER,
    maxGridDimX INTEGER, maxGridDimY INTEGER, maxGridDimZ INTEGER, computeMajor INTEGER,
    computeMinor INTEGER, smMajor INTEGER, smMinor INTEGER);
CREATE TABLE TARGET_INFO_CUDA_DEVICE (gpuId INTEGER, cudaId INTEGER NOT NULL, pid INTEGER NOT NULL);
CREATE TABLE TARGET_INFO_CUDA_STREAM (streamId INTEGER NOT NULL, hwId INTEGER NOT NULL,
    vmId INTEGER NOT NULL, processId INTEGER NOT NULL, contextId INTEGER NOT NULL,
    priority INTEGER NOT NULL, flag INTEGER NOT NULL);
CREATE TABLE META_DATA_CAPTURE (name TEXT NOT NULL, value TEXT);
CREATE TABLE META_DATA_EXPORT (name TEXT NOT NULL, value TEXT);
"""

ENUMS = {
    "ENUM_NSYS_EVENT_TYPE": {34: "NvtxMark", 59: "NvtxPushPopRange", 60: "NvtxStartEndRange",
                             70: "NvtxtPushPopRange", 71: "NvtxtStartEndRange", 75: "NvtxDomainCreate"},
    "ENUM_NSYS_EVENT_CLASS": {0: "TRACE_PROCESS_EVENT_CUDA_RUNTIME", 1: "TRACE_PROCESS_EVENT_CUDA_DRIVER"},
    "ENUM_CUDA_MEMCPY_OPER": {0: "CUDA_MEMCPY_KIND_UNKNOWN", 1: "CUDA_MEMCPY_KIND_HTOD",
                              2: "CUDA_MEMCPY_KIND_DTOH", 8: "CUDA_MEMCPY_KIND_DTOD"},
    "ENUM_CUDA_MEM_KIND": {0: "CUDA_MEMOPR_MEMORY_KIND_PAGEABLE", 1: "CUDA_MEMOPR_MEMORY_KIND_PINNED",
                           2: "CUDA_MEMOPR_MEMORY_KIND_DEVICE"},
    "ENUM_CUDA_KERNEL_LAUNCH_TYPE": {0: "CUDA_KERNEL_LAUNCH_TYPE_UNKNOWN",
                                     1: "CUDA_KERNEL_LAUNCH_TYPE_REGULAR"},
}

PID = 448
GLOBAL_PID = 0x1000000000000 + (PID << 24)     # as in a real export: vm, hw, process id
THREADS = [(GLOBAL_PID + PID, 7), (GLOBAL_PID + PID + 64, 13)]   # (globalTid, streamId)
T0 = 5_400_000_000                             # ns since capture start
OPS_PER_STEP = 100
GRAPH_KERNELS = 10
N_OPS, N_KERNELS = 40, 80
DOMAIN = 2
K, G, C, S, Y = range(5)                       # launch slots: kernel, graph, memcpy, memset, sync

API = {"launch": ["cudaLaunchKernel_v7000", "cudaGraphLaunch_v10000", "cudaMemcpyAsync_v3020",
                  "cudaMemsetAsync_v3020", "cudaStreamSynchronize_v3020"],
       "other": ["cudaStreamIsCapturing_v10000", "cudaEventRecord_v3020",
                 "cudaEventQuery_v3020", "cudaGetLastError_v3020", "cuKernelGetName"]}


class Strings:
    def __init__(self):
        self.ids = {}

    def __call__(self, s):
        return self.ids.setdefault(s, len(self.ids) + 1)


def kernel_names(rng):
    out = []
    for i in range(N_KERNELS):
        n = int(rng.integers(40, 900))
        body = ", ".join(f"synthetic::functor_{i}_{j}<float, (int){j}>" for j in range(n // 34 + 1))
        out.append((f"kernel_{i}", f"void synthetic::kernel_{i}<{body}>(T1, T2, T3)", f"_ZN9synthetic8kernel_{i}E"))
    return out


def one_thread(rng, n_graph, n_kernel, tid, stream):
    """The calls, ranges and GPU work of one thread; every array is in issue order."""
    n_plain = n_kernel // 2 + n_kernel % 2
    kind = np.zeros(n_graph + n_plain, np.int8)          # 0 plain op, 1 graph op, 2 the step's sync
    kind[rng.choice(len(kind), n_graph, replace=False)] = 1
    n_steps = -(-len(kind) // OPS_PER_STEP)
    step = np.arange(len(kind)) // OPS_PER_STEP
    ends = np.minimum((np.arange(n_steps) + 1) * OPS_PER_STEP, len(kind))
    kind, step = np.insert(kind, ends, 2), np.insert(step, ends, np.arange(n_steps))
    n = len(kind)
    copy = (rng.random(n) < .05) & (kind < 2)
    mset = (rng.random(n) < .05) & (kind < 2)
    named = (rng.random(n) >= .01) & (kind < 2)
    name = rng.integers(0, N_OPS, n)

    base = np.where(kind == 0, 2, 1)
    if n_kernel % 2:                                     # odd count: the last plain op has one kernel
        base[np.flatnonzero(kind == 0)[-1]] = 1
    count = base + copy + mset
    first = np.cumsum(count) - count
    op = np.repeat(np.arange(n), count)                  # per launch slot
    pos = np.arange(len(op)) - first[op]
    slot = np.where(pos < base[op], np.array([K, G, Y])[kind[op]],
                    np.where((pos == base[op]) & copy[op], C, S))

    # API calls: other, launch, other per slot
    m = len(slot)
    gap = rng.integers(300, 1500, (m, 3))
    gap[pos == 0, 0] += 3000
    new_step = np.zeros(m, bool)
    new_step[first[np.flatnonzero(np.diff(step, prepend=-1))]] = True
    gap[new_step, 0] += 20000
    dur = rng.integers(150, 600, (m, 3))
    dur[:, 1] = np.array([2500, 9000, 4000, 2500, 12000])[slot] + rng.integers(0, 2500, m)
    start = T0 + (np.cumsum(gap) + np.cumsum(dur) - dur.ravel()).reshape(m, 3)
    end = start + dur

    # NVTX
    last = first + count - 1
    o = np.flatnonzero(named)
    op_rows = start[first[o], 0] - rng.integers(100, 900, len(o)), \
        end[last[o], 2] + rng.integers(100, 290, len(o)), name[o]
    s0 = np.flatnonzero(np.diff(step, prepend=-1))
    s1 = np.append(s0[1:], n) - 1
    step_rows = start[first[s0], 0] - 1500, end[last[s1], 2] + 1000

    # GPU work: in order on the stream, not before the launch
    reps = np.where(slot == G, GRAPH_KERNELS, np.where(slot == Y, 0, 1))
    a = np.repeat(np.arange(m), reps)
    node = np.arange(len(a)) - (np.cumsum(reps) - reps)[a]
    akind = np.where(slot[a] == G, K, slot[a])
    kern = np.where(slot[a] == G, 2 * N_OPS - 1 - node, (2 * name[op[a]] + pos[a]) % N_KERNELS)
    d = (800 * rng.lognormal(1.0, .6, len(a))).astype(np.int64)
    d[akind == C] += rng.integers(2000, 20000, int((akind == C).sum()))
    ready = end[a, 1] + rng.integers(-400, 3000, len(a)) + 900 * node
    done = np.cumsum(d)
    gend = done + np.maximum.accumulate(ready - (done - d))
    return dict(tid=tid, stream=stream, slot=slot, start=start, end=end, op_rows=op_rows,
                step_rows=step_rows, a=a, akind=akind, kern=kern, node=node,
                graph=slot[a] == G, gstart=gend - d, gend=gend,
                aop=np.where(named[op[a]], name[op[a]], -1))


def insert(con, table, cols, chunk=100_000):
    """cols: {column: array or constant}; constants are put into the statement itself."""
    lit = {c: v for c, v in cols.items() if not isinstance(v, np.ndarray)}
    arr = {c: v for c, v in cols.items() if isinstance(v, np.ndarray)}
    names = [r[1] for r in con.execute(f"PRAGMA table_info({table})")]
    vals = ["?" if c in arr else "NULL" if lit.get(c) is None else str(lit[c]) for c in names]
    order = [c for c in names if c in arr]
    sql = f"INSERT INTO {table} VALUES ({','.join(vals)})"
    n = len(next(iter(arr.values())))
    for i in range(0, n, chunk):
        con.executemany(sql, zip(*(arr[c][i:i + chunk].tolist() for c in order)))
    return n


def make(path, n_kernels, seed=0, truth=None):
    rng = np.random.default_rng(seed)
    sid = Strings()
    launch_id = np.array([sid(s) for s in API["launch"]])
    other_id = np.array([sid(s) for s in API["other"]])
    op_id = np.array([sid(f"aten::op_{i:02d}") for i in range(N_OPS)])
    step_id, flow_id = sid("train_step"), sid("prefetch")
    kn = kernel_names(rng)
    kid = np.array([[sid(x) for x in k] for k in kn])
    tname = sid("python3")

    ths = []
    for i, (tid, stream) in enumerate(THREADS):
        nk = n_kernels // 2 if i else n_kernels - n_kernels // 2
        ng = nk // (10 * GRAPH_KERNELS)                  # 10 % of the kernels come from graphs
        ths.append(one_thread(rng, ng, nk - ng * GRAPH_KERNELS, tid, stream))

    if os.path.exists(path):
        os.remove(path)
    con = sqlite3.connect(path, isolation_level=None)
    con.executescript("PRAGMA page_size=4096; PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;")
    con.executescript(SCHEMA)
    for t, rows in ENUMS.items():
        con.execute(f"CREATE TABLE {t} (id INTEGER NOT NULL PRIMARY KEY, name TEXT, label TEXT)")
        con.executemany(f"INSERT INTO {t} VALUES (?,?,?)", [(k, v, v) for k, v in rows.items()])
    con.execute("BEGIN")
    cat = lambda f: np.concatenate([f(t) for t in ths])
    rows = {}

    # API calls; correlation ids rise with time over all threads, with holes
    start = cat(lambda t: t["start"].ravel())
    order = np.argsort(start, kind="stable")
    corr = np.empty(len(start), np.int64)
    corr[order] = 100 + np.cumsum(rng.integers(1, 4, len(start)))
    at = 0
    for t in ths:
        t["corr"] = corr[at:at + t["start"].size].reshape(-1, 3)
        at += t["start"].size
    name = cat(lambda t: np.stack([other_id[rng.integers(0, 5, len(t["slot"]))], launch_id[t["slot"]],
                                   other_id[rng.integers(0, 5, len(t["slot"]))]], 1).ravel())
    end = cat(lambda t: t["end"].ravel())
    rows["RUNTIME"] = insert(con, "CUPTI_ACTIVITY_KIND_RUNTIME", dict(
        start=start[order], end=end[order], eventClass=(name == other_id[4]).astype(np.int64)[order],
        globalTid=cat(lambda t: np.full(t["start"].size, t["tid"]))[order],
        correlationId=corr[order], nameId=name[order], returnValue=0))
    t_end = int(end.max())
    del start, end, name, order

    # NVTX
    con.executemany("INSERT INTO NVTX_EVENTS (start, eventType, text, globalTid, domainId) VALUES (?,75,?,?,?)",
                    [(T0 - 9000, "cuBLAS", THREADS[0][0], 1), (T0 - 8000, "synthetic", THREADS[0][0], DOMAIN)])
    s = cat(lambda t: np.concatenate([t["op_rows"][0], t["step_rows"][0]]))
    o = np.argsort(s, kind="stable")
    rows["NVTX"] = 2 + insert(con, "NVTX_EVENTS", dict(
        start=s[o], end=cat(lambda t: np.concatenate([t["op_rows"][1], t["step_rows"][1]]))[o],
        eventType=59, color=255, domainId=DOMAIN,
        globalTid=cat(lambda t: np.full(len(t["op_rows"][0]) + len(t["step_rows"][0]), t["tid"]))[o],
        textId=cat(lambda t: np.concatenate([op_id[t["op_rows"][2]],
                                             np.full(len(t["step_rows"][0]), step_id)]))[o]))
    st = ths[0]["step_rows"][0][::50] + 700              # start/end ranges, ending on the other thread
    rows["NVTX"] += insert(con, "NVTX_EVENTS", dict(
        start=st, end=st + 5_000_000, eventType=60, rangeId=np.arange(1, len(st) + 1), color=255,
        globalTid=THREADS[0][0], endGlobalTid=THREADS[1][0], textId=flow_id, domainId=DOMAIN))

    # GPU work
    gs, ge, k = cat(lambda t: t["gstart"]), cat(lambda t: t["gend"]), cat(lambda t: t["akind"])
    kern, graph = cat(lambda t: t["kern"]), cat(lambda t: t["graph"])
    gcorr = cat(lambda t: t["corr"][t["a"], 1])
    gstream = cat(lambda t: np.full(len(t["a"]), t["stream"]))
    aop = cat(lambda t: t["aop"])
    node = cat(lambda t: t["node"])
    order = np.argsort(gs, kind="stable")
    common = dict(deviceId=0, contextId=1, greenContextId=0, globalPid=GLOBAL_PID)
    i = order[k[order] == K]
    one = lambda lo, hi: rng.integers(lo, hi, N_KERNELS)[kern[i]]
    grid, block = np.array([1, 16, 132, 528, 1056, 16384])[one(0, 6)], np.array([128, 256, 512, 1024])[one(0, 4)]
    gnode = np.where(graph[i], 0x100000000 + node[i], -1)
    rows["KERNEL"] = insert(con, "CUPTI_ACTIVITY_KIND_KERNEL", dict(
        common, start=gs[i], end=ge[i], streamId=gstream[i], correlationId=gcorr[i],
        demangledName=kid[kern[i], 1], shortName=kid[kern[i], 0], mangledName=kid[kern[i], 2],
        launchType=1, cacheConfig=1, registersPerThread=one(16, 255), gridX=grid, gridY=1, gridZ=1,
        blockX=block, blockY=1, blockZ=1, staticSharedMemory=one(0, 2) * 4096,
        dynamicSharedMemory=one(0, 3) * 16384, localMemoryPerThread=0, localMemoryTotal=155713536,
        gridId=np.arange(1, len(i) + 1), sharedMemoryExecuted=32768,
        graphNodeId=np.where(graph[i], gnode, np.array(None)), sharedMemoryLimitConfig=0))
    i = order[k[order] == C]
    kind = rng.integers(1, 3, len(i))
    rows["MEMCPY"] = insert(con, "CUPTI_ACTIVITY_KIND_MEMCPY", dict(
        common, start=gs[i], end=ge[i], streamId=gstream[i], correlationId=gcorr[i],
        bytes=(ge[i] - gs[i]) * 50, copyKind=kind, srcKind=np.where(kind == 1, 1, 2),
        dstKind=np.where(kind == 1, 2, 1), copyCount=1))
    i = order[k[order] == S]
    rows["MEMSET"] = insert(con, "CUPTI_ACTIVITY_KIND_MEMSET", dict(
        common, start=gs[i], end=ge[i], streamId=gstream[i], correlationId=gcorr[i],
        value=0, bytes=rng.integers(1, 4096, len(i)) * 64, memKind=2))
    y = [(int(t["start"][j, 1]) + 500, int(t["end"][j, 1]) - 500, t["stream"], int(t["corr"][j, 1]))
         for t in ths for j in np.flatnonzero(t["slot"] == Y)]
    con.executemany("INSERT INTO CUPTI_ACTIVITY_KIND_SYNCHRONIZATION VALUES "
                    f"(?,?,0,1,NULL,?,?,{GLOBAL_PID},NULL,2,4294967295,4294967295)", sorted(y))
    rows["SYNCHRONIZATION"] = len(y)

    con.executemany("INSERT INTO StringIds VALUES (?,?)", [(v, s) for s, v in sid.ids.items()])
    stop = max(t_end, int(ge.max())) + 1_000_000
    con.execute("INSERT INTO ANALYSIS_DETAILS VALUES (?,?,?,?)", (0x1000000000000, stop, 0, stop))
    con.execute("INSERT INTO TARGET_INFO_SESSION_START_TIME VALUES "
                "(1700000000000000000,'2023-11-14T22:13:20','2023-11-14T22:13:20')")
    con.execute("INSERT INTO PROCESSES VALUES (?,?,'python3')", (GLOBAL_PID, PID))
    con.executemany("INSERT INTO ThreadNames VALUES (?,20,?)", [(tname, t) for t, _ in THREADS])
    con.execute("INSERT INTO TARGET_INFO_GPU (vmId, id, name, busLocation, isDiscrete, l2CacheSize, totalMemory,"
                " memoryBandwidth, clockRate, smCount, chipName, cuDevice, threadsPerWarp, computeMajor,"
                " computeMinor) VALUES (?,0,'Synthetic GPU','0000:00:06.0',1,62914560,150109880320,"
                "4814304000000,1980000000,132,'GH100',0,32,9,0)", (0x1000000000000,))
    con.execute("INSERT INTO TARGET_INFO_CUDA_DEVICE VALUES (0,0,?)", (PID,))
    con.executemany("INSERT INTO TARGET_INFO_CUDA_STREAM VALUES (?,0,1,?,1,0,1)", [(s, PID) for _, s in THREADS])
    con.executemany("INSERT INTO META_DATA_EXPORT VALUES (?,?)", [
        ("EXPORT_PRODUCT_NAME", "NVIDIA Nsight Systems"), ("EXPORT_PRODUCT_VERSION", "2025.3.2.0"),
        ("EXPORT_SCHEMA_VERSION", "3.20.3"), ("EXPORT_SCHEMA_VERSION_MAJOR", "3"),
        ("EXPORT_SCHEMA_VERSION_MINOR", "20"), ("EXPORT_SCHEMA_VERSION_MICRO", "3"),
        ("SYNTHETIC", f"make_trace.py kernels={n_kernels} seed={seed}")])
    con.execute("COMMIT")
    con.close()

    if truth:
        label = ["kernel", None, "memcpy", "memset"]
        key = ((k.astype(np.int64) * 64 + aop + 1) * 1024) + np.where(k == K, kern, 0)
        u, inv, cnt = np.unique(key, return_inverse=True, return_counts=True)
        tot = np.bincount(inv, weights=(ge - gs).astype(float)).astype(np.int64)
        with open(truth, "w", newline="") as f:
            w = csv.writer(f)
            w.writerow(["kind", "op", "kernel", "count", "total_ns"])
            for x, c, ns in zip(u.tolist(), cnt.tolist(), tot.tolist()):
                kk, oo, nn = x // 1024 // 64, x // 1024 % 64 - 1, x % 1024
                w.writerow([label[kk], f"aten::op_{oo:02d}" if oo >= 0 else "",
                            kn[nn][0] if kk == K else "", c, ns])
    return rows


if __name__ == "__main__":
    ap = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    ap.add_argument("out")
    ap.add_argument("--kernels", type=int, default=100_000)
    ap.add_argument("--seed", type=int, default=0)
    ap.add_argument("--truth", metavar="CSV")
    x = ap.parse_args()
    t = time.perf_counter()
    r = make(x.out, x.kernels, x.seed, x.truth)
    print(f"{x.out}: {os.path.getsize(x.out) / 1e6:.1f} MB in {time.perf_counter() - t:.1f} s; "
          + ", ".join(f"{k} {v}" for k, v in r.items()))
