r"""
Two-sided differences beat one-sided ones
=========================================

With Taylor's series,

.. math::
    \frac{J(\theta + \epsilon d) - J(\theta)}{\epsilon} &= g^T d + O(\epsilon), \\
    \frac{J(\theta + \epsilon d) - J(\theta - \epsilon d)}{2\epsilon} &= g^T d + O(\epsilon^2),

while rounding adds an error of about :math:`u |J| / \epsilon`, where u = 1.1e-16. Two-sided
differences reach a much smaller error before rounding takes over, which is why the gradient check
uses them, with a step near :math:`u^{1/3}`.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.preprocessing import scale

from skregnet import SquaredError, Xavier
from skregnet.core.activations import Tanh
from skregnet.core.dense import Dense
from skregnet.core.network import Network
from skregnet.core.objective import Objective
from skregnet.core.penalties import ElasticNet
from skregnet.core.vector import Vector

# %%
# The objective of a small tanh network on the diabetes table, with an L2 penalty, at the initial
# weights.
X, y = load_diabetes(return_X_y=True)
X, Y = scale(X), scale(y)[:, np.newaxis]
network = Network((Dense(10, 8, Xavier()), Tanh(), Dense(8, 1, Xavier())))
l2 = ElasticNet(strengths=((0, network.layout.n_weights, 1.0),), l1_ratio=0.0)
objective = Objective(network, SquaredError(), [l2], total_weight=len(X), dtype=np.float64)

rng = np.random.default_rng(0)
theta = network.initialize(rng, np.float64)
directions = rng.normal(size=(20, theta.data.size))
directions /= np.linalg.norm(directions, axis=1, keepdims=True)


def J(data):
    return objective.value_and_gradient(Vector(network.layout, data), X, Y)


J_here = J(theta.data)
gradient = objective.gradient.data.copy()
slopes = directions @ gradient

# %%
# Errors are means over 20 random directions d of length 1.
steps = np.logspace(-12, 0, 49)
one_sided, two_sided = np.empty((2, len(steps), len(directions)))
for i, eps in enumerate(steps):
    for j, d in enumerate(directions):
        ahead, behind = J(theta.data + eps * d), J(theta.data - eps * d)
        one_sided[i, j] = abs((ahead - J_here) / eps - slopes[j])
        two_sided[i, j] = abs((ahead - behind) / (2 * eps) - slopes[j])
one_sided, two_sided = one_sided.mean(axis=1), two_sided.mean(axis=1)


def order(errors, low, high):
    """Slope of the error in the log-log picture between two steps."""
    here = (low <= steps) & (steps <= high)
    return np.polyfit(np.log(steps[here]), np.log(errors[here]), 1)[0]


order_1, order_2 = order(one_sided, 1e-6, 1e-2), order(two_sided, 1e-4, 1e-1)

# %%
fig, ax = plt.subplots(figsize=(7, 4.7), layout="constrained")
for errors, style, color, label in [
    (one_sided, "s-", "#D55E00", f"one-sided: slope {order_1:.2f}"),
    (two_sided, "o-", "#0072B2", f"two-sided: slope {order_2:.2f}"),
]:
    ax.loglog(steps, errors, style, color=color, markersize=4, label=label)
u = np.finfo(np.float64).eps / 2
ax.loglog(steps, u * J_here / steps, ":", color="0.4", label="rounding: u |J| / ε")
ax.axvline(u ** (1 / 3), color="0.4", linestyle="--", linewidth=1, label="ε = u$^{1/3}$")
ax.set(
    title="Two-sided differences: error ε² instead of ε",
    xlabel="step ε (units of the parameters)",
    ylabel="error of the directional derivative",
    ylim=(1e-13, 1),
)
ax.legend(loc="upper left")
plt.show()

# %%
print(f"orders {order_1:.3f} and {order_2:.3f}; "
      f"least errors {one_sided.min():.1e} and {two_sided.min():.1e}")  # fmt: skip
print(f"best steps {steps[one_sided.argmin()]:.0e} and {steps[two_sided.argmin()]:.0e}")

assert abs(order_1 - 1) < 0.1 and abs(order_2 - 2) < 0.1
assert abs(order(two_sided, 1e-12, 1e-8) + 1) < 0.25  # the rounding floor
assert two_sided.min() < one_sided.min() / 20
assert 1e-7 < steps[two_sided.argmin()] < 1e-3
