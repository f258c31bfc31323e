r"""
A good start saves epochs
=========================

In a deep network each ReLU layer multiplies the second moment of what it passes on by
:math:`\tfrac12\, n\, \mathrm{Var}(W)`, n being the number of its inputs. He's rule
:math:`\mathrm{Var}(W) = 2/n` makes this factor 1. Xavier's :math:`2/(n_{in}+n_{out})` makes it
1/2 in layers of equal width, and :math:`W \sim N(0, 0.01^2)` makes it next to nothing: signals
and gradients vanish, and training does not begin.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

import skregnet
from skregnet import SGD, Normal, RegularizedMLPClassifier

# %%
# Handwritten digits: rows of MNIST where they are at hand, else those of scikit-learn.
mnist = Path(skregnet.__file__).resolve().parents[2] / "shared" / "data" / "mnist_t10k.npz"
if mnist.exists():
    with np.load(mnist) as archive:
        X, y = archive["X"][:3000], archive["y"][:3000]
else:
    X, y = load_digits(return_X_y=True)
X = X.astype(np.float32) / X.max()

# %%
# Ten hidden layers of 64 ReLU units, plain gradient descent with momentum. The three networks
# see the same batches in the same order; they differ in ``init`` alone.
starts = {
    "N(0, 0.01²)": (Normal(0.01), "#D55E00", "-."),
    "Xavier": ("xavier", "#E69F00", "--"),
    "He": ("he", "#0072B2", "-"),
}
curves = {}
for name, (init, _, _) in starts.items():
    model = RegularizedMLPClassifier(
        (64,) * 10, activation="relu", init=init, alpha=1e-4, scaling="standard",
        solver=SGD(momentum=0.9), learning_rate="constant", learning_rate_init=0.005,
        batch_size=50, max_iter=8, early_stopping=False, random_state=0,
    ).fit(X, y)  # fmt: skip
    curves[name] = np.array(model.history_["loss"])

# %%
fig, ax = plt.subplots(figsize=(7, 4.5), layout="constrained")
for name, (_, color, style) in starts.items():
    ax.plot(np.arange(1, 9), curves[name], style, marker="o", color=color, label=name)
ax.axhline(np.log(10), color="0.5", linewidth=1, zorder=0)
ax.text(8, np.log(10) + 0.03, "guessing: ln 10", color="0.3", ha="right", va="bottom")
ax.set(
    title="Ten ReLU layers: He learns at once, Xavier late, N(0, 0.01²) not at all",
    xlabel="epoch (passes over the training rows)",
    ylabel="training loss (nats a row)",
    ylim=(0, 2.6),
)
ax.legend(title="initial weights", loc="center right")
plt.show()

# %%
for name, curve in curves.items():
    print(f"{name:<12} loss after epoch 1: {curve[0]:.2f}, after epoch 8: {curve[-1]:.2f}")

assert curves["N(0, 0.01²)"].min() > 2.25
assert curves["He"][1] < 0.75 * curves["Xavier"][1]
assert curves["He"].sum() < 0.75 * curves["Xavier"].sum() < 0.9 * curves["N(0, 0.01²)"].sum()
