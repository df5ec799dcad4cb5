#!/usr/bin/env python3
"""The disk under a durable message: 500 times a 4 KiB pwrite and an fdatasync. Prints one JSON line, times in ms.

    benches/probe.py [FOLDER]        default: the current folder

Every figure of a durable gateway belongs to a probe of the same folder in the same run: without it the figure says more
about the disk than about the gateway.
"""
import json
import os
import statistics
import sys
import tempfile
import time

N, SIZE = 500, 4096


def probe(folder):
    """(median, 95th percentile) in ms. The blocks are written anew each time, as a log of fixed size would."""
    block, times = os.urandom(SIZE), []
    with tempfile.TemporaryFile(dir=folder) as f:
        for i in range(N):
            begin = time.perf_counter()
            os.pwrite(f.fileno(), block, i * SIZE)
            os.fdatasync(f.fileno())
            times.append((time.perf_counter() - begin) * 1000)
    times.sort()
    return statistics.median(times), times[int(N * 0.95) - 1]


if __name__ == "__main__":
    where = sys.argv[1] if len(sys.argv) > 1 else "."
    median, p95 = probe(where)
    print(json.dumps({"probe": "pwrite 4 KiB + fdatasync", "n": N, "folder": os.path.abspath(where),
                      "median_ms": round(median, 4), "p95_ms": round(p95, 4)}))
