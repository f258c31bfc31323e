r"""
Noise in the inputs acts like weight decay
==========================================

A model that is trained on inputs with Gaussian noise of standard deviation s, drawn afresh at each
step, cannot afford large weights, because they make the noise large. For least squares with n rows

.. math:: E\left[\frac{1}{2n} \|y - (X + sE)\, w\|^2\right]
    = \frac{1}{2n} \left[\|y - Xw\|^2 + n s^2 \|w\|^2\right],

which is ridge regression with :math:`\alpha = n s^2`. On the diabetes table the two indeed give the
same weights.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge
from sklearn.preprocessing import scale

from skregnet import GaussianNoise, RegularizedMLPRegressor

data = load_diabetes()
X, y = scale(data.data), scale(data.target)
n = len(X)

# %%
# No penalty, only noise. Many epochs of small steps, and the average of the late weights
# (`averaging="swa"`), bring the descent to where the mean of the noisy objective is least.
stds = np.array([0.1, 0.2, 0.4, 0.7, 1.0, 1.5, 2.0])
noisy = []
for s in stds:
    model = RegularizedMLPRegressor(
        (), alpha=0, augmentation=GaussianNoise(std=s), scaling=None, solver="sgd",
        learning_rate="constant", learning_rate_init=0.005, batch_size=20, max_iter=300,
        averaging="swa", early_stopping=False, random_state=0,
    )  # fmt: skip
    noisy.append(model.fit(X, y).coefs_[0][:, 0])
noisy = np.array(noisy)
ridge = np.array([Ridge(alpha=n * s**2).fit(X, y).coef_ for s in stds])
distance = np.linalg.norm(noisy - ridge, axis=1) / np.linalg.norm(ridge, axis=1)
for s, w, d in zip(stds, noisy, distance, strict=True):
    print(f"s = {s}: |w| = {np.linalg.norm(w):.3f}, relative distance from ridge {d:.3f}")

# %%
# Five of the ten weights; s1 and s2 are two measures of cholesterol that work against each other.
fine = np.geomspace(stds[0], stds[-1], 100)
paths = np.array([Ridge(alpha=n * s**2).fit(X, y).coef_ for s in fine])
colors = {"bmi": "#D55E00", "s5": "#0072B2", "sex": "#CC79A7", "s1": "#009E73", "s2": "#E69F00"}
fig, ax = plt.subplots(figsize=(7, 4.5), layout="constrained")
for name, color in colors.items():
    j = data.feature_names.index(name)
    ax.semilogx(fine, paths[:, j], color=color)
    ax.semilogx(stds, noisy[:, j], "o", color=color)
    ax.annotate(name, (stds[0], noisy[0, j]), xytext=(-10, 0), textcoords="offset points",
                ha="right", va="center", color=color)  # fmt: skip
ax.plot([], [], "o", color="black", label="trained on noisy inputs, no penalty")
ax.plot([], [], color="black", label="ridge regression with α = n s²")
ax.axhline(0, color="black", linewidth=0.8)
ax.set(
    title="Diabetes: noise in the inputs shrinks the weights as ridge regression does",
    xlabel="s, standard deviation of the noise (in those of the column)",
    ylabel="weight (standardised units)",
    xlim=(0.07, 2.3),
)
ax.set_xticks(stds, stds)
ax.minorticks_off()
ax.legend(loc="lower right")

assert np.all(distance < 0.15)
assert np.linalg.norm(noisy[-1]) < 0.5 * np.linalg.norm(noisy[0])
plt.show()
