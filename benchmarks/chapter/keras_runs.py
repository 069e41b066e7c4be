"""Models of the chapter trained by Keras itself, as the authors do, on the same reviews: what single runs of its own give.

Each run goes to results/keras.json as soon as it has ended, and none is done twice: the program may be stopped and called
again. The reviews are those that `node tools/fixtures/epoch-inputs.mjs` writes; Keras and TensorFlow as in
tools/peers/requirements-bench.txt.

    python benchmarks/chapter/keras_runs.py [--dense] lstm-dropout simple-rnn-embedding
    python benchmarks/chapter/keras_runs.py [--dense] --epoch

With --dense, Adam is given the gradient of the embedding as one tensor. On TensorFlow it gets slices, one for each place
where an id stands in the batch, and squares each of them before those of one id are added: its second moment of a row is
that of Σ g², not of (Σ g)². On PyTorch, Keras' gradient is one tensor. --epoch prints how far the losses of `lstm` are from those of test/fixtures/epoch.json.
"""

import base64
import json
import os
import sys
from pathlib import Path

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf

SEEDS = range(5)
ROOT = Path(__file__).resolve().parents[2]
CACHE, TARGET = ROOT / ".cache" / "epoch", ROOT / "benchmarks" / "chapter" / "results" / "keras.json"

LAYERS = {
    "simple-rnn-embedding": lambda: keras.layers.SimpleRNN(8),
    "lstm": lambda: keras.layers.LSTM(8),
    "lstm-dropout": lambda: keras.layers.LSTM(8, dropout=0.2),
    "gru-dropout": lambda: keras.layers.GRU(8, dropout=0.2),
}


def part(name):
    return np.fromfile(CACHE / f"ids-500{name}.u16", np.uint16).reshape(-1, 100).astype(np.int32), np.fromfile(CACHE / f"targets{name}.u8", np.uint8)


class DenseAdam(keras.optimizers.Adam):
    def update_step(self, gradient, variable, learning_rate):
        super().update_step(tf.convert_to_tensor(gradient), variable, learning_rate)


def run(model, seed, gradient):
    keras.utils.set_random_seed(seed)
    network = keras.Sequential(
        [keras.layers.Input((100,)), keras.layers.Embedding(500, 16), LAYERS[model](), keras.layers.Dense(1, activation="sigmoid")]
    )
    network.compile(optimizer=DenseAdam() if gradient == "dense" else "adam", loss="binary_crossentropy", metrics=["accuracy"])
    stop = keras.callbacks.EarlyStopping(patience=3, restore_best_weights=True)
    ids, targets = part("")
    history = network.fit(
        ids, targets, epochs=100, batch_size=64, validation_data=part("-validation"), callbacks=[stop], verbose=0
    ).history
    return {"model": model, "seed": seed, "gradient": gradient, **{name: [round(value, 4) for value in values] for name, values in history.items()}}


def epoch(gradient):
    """One epoch of `lstm` from the start and with the batches of tools/fixtures/epoch.py."""
    start = next(one for one in json.loads((CACHE / "inputs.json").read_text())["models"] if one["name"] == "lstm")
    fixture = json.loads((ROOT / "test" / "fixtures" / "epoch.json").read_text())["epochs"]
    exact = next(one for one in fixture if one["model"] == "lstm")["float64"]
    network = keras.Sequential(
        [keras.layers.Input((100,)), keras.layers.Embedding(500, 16), LAYERS["lstm"](), keras.layers.Dense(1, activation="sigmoid")]
    )
    names = ("embedding/embeddings", "lstm/kernel", "lstm/recurrent_kernel", "lstm/bias", "dense/kernel", "dense/bias")
    weights = (start["weights"][name] for name in names)
    network.set_weights([np.frombuffer(base64.b64decode(one["data"]), np.float32).reshape(one["shape"]) for one in weights])
    network.compile(optimizer=DenseAdam() if gradient == "dense" else "adam", loss="binary_crossentropy")
    ids, targets = part("")
    for step, wanted in enumerate(exact):
        network.reset_metrics()
        rows = slice(64 * step, 64 * step + 64)
        loss = float(network.train_on_batch(ids[rows], targets[rows]))
        if step in (0, 1, 10, 100, len(exact) - 1):
            print(f"{gradient}, step {step}: {loss:.7f}, off by {loss - wanted:.1e}", flush=True)


if __name__ == "__main__":
    if "--epoch" in sys.argv:
        epoch("dense" if "--dense" in sys.argv else "slices")
        sys.exit()
    runs = json.loads(TARGET.read_text())["runs"] if TARGET.exists() else []
    done = {(one["model"], one["seed"], one["gradient"]) for one in runs}
    models = [name for name in sys.argv[1:] if name != "--dense"]
    gradient = "dense" if "--dense" in sys.argv else "slices"
    for seed in SEEDS:
        for model in models:
            if (model, seed, gradient) in done:
                continue
            runs.append(run(model, seed, gradient))
            best = int(np.argmin(runs[-1]["val_loss"]))
            print(model, seed, gradient, best + 1, runs[-1]["val_loss"][best], runs[-1]["val_accuracy"][best], flush=True)
            lines = ",\n".join(json.dumps(one, separators=(",", ":")) for one in runs)
            TARGET.write_text(f'{{"keras":"{keras.__version__}","backend":"{keras.backend.backend()}","runs":[\n{lines}\n]}}\n')
