r"""
Scaled inputs allow a much larger learning rate
===============================================

Gradient descent on a quadratic :math:`J` with Hessian H converges only for learning rates below
:math:`2 / \lambda_{max}(H)`, and then needs a number of steps in proportion to the condition number
:math:`\lambda_{max} / \lambda_{min}`. For the squared error
:math:`H = \frac{1}{n} [X, 1]^T [X, 1]`, so columns of unlike size and far from zero make
:math:`\lambda_{max}` huge. Scaling each column to mean 0 and variance 1 cures it.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.preprocessing import StandardScaler

from skregnet import SGD, RegularizedMLPRegressor
from skregnet.exceptions import DivergenceWarning

# %%
# The diabetes table in its own units: age in years, blood pressure in mm Hg and so on.
X, y = load_diabetes(return_X_y=True, scaled=False)


def eigenvalues(X):
    """Of the Hessian of the squared error, intercept included."""
    with_intercept = np.column_stack([X, np.ones(len(X))])
    return np.linalg.eigvalsh(with_intercept.T @ with_intercept / len(X))


def loss_after_training(scaling, rate):
    """Loss after 200 steps of gradient descent on all rows; infinite if it diverged."""
    model = RegularizedMLPRegressor(
        (), init="zeros", alpha=0, scaling=scaling, solver=SGD(momentum=0.0), batch_size=len(X),
        learning_rate="constant", learning_rate_init=rate, max_iter=200, early_stopping=False,
        random_state=0,
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("error", DivergenceWarning)
        try:
            return model.fit(X, y).history_["loss"][-1]
        except DivergenceWarning:
            return np.inf


# %%
# A linear model and 41 learning rates. Training starts at the mean of the target, where the loss
# is 1/2; a run converges if it ends below.
rates = np.logspace(-7, 1, 41)
cases = {
    "as it is": (None, X, "#D55E00", "s--"),
    "scaled": ("standard", StandardScaler().fit_transform(X), "#0072B2", "o-"),
}
largest, limit, condition, best = {}, {}, {}, {}
fig, ax = plt.subplots(figsize=(7.5, 4.7), layout="constrained")
for name, (scaling, inputs, color, style) in cases.items():
    losses = np.array([loss_after_training(scaling, rate) for rate in rates])
    values = eigenvalues(inputs)
    limit[name], condition[name] = 2 / values[-1], values[-1] / values[0]
    largest[name], best[name] = rates[losses < 0.5].max(), losses.min()
    label = f"X {name}: condition number {condition[name]:.0e}"
    ax.semilogx(rates, losses, style, color=color, markersize=4, label=label)
    label = f"its limit 2/λₘₐₓ = {limit[name]:.2g}"
    ax.axvline(limit[name], color=color, linestyle=":", label=label)
ax.set(
    title="Scaling allows a learning rate more than 10,000 times larger",
    xlabel="learning rate",
    ylabel="loss after 200 steps (half the variance\nof the target that is left; above: diverged)",
    ylim=(0.2, 0.75),
)
ax.legend(loc=(0.4, 0.68), fontsize="small")
plt.show()

# %%
for name in cases:
    print(f"X {name:<8}: condition number {condition[name]:.1e}, limit {limit[name]:.2e}, "
          f"largest rate {largest[name]:.2e}, best loss {best[name]:.3f}")  # fmt: skip
    assert 0.75 * limit[name] < largest[name] < 1.05 * limit[name]

assert condition["as it is"] > 1e6 > 1e3 > condition["scaled"]
assert largest["scaled"] > 10_000 * largest["as it is"]
assert best["scaled"] < 0.26 < 0.33 < best["as it is"]
