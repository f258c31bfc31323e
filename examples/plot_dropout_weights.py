r"""
Dropout spreads the weights
===========================

An input that may be missing at any time cannot be relied upon, so a model that is trained with
dropout shares its weight out over all inputs that say the same. For least squares on n rows of
standardised columns this is exact: with inputs that are kept with probability p, the mean over the
masks is

.. math:: E[J] = \frac{1}{2n} \|y - Xw\|^2 + \frac{1 - p}{2p} \|w\|^2,

where the second term is an L2 penalty, which is least if inputs that say the same have equal
weights.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import Ridge
from sklearn.preprocessing import scale

from skregnet import RegularizedMLPRegressor

# %%
# Six columns of the breast cancer table all measure how large the nuclei of the cells are; their
# correlations lie between 0.94 and 1.
data = load_breast_cancer()
sizes = ("radius", "perimeter", "area")
names = [f"{which} {size}" for which in ("mean", "worst") for size in sizes]
X = scale(data.data[:, [list(data.feature_names).index(name) for name in names]])
y = 2.0 * (data.target == 0) - 1.0  # 1 is malignant, -1 benign
n, p = len(X), 0.5

# %%
# Two linear models with the same start, the same batches and the same steps; the average of their
# late weights (`averaging="swa"`) takes out the noise of the steps. All rows train, as they do in
# ridge regression.


def weights(keep_prob):
    model = RegularizedMLPRegressor(
        (), input_keep_prob=keep_prob, alpha=0, scaling=None, target_scaling=None, solver="sgd",
        learning_rate="constant", learning_rate_init=0.03, batch_size=50, max_iter=150,
        averaging="swa", early_stopping=False, random_state=0,
    )  # fmt: skip
    return model.fit(X, y).coefs_[0][:, 0]


without, dropout = weights(1.0), weights(p)
ridge = Ridge(alpha=n * (1 - p) / p).fit(X, y).coef_


def columns_in_use(w):
    """How many equal columns would have the sum and the norm of w: at most 6."""
    return np.sum(w) ** 2 / np.sum(w**2)


for name, w in [("without dropout", without), ("with dropout", dropout), ("L2", ridge)]:
    figures = f"sum {w.sum():.2f}, norm {np.linalg.norm(w):.2f}"
    print(f"{name:16} {figures}, columns in use {columns_in_use(w):.2f}: {np.round(w, 2)}")

# %%
# The sums of the weights are nearly the same. Without dropout large weights of either sign work
# against each other; with dropout all six columns carry the sum together, as with L2.
place = np.arange(len(names))
fig, ax = plt.subplots(figsize=(8, 4.5), layout="constrained")
ax.bar(place - 0.2, without, 0.4, color="#E69F00", label="without dropout")
ax.bar(place + 0.2, dropout, 0.4, color="#0072B2", label=f"with dropout, p = {p}")
ax.plot(place + 0.2, ridge, "o", color="black", label="L2 (ridge regression), α = n (1 - p) / p")
ax.axhline(0, color="black", linewidth=0.8)
ax.set(
    title="Six inputs that say the same: dropout shares the weight out, as L2 does",
    xlabel="input (standardised)",
    ylabel="weight (target is ±1)",
)
ax.set_xticks(place, names)
ax.legend()

assert columns_in_use(without) < 1
assert columns_in_use(dropout) > 5
assert abs(dropout.sum() - without.sum()) < 0.3 * without.sum()
assert np.linalg.norm(dropout - ridge) < 0.15 * np.linalg.norm(ridge)
plt.show()
