r"""
A larger alpha makes a smoother decision boundary
=================================================

The penalty :math:`\frac{\alpha}{2S} \sum_l \|W_l\|_F^2` (S rows) makes steep functions expensive:
a boundary that bends around single points needs large weights. As alpha grows, the norm of the
weights falls and the boundary bends less, down to a nearly straight line.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_moons

from skregnet import RegularizedMLPClassifier

# %%
# Synthetic data: two moons, 200 points with noise of standard deviation 0.3, so that no sensible
# boundary separates them all. One hidden layer of 32 tanh units, fitted to the end by L-BFGS.
X, y = make_moons(200, noise=0.3, random_state=0)


def fit(alpha):
    return RegularizedMLPClassifier(
        (32,), activation="tanh", init="xavier", scaling="standard", alpha=alpha, solver="lbfgs",
        max_iter=10_000, random_state=0,
    ).fit(X, y)  # fmt: skip


def turning(path):
    """By how many degrees the tangent of a path turns, left or right, all along it."""
    angle = np.unwrap(np.arctan2(*np.diff(path, axis=0).T))
    return np.degrees(np.abs(np.diff(angle)).sum())


# %%
# Colours show the probability of the upper moon; the boundary is the line where it is 1/2.
alphas = [0.001, 0.1, 10]
x1, x2 = np.meshgrid(np.linspace(-2, 3, 200), np.linspace(-1.5, 2, 200))
grid = np.column_stack([x1.ravel(), x2.ravel()])
fig, axes = plt.subplots(1, 3, figsize=(11, 3.5), layout="constrained", sharey=True)
norms, turns = [], []
for ax, alpha in zip(axes, alphas, strict=True):
    model = fit(alpha)
    p = model.predict_proba(grid)[:, 1].reshape(x1.shape)
    shades = ax.contourf(x1, x2, p, np.linspace(0, 1, 11), cmap="cividis", alpha=0.7)
    [pieces] = ax.contour(x1, x2, p, [0.5], colors="k", linewidths=1.5).allsegs
    for label, marker, color in [(0, "o", "#00224E"), (1, "^", "#D55E00")]:
        ax.scatter(*X[y == label].T, 20, color, marker=marker, edgecolors="0.8", linewidths=0.5,
                   label=f"class {label}")  # fmt: skip
    norms.append(np.sqrt(sum(np.sum(W**2) for W in model.coefs_)))
    turns.append(sum(map(turning, pieces)))
    ax.set(
        title=f"alpha = {alpha}\n‖W‖ = {norms[-1]:.1f}, turning {turns[-1]:,.0f}°",
        xlabel="$x_1$ (no unit)",
        aspect="equal",
    )
axes[0].set_ylabel("$x_2$ (no unit)")
axes[0].legend(loc="lower left")
fig.colorbar(shades, ax=axes, label="predicted probability of class 1", shrink=0.95)
fig.suptitle("A larger alpha: smaller weights, a boundary that turns less")
plt.show()

# %%
for alpha, norm, turn in zip(alphas, norms, turns, strict=True):
    print(f"alpha {alpha:<6} norm of the weights {norm:5.1f}, boundary turns {turn:5.0f} degrees")

assert norms[0] > 2 * norms[1] > 8 * norms[2]
assert turns[0] > 2 * turns[1] and turns[1] > 100 > turns[2]
