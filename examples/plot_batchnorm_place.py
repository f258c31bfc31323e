r"""
Batch normalization works before and after the activation
=========================================================

Batch normalization was proposed before the activation, :math:`\phi(\mathrm{BN}(W x))`; many place
it after, :math:`\mathrm{BN}(\phi(W x + b))`. Either place wakes a deep sigmoid network that does
not learn without it. After the activation the loss falls faster here, because the next layer's
inputs are then centred, which sigmoid outputs are not. On rows held out both end up alike.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import skregnet
from skregnet import SGD, RegularizedMLPClassifier

# %%
# Handwritten digits: rows of MNIST where they are at hand, else those of scikit-learn.
mnist = Path(skregnet.__file__).resolve().parents[2] / "shared" / "data" / "mnist_t10k.npz"
if mnist.exists():
    with np.load(mnist) as archive:
        X, y = archive["X"][:3000], archive["y"][:3000]
else:
    X, y = load_digits(return_X_y=True)
X = X.astype(np.float32) / X.max()
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=1 / 3, random_state=0)

# %%
# Six hidden layers of 50 sigmoid units, gradient descent with momentum, three seeds a network.
# A sigmoid network is where the technique matters: ReLU layers of this depth that start by He's
# rule learn about as fast without it.
places = {
    "without": (False, "#D55E00", "-."),
    "before the activation": ("before", "#0072B2", "-"),
    "after the activation": ("after", "#009E73", "--"),
}
N_EPOCHS, SEED = 10, 0
loss, accuracy = {}, {}
for name, (place, _, _) in places.items():
    models = [
        RegularizedMLPClassifier(
            (50,) * 6, activation="logistic", init="xavier", batchnorm=place, alpha=1e-4,
            scaling="standard", solver=SGD(momentum=0.9), learning_rate="constant",
            learning_rate_init=0.02, batch_size=50, max_iter=N_EPOCHS, early_stopping=False,
            random_state=seed,
        ).fit(X_train, y_train)
        for seed in range(SEED, SEED + 3)
    ]  # fmt: skip
    loss[name] = np.array([model.history_["loss"] for model in models])
    accuracy[name] = np.mean([model.score(X_test, y_test) for model in models])

# %%
epochs = np.arange(1, N_EPOCHS + 1)
fig, ax = plt.subplots(figsize=(7, 4.5), layout="constrained")
for name, (_, color, style) in places.items():
    label = f"{name}: test accuracy {accuracy[name]:.0%}"
    ax.plot(epochs, loss[name].mean(axis=0), style, marker="o", color=color, label=label)
    low, high = loss[name].min(axis=0), loss[name].max(axis=0)
    ax.fill_between(epochs, low, high, color=color, alpha=0.2, linewidth=0)
ax.set(
    title="Batch normalization in either place wakes a deep sigmoid network",
    xlabel="epoch (passes over the training rows)",
    ylabel="training loss (nats a row)",
    ylim=(0, 2.5),
)
ax.legend(title="batch normalization (mean and range of three seeds)", loc=(0.36, 0.5))
plt.show()

# %%
for name in places:
    print(f"{name:<22} last loss {loss[name][:, -1].mean():.2f}, accuracy {accuracy[name]:.3f}")
without, before, after = (loss[name] for name in places)

assert without.min() > 2.25 and accuracy["without"] < 0.2
assert before[:, -1].max() < 0.4 and after[:, -1].max() < 0.2
assert np.all(after.mean(axis=0) < before.mean(axis=0))
gap = accuracy["after the activation"] - accuracy["before the activation"]
assert min(accuracy["before the activation"], accuracy["after the activation"]) > 0.82
assert abs(gap) < 0.04
