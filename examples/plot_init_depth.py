r"""
Too large, too small, just right: activations of a deep network at its start
=============================================================================

Each layer multiplies the variance of what it receives by about :math:`n \, \mathrm{Var}(W)`, n
being the number of its inputs. With :math:`W \sim N(0, 1)` the pre-activations are so large that
sigmoids saturate at 0 and 1, where their slope, and with it the gradient, is zero. With
:math:`N(0, 0.01^2)` every unit returns the same value whatever the input. Xavier's Var(W) = 1/n
keeps the activations spread, and for ReLU He's 2/n does.
"""

import matplotlib.pyplot as plt
import numpy as np

from skregnet import He, LeCun, Normal, RegularizedMLPClassifier
from skregnet.layerwise import inspect_layers

# %%
# Synthetic rows, 1000 of 100 standard normal columns; five hidden layers of 100 units; no training.
rng = np.random.default_rng(0)
X, y = rng.normal(size=(1000, 100)), rng.integers(2, size=1000)

starts = {
    "sigmoid, N(0, 1):\nsaturated": ("logistic", Normal(1.0), "#D55E00"),
    "sigmoid, N(0, 0.01²):\ncollapsed": ("logistic", Normal(0.01), "#E69F00"),
    "sigmoid, Xavier 1/n:\nspread": ("logistic", LeCun(), "#56B4E9"),
    "tanh, Xavier 1/n:\nspread": ("tanh", LeCun(), "#0072B2"),
    "ReLU, He 2/n:\nspread": ("relu", He(), "#009E73"),
}
activations = {}
for name, (activation, init, _) in starts.items():
    network = RegularizedMLPClassifier(
        (100,) * 5, activation=activation, init=init, scaling=None, random_state=0
    )
    activations[name] = [layer.A for layer in inspect_layers(network, X, y)[:5]]

# %%
# Two numbers stand above each histogram: the standard deviation of all values, and its mean within
# a unit, over the rows. The second one is what carries information.
limits = {"logistic": (0, 1), "tanh": (-1, 1), "relu": (0, 4)}
fig, axes = plt.subplots(5, 5, figsize=(10, 9), layout="constrained", sharey="row")
for row, (name, (activation, _, color)) in zip(axes, starts.items(), strict=True):
    low, high = limits[activation]
    for ax, A in zip(row, activations[name], strict=True):
        weights = np.full(A.size, 1 / A.size)
        ax.hist(A.ravel(), np.linspace(low, high, 31), weights=weights, color=color)
        ax.set(xticks=[low, (low + high) / 2, high])
        ax.set_title(f"std {A.std():.2g}, in a unit {A.std(axis=0).mean():.1g}", fontsize="small")
    row[0].set_ylabel(f"{name}\n(share of values)")
for number, ax in enumerate(axes[-1], start=1):
    ax.set_xlabel(f"activation in layer {number}")
fig.suptitle("Initial weights decide what reaches the deep layers")
plt.show()

# %%
# The sigmoid is a special case: its outputs stay spread with Xavier's rule, but mostly *between*
# units. Its slope is 1/4 at most, so what varies with the input still fades, by 1/4 a layer. Tanh
# and ReLU keep it.
within = {name: [A.std(axis=0).mean() for A in layers] for name, layers in activations.items()}
for name, values in within.items():
    print(f"{name.splitlines()[0]:<22} std in a unit:", "  ".join(f"{v:.1e}" for v in values))
large, small, xavier, tanh, he = activations.values()


def saturated(A):
    """Share of sigmoid outputs with a slope below 0.05, a fifth of the largest."""
    return np.mean(A * (1 - A) < 0.05)


print(f"saturated: {saturated(large[4]):.0%} with N(0, 1), {saturated(xavier[4]):.0%} with Xavier")

assert min(map(saturated, large)) > 0.5 and max(map(saturated, xavier[1:])) < 0.01
assert max(np.abs(A - 0.5).max() for A in small[1:]) < 0.1 and small[4].std(axis=0).max() < 1e-7
assert min(A.std() for A in xavier) > 5 * small[4].std()
assert xavier[4].std(axis=0).mean() < 0.01 * xavier[0].std(axis=0).mean()
assert min(A.std(axis=0).mean() for A in tanh) > 0.25
assert min(A.std(axis=0).mean() for A in he) > 0.2
