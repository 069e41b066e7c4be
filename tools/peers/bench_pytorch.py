"""PyTorch as a contender of `recurrent bench training`: python3 bench_pytorch.py THREADS

nn.LSTM, nn.GRU and nn.RNN, which are oneDNN's fused kernels where PyTorch has them; Adam in its fused form; time first,
which is what these modules compute in. Ids and targets are tensors before the clock starts.
"""

import math

from bench_peer import Refusal, serve

BLOCKS = {"simpleRnn": 1, "lstm": 4, "gru": 3}
# The blocks of each gate in PyTorch's order by their places in the spec's: i f c o = i f g o; z r h → r z n.
ORDER = {"simpleRnn": [0], "lstm": [0, 1, 2, 3], "gru": [1, 0, 2]}


def start(threads):
    import torch
    from torch import nn
    from torch.nn import functional

    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)

    def reordered(layer, array):
        blocks = torch.from_numpy(array).chunk(BLOCKS[layer["type"]], dim=-1)
        return torch.cat([blocks[place] for place in ORDER[layer["type"]]], dim=-1)

    def restored(layer, tensor):
        blocks = tensor.chunk(BLOCKS[layer["type"]], dim=-1)
        order = ORDER[layer["type"]]
        return torch.cat([blocks[order.index(place)] for place in range(len(order))], dim=-1)

    class Recurrent(nn.Module):
        def __init__(self, layer, features, weights):
            super().__init__()
            refuse(layer)
            self.layer = layer
            kinds = {"simpleRnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}
            self.rnn = kinds[layer["type"]](features, layer["units"], bias=layer["bias"] != "none")
            name = layer["name"]
            self.names = [f"{name}/kernel", f"{name}/recurrent_kernel"]
            with torch.no_grad():
                self.rnn.weight_ih_l0.copy_(reordered(layer, weights[self.names[0]]).T)
                self.rnn.weight_hh_l0.copy_(reordered(layer, weights[self.names[1]]).T)
                if layer["bias"] != "none":
                    bias = reordered(layer, weights[f"{name}/bias"])
                    self.rnn.bias_ih_l0.copy_(bias if layer["bias"] == "single" else bias[0])
                    self.rnn.bias_hh_l0.copy_(torch.zeros_like(bias) if layer["bias"] == "single" else bias[1])
            if layer["bias"] == "single":  # PyTorch always has two: the second one stays zero
                self.rnn.bias_hh_l0.requires_grad_(False)

        def forward(self, x):  # [time, batch, features]
            rate = self.layer["dropout"]
            if rate and self.training:  # one mask a sequence, as in the spec
                x = x * functional.dropout(x.new_ones(1, x.shape[1], x.shape[2]), rate)
            outputs, state = self.rnn(x)
            if self.layer["returnSequences"]:
                return outputs
            return (state[0] if self.layer["type"] == "lstm" else state)[0]

        def gradients(self):
            layer, name = self.layer, self.layer["name"]
            found = {
                self.names[0]: restored(layer, self.rnn.weight_ih_l0.grad.T),
                self.names[1]: restored(layer, self.rnn.weight_hh_l0.grad.T),
            }
            if layer["bias"] == "single":
                found[f"{name}/bias"] = restored(layer, self.rnn.bias_ih_l0.grad)
            elif layer["bias"] == "double":
                both = torch.stack([self.rnn.bias_ih_l0.grad, self.rnn.bias_hh_l0.grad])
                found[f"{name}/bias"] = restored(layer, both)
            return found

    def refuse(layer):
        kind = layer["type"]
        standard = layer["activation"] == "tanh" and layer.get("recurrentActivation", "sigmoid") == "sigmoid"
        if not standard:
            raise Refusal(f"nn.{kind.upper()} has no other activations than its own")
        if layer["recurrentDropout"]:
            raise Refusal("PyTorch's recurrent layers have no recurrent dropout")
        if layer["goBackwards"]:
            raise Refusal("PyTorch's recurrent layers do not read backwards alone")
        if kind == "gru" and not (layer["resetAfter"] and layer["bias"] == "double"):
            raise Refusal("nn.GRU has two biases and resets after the product only")

    class Embedding(nn.Module):
        def __init__(self, layer, weights):
            super().__init__()
            if layer["maskZero"]:
                raise Refusal("PyTorch skips padding only at the end of a sequence, not in front")
            self.name = f"{layer['name']}/embeddings"
            self.table = nn.Embedding.from_pretrained(torch.from_numpy(weights[self.name]), freeze=False)

        def forward(self, ids):
            return self.table(ids)

        def gradients(self):
            return {self.name: self.table.weight.grad}

    class OneHot(nn.Module):
        def __init__(self, layer):
            super().__init__()
            self.depth = layer["depth"]

        def forward(self, ids):
            return functional.one_hot(ids, self.depth).float()

        def gradients(self):
            return {}

    class Dropout(nn.Dropout):
        def gradients(self):
            return {}

    class Dense(nn.Module):
        def __init__(self, layer, features, weights):
            super().__init__()
            self.name = layer["name"]
            if layer["units"] != 1 or layer["activation"] != "sigmoid" or not layer["useBias"]:
                raise Refusal("this benchmark has binary heads only")
            self.linear = nn.Linear(features, 1)
            with torch.no_grad():
                self.linear.weight.copy_(torch.from_numpy(weights[f"{self.name}/kernel"]).T)
                self.linear.bias.copy_(torch.from_numpy(weights[f"{self.name}/bias"]))

        def forward(self, x):
            return self.linear(x)[:, 0]

        def gradients(self):
            return {f"{self.name}/kernel": self.linear.weight.grad.T, f"{self.name}/bias": self.linear.bias.grad}

    def build(spec, weights):
        parts, features = [], 0
        for layer in spec["layers"]:
            kind = layer["type"]
            if kind == "embedding":
                parts.append(Embedding(layer, weights))
                features = layer["outputDim"]
            elif kind == "oneHot":
                parts.append(OneHot(layer))
                features = layer["depth"]
            elif kind in BLOCKS:
                parts.append(Recurrent(layer, features, weights))
                features = layer["units"]
            elif kind == "dropout":
                parts.append(Dropout(layer["rate"]))
            elif kind == "dense":
                parts.append(Dense(layer, features, weights))
            else:
                raise Refusal(f"this benchmark does not build {kind} in PyTorch")
        return nn.Sequential(*parts)

    class Model:
        def __init__(self, problem):
            self.net = build(problem.spec, problem.weights)
            self.ids = [torch.from_numpy(ids.T.copy()).long() for ids in problem.ids]  # [time, batch]
            self.targets = [torch.from_numpy(targets).float() for targets in problem.targets]
            trained = [p for p in self.net.parameters() if p.requires_grad]
            self.adam = torch.optim.Adam(trained, fused=True)
            self.loss = nn.BCEWithLogitsLoss()

        def gradients(self, rows):
            self.net.zero_grad()
            loss = self.loss(self.net(self.ids[0][:, :rows]), self.targets[0][:rows])
            loss.backward()
            found = {}
            for part in self.net:
                found.update({name: gradient.numpy() for name, gradient in part.gradients().items()})
            return loss.item(), found

        def losses(self, steps, learning_rate):
            seen = []
            for number in range(steps):
                # The epsilon that makes PyTorch's formula of Adam that of Keras.
                self.adam.param_groups[0]["eps"] = 1e-7 / math.sqrt(1 - 0.999 ** (number + 1))
                seen.append(self.step(number, learning_rate).item())
            return seen

        def step(self, number, learning_rate):
            at = number % len(self.ids)
            self.adam.param_groups[0]["lr"] = learning_rate
            self.adam.zero_grad(set_to_none=True)
            loss = self.loss(self.net(self.ids[at]), self.targets[at])
            loss.backward()
            self.adam.step()
            return loss.detach()

    return f"PyTorch {torch.__version__}", Model


serve(start)
