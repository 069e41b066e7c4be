"""Finds the coefficients of the rational approximation of tanh in the kernels of the wasm engine.

tanh x = x P(x^2) / Q(x^2) on [0, limit], with the least largest error: for a fixed denominator D, minimising
max |x P - tanh(x) Q| / D is a linear program; its Q is the next D (Loeb's iteration). Needs numpy and scipy.

    python tools/fit-tanh.py
"""

import numpy as np
from scipy.optimize import linprog

LIMIT = 8.0  # where float32 cannot tell the result from 1 any more, but for its last bit
DEGREE = 4  # of P and of Q, in x^2

x = np.unique(np.concatenate([LIMIT * (1 - np.cos(np.linspace(0, np.pi / 2, 1200))), np.linspace(0, LIMIT, 1200)]))
z = (x / LIMIT) ** 2  # in [0, 1], for the sake of the solver
tanh = np.tanh(x)

denominator = np.ones_like(x)
best = None
for _ in range(40):
    terms = np.concatenate(
        [x[:, None] * z[:, None] ** np.arange(DEGREE + 1), -tanh[:, None] * z[:, None] ** np.arange(1, DEGREE + 1)], 1
    )
    terms /= denominator[:, None]
    target = tanh / denominator
    scale = np.abs(terms).max(0)
    bound = -np.ones((len(x), 1))
    solved = linprog(
        np.r_[np.zeros(terms.shape[1]), 1],
        A_ub=np.block([[terms / scale, bound], [-terms / scale, bound]]),
        b_ub=np.r_[target, -target],
        bounds=[(None, None)] * terms.shape[1] + [(0, None)],
        method="highs",
    )
    coefficients = solved.x[:-1] / scale
    p, q = coefficients[: DEGREE + 1], np.r_[1, coefficients[DEGREE + 1 :]]
    denominator = np.polyval(q[::-1], z)
    if (denominator <= 0).any():
        break
    error = np.abs(x * np.polyval(p[::-1], z) / denominator - tanh).max()
    if best is None or error < best[0]:
        powers = LIMIT ** (2 * np.arange(DEGREE + 1))
        best = (error, p / powers, q / powers)

print(f"largest error in exact arithmetic: {best[0]:.2e}")
print("P:", *map(float, best[1]))
print("Q:", *map(float, best[2]))
