"""
The server that one would write in Python around an exported file: FastAPI on uvicorn, onnxruntime, one text a run at the
model's full length, as the plain handler of throughput.mjs has it. `POST /v1/classify {"text": …}`; tokenizer and
vocabulary are those that the file carries. uvloop and httptools, uvicorn's fast parts, are used where they are installed.

    pip install -r tools/peers/requirements-serve.txt   # fastapi 0.165.0, uvicorn 0.54.0, onnxruntime 1.32.0
    python benchmarks/serve/fastapi_server.py model.onnx [--workers 2] [--threads 1] [--port 0]

Each worker prints a line of JSON when it can answer: {"url", "pid", "versions"}. SIGTERM ends all of them.
"""

import argparse
import json
import os
import re
import socket
from contextlib import asynccontextmanager
from importlib.metadata import version

import fastapi
import numpy as np
import onnxruntime as ort
import uvicorn
from pydantic import BaseModel


def create_encoder(carried):
    """Text to ids, [1, time], by the file's own tokenizer, vocabulary and padding."""
    vocabulary, preprocessing = (json.loads(carried[f"recurrent-onnx.{name}"]) for name in ("vocabulary", "preprocessing"))
    rules, time = preprocessing["tokenizer"], preprocessing["maxLength"]
    assert preprocessing["padding"] == "pre" and preprocessing["truncating"] == "pre", "written for models that pad in front"
    ids_of = {word: rules["firstWordId"] + place for place, word in enumerate(vocabulary)}
    words_of = re.compile("[^" + re.escape(" " + rules["filters"]) + "]+").findall

    def encode(text):
        found = [ids_of.get(word, rules["oovId"]) for word in words_of(text.lower())]
        ids = [id for id in found if id is not None]
        if rules["startId"] is not None:
            ids.insert(0, rules["startId"])
        ids = ids[-time:]
        row = np.zeros((1, time), np.int32)
        if ids:
            row[0, time - len(ids) :] = ids
        return row

    return encode


class Request(BaseModel):
    text: str


def create_app():
    settings = ort.SessionOptions()
    settings.intra_op_num_threads = int(os.environ["SERVER_THREADS"])
    session = ort.InferenceSession(os.environ["SERVER_MODEL"], settings, providers=["CPUExecutionProvider"])
    carried = session.get_modelmeta().custom_metadata_map
    encode = create_encoder(carried)
    no, yes = json.loads(carried["recurrent-onnx.labels"])

    @asynccontextmanager
    async def lifespan(_app):
        versions = {name: version(name) for name in ("fastapi", "uvicorn", "onnxruntime")}
        print(json.dumps({"url": os.environ["SERVER_URL"], "pid": os.getpid(), "versions": versions}), flush=True)
        yield

    app = fastapi.FastAPI(lifespan=lifespan)

    @app.post("/v1/classify")
    async def classify(request: Request):
        # On the event loop, which the session blocks: without `async` FastAPI runs it in its pool of threads, which
        # gave two thirds of the requests a second.
        (probabilities,) = session.run(["probabilities"], {"ids": encode(request.text)})
        p = float(probabilities[0, 0])
        return {"predictions": [{"label": yes if p > 0.5 else no, "scores": {no: 1 - p, yes: p}}]}

    return app


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--threads", type=int, help="of each session (default: the cores, shared out)")
    parser.add_argument("--port", type=int, default=0, help="0: a free one")
    options = parser.parse_args()
    threads = options.threads or max(1, (os.cpu_count() or 1) // options.workers)
    os.environ.update(SERVER_MODEL=os.path.abspath(options.model), SERVER_THREADS=str(threads))
    port = options.port or free_port()
    os.environ["SERVER_URL"] = f"http://127.0.0.1:{port}"
    uvicorn.run("fastapi_server:create_app", factory=True, port=port, workers=options.workers, log_level="warning")
