"""ONNX' own checker as a second opinion on exported files: python3 check_onnx.py FILE…

Prints one JSON object: {"version": …, "faults": {file: message}}. Needs the package onnx (1.17 or newer).
"""

import json
import sys

import onnx


def fault(path: str) -> str | None:
    try:
        model = onnx.load(path)
        onnx.checker.check_model(model, full_check=True)
        onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    except Exception as error:  # the checker's errors have no common base
        return str(error)
    return None


faults = {path: message for path in sys.argv[1:] if (message := fault(path))}
print(json.dumps({"version": onnx.__version__, "faults": faults}))
