"""The same work as `recurrent predict --file … --out ….jsonl` in Python: onnxruntime, and a tokenizer by the rules that the
file carries. Batches in the order of the file at the model's full length, or (--buckets) sorted by length inside chunks
and without padding, as `recurrent predict` does it.

    python peer.py model.onnx texts.txt out.jsonl [--buckets] [--threads N] [--limit N]
"""

import argparse
import json
import re
import resource
import time

import numpy as np
import onnxruntime as ort

parser = argparse.ArgumentParser()
parser.add_argument("model")
parser.add_argument("texts")
parser.add_argument("out")
parser.add_argument("--buckets", action="store_true")
parser.add_argument("--threads", type=int, default=0)
parser.add_argument("--limit", type=int, default=0)
options = parser.parse_args()

began = time.perf_counter()
settings = ort.SessionOptions()
settings.intra_op_num_threads = options.threads
session = ort.InferenceSession(options.model, settings, providers=["CPUExecutionProvider"])
carried = session.get_modelmeta().custom_metadata_map
labels, vocabulary, preprocessing = (
    json.loads(carried[f"recurrent-onnx.{name}"]) for name in ("labels", "vocabulary", "preprocessing")
)
rules, length = preprocessing["tokenizer"], preprocessing["maxLength"]
ids_of = {word: rules["firstWordId"] + place for place, word in enumerate(vocabulary)}
words_of = re.compile("[^" + re.escape(" " + rules["filters"]) + "]+").findall


def encode(text):
    words = words_of(text.lower())
    found = [ids_of.get(word, rules["oovId"]) for word in words]
    ids = [id for id in found if id is not None]
    if rules["startId"] is not None:
        ids.insert(0, rules["startId"])
    if len(ids) > length:
        ids = ids[-length:] if preprocessing["truncating"] == "pre" else ids[:length]
    return ids, len(words), sum(word in ids_of for word in words)


def predict(rows, width):
    """Rows of ids to probabilities, [rows, outputs]."""
    batch = np.zeros((len(rows), width), np.int32)
    for row, ids in zip(batch, rows):
        if ids:
            row[width - len(ids) :] = ids
    return session.run(["probabilities"], {"ids": batch})[0]


def chunks(lines, count):
    chunk = []
    for line in lines:
        chunk.append(line.rstrip("\n"))
        if len(chunk) == count:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def classify(texts):
    encoded = [encode(text) for text in texts]
    order = range(len(texts))
    if options.buckets:
        order = sorted(order, key=lambda row: len(encoded[row][0]))
    probabilities = [None] * len(texts)
    at = 0
    while at < len(order):
        if options.buckets:
            end = at + 1
            while end < len(order) and (end + 1 - at) * max(1, len(encoded[order[end]][0])) <= 8192:
                end += 1
            width = max(1, len(encoded[order[end - 1]][0]))
        else:
            end, width = min(at + 64, len(order)), length
        for row, own in zip(order[at:end], predict([encoded[row][0] for row in order[at:end]], width)):
            probabilities[row] = own
        at = end
    for text, (_, words, known), own in zip(texts, encoded, probabilities):
        scores = [1 - float(own[0]), float(own[0])] if len(own) == 1 else [float(p) for p in own]
        best = max(range(len(scores)), key=scores.__getitem__)
        yield {
            "text": text,
            "label": labels[best],
            "probability": scores[best],
            "scores": dict(zip(labels, scores)),
            "words": words,
            "knownWords": known,
        }


rows = 0
with open(options.texts, encoding="utf-8", newline="\n") as source, open(options.out, "w", encoding="utf-8") as out:
    for chunk in chunks(source, 4096):
        if options.limit and rows >= options.limit:
            break
        for classified in classify(chunk):
            out.write(json.dumps(classified, ensure_ascii=False, separators=(",", ":")) + "\n")
        rows += len(chunk)
seconds = time.perf_counter() - began
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print(json.dumps({"rows": rows, "seconds": seconds, "peakBytes": peak, "version": ort.__version__}))
