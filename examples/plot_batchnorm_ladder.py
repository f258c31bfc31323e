r"""
Batch normalization forgives the scale of the initial weights
=============================================================

Batch normalization replaces a pre-activation z by

.. math:: \gamma \, \frac{z - \mu_B}{\sqrt{\sigma_B^2 + \epsilon}} + \beta,

with mean and variance of the mini-batch, so whatever factor the weights carry is divided out. A
ladder of 16 initial scales shows it: without batch normalization a deep network learns only in a
window of scales, with it on every rung. (The largest scales learn more slowly: a step of the usual
length turns large weights by little.)
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from skregnet import Normal, RegularizedMLPClassifier

# %%
# Five hidden layers of 50 ReLU units, 10 epochs of Adam, every weight from N(0, scale²).
X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
scales = np.logspace(-4, 0, 16)


def accuracy(scale, batchnorm):
    model = RegularizedMLPClassifier(
        (50,) * 5, activation="relu", init=Normal(scale), batchnorm=batchnorm, alpha=1e-4,
        scaling="standard", learning_rate="constant", learning_rate_init=0.003, batch_size=50,
        max_iter=10, early_stopping=False, random_state=0,
    )  # fmt: skip
    return model.fit(X_train, y_train).score(X_test, y_test)


plain = np.array([accuracy(scale, False) for scale in scales])
normalized = np.array([accuracy(scale, True) for scale in scales])

# %%
fig, ax = plt.subplots(figsize=(7, 4.5), layout="constrained")
ax.semilogx(scales, normalized, "o-", color="#0072B2", label="with batch normalization")
ax.semilogx(scales, plain, "s--", color="#D55E00", label="without")
ax.axvline(np.sqrt(2 / 50), color="0.5", linestyle=":", label="He's scale for these layers")
ax.set(
    title="With batch normalization the scale of the start hardly matters",
    xlabel="standard deviation of the initial weights",
    ylabel="test accuracy after 10 epochs (share of rows)",
    ylim=(0, 1.02),
)
ax.legend(loc="lower left", bbox_to_anchor=(0.02, 0.2))
plt.show()

# %%
for scale, without, with_bn in zip(scales, plain, normalized, strict=True):
    print(f"scale {scale:8.4f}: without {without:.2f}, with {with_bn:.2f}")
n_plain, n_normalized = np.sum(plain > 0.9), np.sum(normalized > 0.9)
print(f"rungs above 90 %: {n_plain} without, {n_normalized} with, of {len(scales)}")

assert n_normalized >= 13 and normalized.min() > 0.65
assert 2 <= n_plain <= 8 and plain[:4].max() < 0.5 and plain[-1] < 0.75
