"""Finds the coefficients of the rational approximation of tanh in the kernels of the wasm engine.

tanh x = min(1, x P(x^2) / Q(x^2)) on [0, limit], with the least largest error: for a fixed denominator D, minimising
max |x P - tanh(x) Q| / D is a linear program; its Q is the next D (Loeb's iteration). Needs numpy and scipy.

Where tanh differs from 1 by less than a float32 can tell, the quotient may be too large, as the minimum makes it 1. It
so passes 1 before the limit, by more than roundings can take back: what is saturated is exactly 1, its derivative 0.

    python tools/fit-tanh.py
"""

import numpy as np
from scipy.optimize import linprog

LIMIT = 10.0
SATURATED = 8.9  # 1 - tanh is 4e-8 here: the last place of a float32 below 1 is 6e-8
DEGREE = 4  # of P and of Q, in x^2

x = np.unique(np.concatenate([LIMIT * (1 - np.cos(np.linspace(0, np.pi / 2, 1200))), np.linspace(0, LIMIT, 1200)]))
z = (x / LIMIT) ** 2  # in [0, 1], for the sake of the solver
tanh = np.tanh(x)
bent = x <= SATURATED

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
        A_ub=np.block([[terms[bent] / scale, bound[bent]], [-terms / scale, bound]]),
        b_ub=np.r_[target[bent], -target],
        bounds=[(None, None)] * terms.shape[1] + [(0, None)],
        method="highs",
        options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
    )
    coefficients = solved.x[:-1] / scale
    p, q = coefficients[: DEGREE + 1], np.r_[1, coefficients[DEGREE + 1 :]]
    denominator = np.polyval(q[::-1], z)
    if (denominator <= 0).any():
        break
    quotient = x * np.polyval(p[::-1], z) / denominator
    error = np.abs(np.minimum(quotient, 1) - tanh).max()
    if best is None or error < best[0]:
        powers = LIMIT ** (2 * np.arange(DEGREE + 1))
        best = (error, p / powers, q / powers, quotient[-1] - 1)

print(f"largest error in exact arithmetic: {best[0]:.2e}")
print(f"quotient at the limit: 1 + {best[3]:.1e}")
print("P:", *map(float, best[1]))
print("Q:", *map(float, best[2]))
