"""Asks a server by NVIDIA's own clients. Arguments: HTTP address, gRPC address. Prints one JSON object."""

import json
import sys

import numpy
import tritonclient.grpc as over_grpc
import tritonclient.http as over_http

http_address, grpc_address = sys.argv[1:]
texts = ["w1 w2, w3", "w29 and nothing else", "", "w4 w5 w6 w7 w8 w9 w10"]
pieces = ["w1 w2", "w9", "w3 w4"]
found = {}


def ask(client, kit, name, sequence, **options):
    """Probabilities of all texts, and of the ids 1 2 3 as INT32 and INT64."""
    text = kit.InferInput("text", [len(texts)], "BYTES")
    text.set_data_from_numpy(numpy.array([each.encode() for each in texts], dtype=object), **options)
    answer = client.infer("mail", [text], request_id="mine")
    labels = [each.decode() if isinstance(each, bytes) else each for each in answer.as_numpy("label").tolist()]
    ids = {}
    for datatype, kind in (("INT32", numpy.int32), ("INT64", numpy.int64)):
        tensor = kit.InferInput("ids", [1, 3], datatype)
        tensor.set_data_from_numpy(numpy.array([[1, 2, 3]], dtype=kind), **options)
        output = kit.InferRequestedOutput("probabilities")
        ids[datatype] = client.infer("mail", [tensor], outputs=[output]).as_numpy("probabilities").ravel().tolist()
    try:
        bad = kit.InferInput("ids", [1, 3], "INT32")
        bad.set_data_from_numpy(numpy.array([[1, 2, 99]], dtype=numpy.int32), **options)
        client.infer("mail", [bad])
        error = None
    except Exception as exception:
        error = str(exception)
    so_far = []
    for at, piece in enumerate(pieces):
        tensor = kit.InferInput("text", [1], "BYTES")
        tensor.set_data_from_numpy(numpy.array([piece.encode()], dtype=object), **options)
        place = {"sequence_start": at == 0, "sequence_end": at == len(pieces) - 1}
        answer_so_far = client.infer("mail", [tensor], sequence_id=sequence, **place)
        so_far += answer_so_far.as_numpy("probabilities").ravel().tolist()
    found[name] = {
        "pieces": so_far,
        "live": client.is_server_live(),
        "ready": client.is_server_ready(),
        "model ready": client.is_model_ready("mail"),
        "labels": labels,
        "probabilities": answer.as_numpy("probabilities").ravel().tolist(),
        "ids": ids,
        "error": error,
    }


with over_http.InferenceServerClient(http_address) as client:
    ask(client, over_http, "http binary", 7, binary_data=True)
    ask(client, over_http, "http", "a name", binary_data=False)
    found["metadata"] = client.get_model_metadata("mail")
    found["server"] = client.get_server_metadata()
    found["index"] = client.get_model_repository_index()
    text = over_http.InferInput("text", [1], "BYTES")
    text.set_data_from_numpy(numpy.array([b"w1"], dtype=object))
    found["packed"] = {
        kind: client.infer("mail", [text], request_compression_algorithm=kind).as_numpy("probabilities").ravel().tolist()
        for kind in ("gzip", "deflate")
    }
    client.unload_model("mail")
    found["unloaded"] = client.is_model_ready("mail")
    client.load_model("mail")
    found["loaded"] = client.is_model_ready("mail")

with over_grpc.InferenceServerClient(grpc_address) as client:
    ask(client, over_grpc, "grpc", 8)
    ask(client, over_grpc, "grpc by name", "another name")
    found["grpc metadata"] = client.get_model_metadata("mail", as_json=True)

print(json.dumps(found))
