"""The side of a benchmark's peer: reads requests on standard input, answers on standard output.

A request is one line of JSON, then the bytes of its arrays; so is an answer. bench_pytorch.py and bench_keras.py say
what a peer is; `recurrent bench training` starts them (src/bench/training/contenders/peer.ts is the other side).
"""

import json
import os
import sys
import time
from typing import NamedTuple

import numpy as np


class Refusal(Exception):
    """What this peer cannot do, with the reason."""


class Problem(NamedTuple):
    spec: dict
    weights: dict  # name → float32 array, in the order of the layers
    ids: np.ndarray  # [batches, rows, time], int32
    targets: np.ndarray  # [batches, rows], int32


def serve(start):
    """`start(threads)` gives a peer: {'version': text, 'open': Problem → model}. A model has
    gradients(rows) → (loss, {name: array}), losses(steps, learning_rate) → [loss] and step(number, learning_rate)."""
    source, sink = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints does not land among the answers

    def answer(message, arrays=()):
        sink.write(json.dumps(message).encode() + b"\n")
        for array in arrays:
            sink.write(np.ascontiguousarray(array, dtype="<f4").tobytes())
        sink.flush()

    def array(dtype, shape):
        count = int(np.prod(shape, dtype=np.int64))
        data = source.read(4 * count)
        return np.frombuffer(data, dtype=dtype).reshape(shape).copy()

    try:
        version, open_problem = start(int(sys.argv[1]))
    except ImportError as error:
        answer({"refusal": str(error)})
        return
    answer({"version": version})

    model = None
    for line in source:
        request = json.loads(line)
        kind = request["do"]
        if kind == "open":
            weights = {w["name"]: array("<f4", w["shape"]) for w in request["weights"]}
            batches, rows, steps = request["batches"], request["rows"], request["time"]
            ids = array("<i4", (batches, rows, steps))
            targets = array("<i4", (batches, rows))
            model = None
            try:
                model = open_problem(Problem(request["spec"], weights, ids, targets))
                answer({})
            except Refusal as refusal:
                answer({"refusal": str(refusal)})
        elif kind == "gradients":
            loss, gradients = model.gradients(request["rows"])
            answer({"loss": loss}, [gradients[name] for name in request["names"]])
        elif kind == "losses":
            answer({"losses": model.losses(request["steps"], request["learningRate"])})
        elif kind == "time":
            answer({"milliseconds": timed(model, request["milliseconds"], request["learningRate"])})


def timed(model, milliseconds, learning_rate):
    """Times of single steps until `milliseconds` are over; the first one counts only where it takes half of them."""
    times = []
    began = time.perf_counter()
    number = 0
    while True:
        before = time.perf_counter()
        model.step(number, learning_rate)
        after = time.perf_counter()
        took = 1e3 * (after - before)
        if number > 0 or took > milliseconds / 2:
            times.append(took)
        number += 1
        if times and 1e3 * (after - began) >= milliseconds:
            return times
