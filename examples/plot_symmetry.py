r"""
Equal initial weights stay equal for ever
=========================================

If all weights of a hidden layer start at the same value c, all its units compute the same
activation and receive the same gradient,

.. math:: \frac{\partial J}{\partial W_{ij}} = \frac{\partial J}{\partial W_{ik}}
    \quad \text{for all units } j, k,

so no step of the optimizer can ever tell them apart: the layer acts as a single unit. With c = 0
even that unit is dead, because the gradient is zero. Random weights break the symmetry.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from skregnet import Constant, RegularizedMLPClassifier
from skregnet.exceptions import SymmetryWarning

# %%
# Eight hidden units look at pictures of handwritten digits. Three networks differ in ``init``
# alone. A fit that starts with equal weights warns by name; here that is what we came for.
X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X / 16, y, random_state=0)


def fit(init):
    model = RegularizedMLPClassifier(
        (8,), activation="tanh", init=init, alpha=1e-4, scaling=None, learning_rate="constant",
        learning_rate_init=0.01, max_iter=40, early_stopping=False, random_state=0,
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SymmetryWarning)
        return model.fit(X_train, y_train)


models = {"zeros": fit("zeros"), "Constant(0.1)": fit(Constant(0.1)), "Xavier": fit("xavier")}

# %%
# Each unit's 64 incoming weights make a picture of 8 x 8 pixels. After training with a constant
# start all eight pictures are the same one; after a random start each unit has its own.
fig, axes = plt.subplots(3, 1, figsize=(8, 5), layout="constrained")
for ax, (name, model) in zip(axes, models.items(), strict=True):
    W = model.coefs_[0]
    tiles = [np.pad(unit.reshape(8, 8), 1, constant_values=np.nan) for unit in W.T]
    image = ax.imshow(np.hstack(tiles), cmap="cividis", vmin=-1.5, vmax=1.5)
    ax.set(yticks=[], xticks=np.arange(8) * 10 + 4.5, xticklabels=np.arange(1, 9))
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)
    ax.set_title(f"init {name}: test accuracy {model.score(X_test, y_test):.0%}")
axes[-1].set_xlabel("hidden unit")
fig.colorbar(image, ax=axes, label="incoming weight after 40 epochs", extend="both")
fig.suptitle("Equal weights stay equal: eight units learn one picture")
plt.show()

# %%
# The claim in numbers: how far the weights of any two units are apart.
spread, accuracy = {}, {}
for name, model in models.items():
    W = model.coefs_[0]
    spread[name] = np.ptp(W, axis=1).max()
    accuracy[name] = model.score(X_test, y_test)
    print(f"{name:<14} difference of units {spread[name]:.1e}, accuracy {accuracy[name]:.3f}")

assert not any(np.any(W) for W in models["zeros"].coefs_)
assert spread["Constant(0.1)"] < 1e-3 and np.abs(models["Constant(0.1)"].coefs_[0]).max() > 0.2
assert spread["Xavier"] > 0.5
assert accuracy["zeros"] < 0.2 < accuracy["Constant(0.1)"] < 0.6 < 0.85 < accuracy["Xavier"]
