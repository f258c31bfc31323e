r"""
Prediction without masks stands for the mean over masks
=======================================================

Dropout trains many thinned networks at once. Inverted dropout divides what it keeps by the
probability p, so that for a linear layer

.. math:: E_M\left[\tfrac{1}{p} (X \odot M) W\right] = X W

holds exactly: one prediction without masks is the mean of all thinned ones. Behind a nonlinearity
this is an approximation. Here both are looked at on the digits: how far is the mean over so many
random masks from the one prediction without?
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from skregnet import RegularizedMLPClassifier, RegularizedMLPRegressor

X, y = load_digits(return_X_y=True)
X, X_test, y, y_test = train_test_split(X / 16, y, test_size=300, random_state=0, stratify=y)

# %%
# A linear model that fits the indicators of the ten classes, and a network with two hidden layers.
# With `n_samples=k` they predict the mean over k masks.
train = dict(
    alpha=1e-4, scaling=None, learning_rate="constant", learning_rate_init=3e-3, max_iter=30,
    early_stopping=False, random_state=0,
)  # fmt: skip
linear = RegularizedMLPRegressor((), input_keep_prob=0.5, target_scaling=None, **train)
deep = RegularizedMLPClassifier((64, 64), activation="relu", init="he", keep_prob=0.5, **train)
linear.fit(X, np.eye(10)[y])
deep.fit(X, y)


def distance(a, b):
    return np.sqrt(np.mean((a - b) ** 2))


n_masks = np.array([1, 3, 10, 30, 100, 300, 1000, 3000])
plain, plain_deep = linear.predict(X_test), deep.predict_proba(X_test)
far, far_deep = [], []
for k in n_masks:
    far.append(distance(linear.predict(X_test, n_samples=k), plain))
    mean_deep = deep.predict_proba(X_test, n_samples=k)
    far_deep.append(distance(mean_deep, plain_deep))
accuracy = np.mean(plain_deep.argmax(axis=1) == y_test)
accuracy_mean = np.mean(mean_deep.argmax(axis=1) == y_test)
print("distance by number of masks, linear:", np.round(far, 4))
print("distance by number of masks, deep:  ", np.round(far_deep, 4))
print(f"accuracy of the deep network without masks {accuracy:.3f}, mean {accuracy_mean:.3f}")

# %%
# The mean over k masks of the linear model has the variance
# :math:`\frac{1}{k} \frac{1 - p}{p} \sum_j x_j^2 w_j^2`, and its distance falls as this noise does.
# That of the network stops falling: what is left is the error of the rule, some hundredths. The
# class that is predicted is the same but for a few rows.
noise = np.sqrt(np.mean(X_test**2 @ linear.coefs_[0] ** 2) / n_masks)  # (1 - p) / p is 1
fig, ax = plt.subplots(figsize=(7, 4.5), layout="constrained")
ax.loglog(n_masks, far, "o-", color="#0072B2", label="linear model: exact")
ax.loglog(n_masks, far_deep, "s-", color="#D55E00", label="two hidden layers: approximate")
ax.loglog(n_masks, noise, ":", color="black", label=r"noise of k masks, $\sim 1/\sqrt{k}$")
ax.set(
    title="Predicting without masks gives the mean over masks: exactly, if linear",
    xlabel="k, number of masks averaged",
    ylabel="distance (root mean square, probability)",
)
ax.legend(loc="lower left")

assert np.all(np.abs(far / noise - 1) < 0.15)
assert far[-1] < 0.02 * np.std(plain)
assert far_deep[-1] > 3 * far_deep[0] / np.sqrt(n_masks[-1])
assert far_deep[-1] < 0.7 * far_deep[0]
assert abs(accuracy - accuracy_mean) < 0.02
plt.show()
