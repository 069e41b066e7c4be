"""
Stands for Triton's ONNX Runtime backend, which no package brings: a model of its Python backend that runs the model.onnx
beside it by onnxruntime, under the same configuration.
"""
import os

import onnxruntime
import triton_python_backend_utils as pb_utils

outputs = ["logits", "probabilities"]


class TritonPythonModel:
    def initialize(self, args):
        path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "model.onnx")
        self.session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])

    def execute(self, requests):
        return [self.answer(request) for request in requests]

    def answer(self, request):
        ids = pb_utils.get_input_tensor_by_name(request, "ids").as_numpy()
        values = self.session.run(outputs, {"ids": ids})
        return pb_utils.InferenceResponse([pb_utils.Tensor(*each) for each in zip(outputs, values)])
