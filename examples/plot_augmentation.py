r"""
Augmentation: more rows from those at hand
==========================================

A digit that is moved or turned a little is the same digit. With `augmentation` each mini-batch is
transformed afresh by transforms T that leave the class as it is, so that what is minimised is

.. math:: \frac{1}{n} \sum_i E_T\left[\mathrm{loss}(T x_i, y_i)\right],

the loss on all moved images of the n rows. Where it is not known which transforms suit,
`RandomChoice` draws one for each batch, at a strength that it draws as well: automatic
augmentation, with nothing left to tune but the limits.

The images are those of MNIST where they are at hand, else the small ones of scikit-learn.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import skregnet
from skregnet import RandomChoice, RegularizedMLPClassifier, Rotate, Shift, Zoom

mnist = Path(skregnet.__file__).resolve().parents[2] / "shared" / "data" / "mnist_t10k.npz"
if mnist.exists():
    images = np.load(mnist)
    X, y, name = images["X"] / np.float32(255), images["y"], "MNIST (28 x 28 pixels)"
    pixels, degrees, max_iter, n_splits, least_gain = 2, 15, 50, 2, 0.02
else:
    X, y = load_digits(return_X_y=True)
    X, name = X / np.float32(16), "Digits (8 x 8 pixels)"
    pixels, degrees, max_iter, n_splits, least_gain = 0.5, 10, 200, 3, 0.0

augmentations = {
    "no augmentation": None,
    "shift, then rotate": [Shift(pixels), Rotate(degrees)],
    "automatic choice": RandomChoice([Shift(2 * pixels), Rotate(2 * degrees), Zoom(0.2)]),
}

# %%
# A plain network, so that nothing but the augmentation makes a difference: `init="he"` leaves out
# what the default start brings along. Few training rows, and test rows that no transform has
# touched; means over several splits.
network = dict(
    hidden_layer_sizes=(100,), activation="relu", init="he", scaling=None, alpha=1e-4,
    learning_rate="constant", learning_rate_init=3e-3, batch_size=30, max_iter=max_iter,
    dtype="float32",
)  # fmt: skip
sizes = [30, 60, 120, 240]


def accuracy(augmentation, n_rows, seed):
    X_train, X_test, y_train, y_test = train_test_split(
        X, y, train_size=n_rows, test_size=1500, random_state=seed, stratify=y
    )
    model = RegularizedMLPClassifier(**network, augmentation=augmentation, random_state=seed)
    return model.fit(X_train, y_train).score(X_test, y_test)


curves = {}
for label, augmentation in augmentations.items():
    scores = [[accuracy(augmentation, n, seed) for n in sizes] for seed in range(n_splits)]
    curves[label] = np.mean(scores, axis=0)
    print(f"{label:20} accuracy with {sizes} rows: {np.round(curves[label], 3)}")

# %%
styles = [dict(color="black", ls=":"), dict(color="#D55E00"), dict(color="#0072B2", ls="--")]
fig, ax = plt.subplots(figsize=(7, 4.5), layout="constrained")
for (label, curve), style, marker in zip(curves.items(), styles, "osd", strict=True):
    ax.semilogx(sizes, curve, marker=marker, label=label, **style)
ax.set(
    title=f"{name}: augmentation makes more of few rows",
    xlabel="training rows",
    ylabel="accuracy on test rows",
)
ax.set_xticks(sizes, sizes)
ax.minorticks_off()
ax.legend(loc="lower right")

without, moved, automatic = curves.values()
print(f"mean gain {np.mean(moved - without):.3f}, automatic {np.mean(automatic - without):.3f}")
assert np.mean(moved - without) > least_gain
assert np.mean(automatic - without) > least_gain
plt.show()
