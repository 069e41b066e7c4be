"""What one step of shape A (LSTM) takes inside Keras' own fit(), its loop included: JSON on standard output.

    python3 benchmarks/training/keras_fit.py > benchmarks/training/results/keras-fit.json

The contender `keras` of `recurrent bench training` is only the compiled step, without fit()'s loop, its data adapter and its
metrics. This is what people see who call fit() on arrays: 100 batches an epoch, the median of 15 epochs after one that
compiles. Needs the packages of tools/peers/requirements-bench.txt; ids are uniform.
"""

import json
import os
import statistics
import subprocess
import sys
import time

BATCHES, EPOCHS = 100, 15


def measure(threads):
    import keras
    import numpy as np
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    layers = [keras.layers.Embedding(500, 16), keras.layers.LSTM(8), keras.layers.Dense(1, activation="sigmoid")]
    model = keras.Sequential(layers)
    model.compile(optimizer="adam", loss="binary_crossentropy")
    random = np.random.default_rng(0)
    ids = random.integers(0, 500, (64 * BATCHES, 100), dtype=np.int32)
    targets = random.integers(0, 2, (64 * BATCHES, 1)).astype(np.float32)

    def epoch():
        began = time.perf_counter()
        model.fit(ids, targets, batch_size=64, epochs=1, verbose=0)
        return 1e3 * (time.perf_counter() - began) / BATCHES

    epoch()
    times = sorted(epoch() for _ in range(EPOCHS))
    return {
        "threads": threads,
        "medianMs": statistics.median(times),
        "p10Ms": times[1],
        "p90Ms": times[-2],
        "versions": {"keras": keras.__version__, "tensorflow": tf.__version__},
    }


if len(sys.argv) > 1:
    print(json.dumps(measure(int(sys.argv[1]))))
else:  # a process for each number of threads: TensorFlow takes it only once
    quiet = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": "tensorflow"}
    runs = [subprocess.check_output([sys.executable, __file__, str(n)], env=quiet) for n in (1, 2)]
    print(json.dumps({"rows": [json.loads(run) for run in runs]}, indent=2))
