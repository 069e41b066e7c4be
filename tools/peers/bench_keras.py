"""Keras on TensorFlow as a contender of `recurrent bench training`: python3 bench_keras.py THREADS [xla]

The step is one tf.function: forward, gradient and Adam without metrics, callbacks or logs. Ids and targets are tensors
before the clock starts. Keras' own fit() does not compile it with XLA on a CPU; `xla` does.

Gradients of an embedding are made dense: on sparse ones Keras' Adam squares the gradient of each occurrence of an id
instead of their sum, which is another optimiser.
"""

import os
import sys

from bench_peer import Refusal, serve


def start(threads):
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    os.environ["KERAS_BACKEND"] = "tensorflow"
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    import keras

    xla = sys.argv[2:] == ["xla"]

    def recurrent(layer):
        kind = layer["type"]
        if layer["bias"] == "double" and kind != "gru":
            raise Refusal(f"Keras' {kind} has one bias, not two")
        if kind == "gru" and (layer["bias"] == "double") != layer["resetAfter"]:
            raise Refusal("Keras' GRU has two biases with reset after, and only then")
        shared = {
            "name": layer["name"],
            "activation": layer["activation"],
            "use_bias": layer["bias"] != "none",
            "dropout": layer["dropout"],
            "recurrent_dropout": layer["recurrentDropout"],
            "return_sequences": layer["returnSequences"],
            "go_backwards": layer["goBackwards"],
        }
        if kind == "simpleRnn":
            return keras.layers.SimpleRNN(layer["units"], **shared)
        shared["recurrent_activation"] = layer["recurrentActivation"]
        if kind == "lstm":
            return keras.layers.LSTM(layer["units"], **shared)
        return keras.layers.GRU(layer["units"], reset_after=layer["resetAfter"], **shared)

    def build(spec):
        layers = []
        for layer in spec["layers"]:
            kind, name = layer["type"], layer["name"]
            if kind == "embedding":
                embedding = keras.layers.Embedding(
                    layer["inputDim"], layer["outputDim"], mask_zero=layer["maskZero"], name=name
                )
                layers.append(embedding)
            elif kind == "oneHot":
                depth = layer["depth"]
                layers.append(keras.layers.Lambda(lambda ids, depth=depth: tf.one_hot(ids, depth), name=name))
            elif kind in ("simpleRnn", "lstm", "gru"):
                layers.append(recurrent(layer))
            elif kind == "dropout":
                layers.append(keras.layers.Dropout(layer["rate"], name=name))
            elif kind == "dense":
                layers.append(keras.layers.Dense(layer["units"], layer["activation"], layer["useBias"], name=name))
            else:
                raise Refusal(f"this benchmark does not build {kind} in Keras")
        return keras.Sequential(layers)

    class Model:
        def __init__(self, problem):
            keras.backend.clear_session()
            self.net = build(problem.spec)
            self.ids = [tf.constant(ids) for ids in problem.ids]
            self.targets = [tf.constant(targets[:, None], tf.float32) for targets in problem.targets]
            self.net(self.ids[0][:1])  # builds it: build() does not see through the one-hot layer
            self.names = list(problem.weights)
            self.weights = list(problem.weights.values())
            self.loss = keras.losses.BinaryCrossentropy()
            self.adam = keras.optimizers.Adam(epsilon=1e-7)
            self.adam.build(self.net.trainable_variables)
            self.compiled = tf.function(self.compute, jit_compile=xla)
            self.reset()

        def reset(self):
            self.net.set_weights(self.weights)
            for variable in self.adam.variables:
                variable.assign(tf.zeros_like(variable))
            self.learning_rate = None

        def loss_and_gradients(self, ids, targets):
            with tf.GradientTape() as tape:
                loss = self.loss(targets, self.net(ids, training=True))
            gradients = tape.gradient(loss, self.net.trainable_variables)
            return loss, [tf.convert_to_tensor(gradient) for gradient in gradients]

        def compute(self, ids, targets):
            loss, gradients = self.loss_and_gradients(ids, targets)
            self.adam.apply(gradients, self.net.trainable_variables)
            return loss

        def gradients(self, rows):
            loss, gradients = self.loss_and_gradients(self.ids[0][:rows], self.targets[0][:rows])
            arrays = [gradient.numpy() for gradient in gradients]
            return float(loss), dict(zip(self.names, arrays, strict=True))

        def losses(self, steps, learning_rate):
            return [float(self.step(number, learning_rate)) for number in range(steps)]

        def step(self, number, learning_rate):
            if self.learning_rate != learning_rate:
                self.adam.learning_rate.assign(learning_rate)
                self.learning_rate = learning_rate
            at = number % len(self.ids)
            return self.compiled(self.ids[at], self.targets[at]).numpy()

    return f"Keras {keras.__version__} on TensorFlow {tf.__version__}", Model


serve(start)
