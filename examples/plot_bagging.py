r"""
How much averaging helps: the variance law of bagging
=====================================================

Let :math:`e_i` be the error of member i of a committee on a row, :math:`v = E[e_i^2]` the members'
own error and :math:`c = E[e_i e_j]` what two of them share. The mean of k members has the squared
error

.. math:: E\left[\left(\tfrac{1}{k} \sum_i e_i\right)^2\right]
    = \frac{v}{k} + \frac{(k - 1)\, c}{k},

which falls from v towards c: averaging takes out what the members do not share, and nothing else.
`ensemble_error_decomposition` measures v and c.
"""

from copy import copy

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split

from skregnet import RegularizedMLPRegressor, ensemble_error_decomposition

X, y = load_diabetes(return_X_y=True)
y = (y - y.mean()) / y.std()
X, X_test, y, y_test = train_test_split(X, y, test_size=0.4, random_state=0)

# %%
# v and c come from a committee of forty, fitted on bootstrap draws of the rows, and predict the
# error of committees of any size.
params = dict(
    hidden_layer_sizes=(20, 20), activation="relu", init="he", scaling="standard", alpha=1e-4,
    learning_rate="constant", learning_rate_init=0.01, batch_size=50, max_iter=50,
    bootstrap=True,
)  # fmt: skip
forty = RegularizedMLPRegressor(**params, n_estimators=40, random_state=1).fit(X, y)
parts = ensemble_error_decomposition(forty, X_test, y_test)

# %%
# It is measured on committees without any of these forty: sixty other members, who form sixty
# committees of one, thirty of two, and so on.
pool = RegularizedMLPRegressor(**params, n_estimators=60, random_state=2).fit(X, y)


def measured_error(k):
    errors = []
    for start in range(0, len(pool.members_) - k + 1, k):
        committee = copy(pool)
        committee.members_ = pool.members_[start : start + k]
        errors.append(np.mean((committee.predict(X_test) - y_test) ** 2))
    return np.mean(errors)


sizes = np.arange(1, 21)
measured = np.array([measured_error(k) for k in sizes])
predicted = parts.predict_error(sizes)
worst = np.max(np.abs(measured / predicted - 1))
print(f"v = {parts.v:.3f}, c = {parts.c:.3f}")
print(f"error of 1 member {measured[0]:.3f}, of 20 members {measured[-1]:.3f}")
print(f"predicted {predicted[0]:.3f} and {predicted[-1]:.3f}; off by {worst:.1%} at most")

fig, ax = plt.subplots(figsize=(7, 4.5), layout="constrained")
ax.plot(sizes, predicted, color="#0072B2", label="predicted: v/k + (k - 1) c/k")
ax.plot(sizes, measured, "o", color="#D55E00", label="measured on other committees")
ax.axhline(parts.v, color="black", linestyle=":", label="v: one member")
ax.axhline(parts.c, color="black", linestyle="--", label="c: what all members share")
ax.set(
    title="Diabetes: the error of a committee falls from v towards c, as the law says",
    xlabel="k, members of the committee",
    ylabel="squared error on test rows (variances of the target)",
    xticks=[1, 5, 10, 15, 20],
)
ax.legend(loc="center right")

assert worst < 0.1
assert measured[-1] < 0.85 * measured[0]
assert measured[-1] > 0.9 * parts.c
plt.show()
