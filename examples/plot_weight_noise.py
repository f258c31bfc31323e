r"""
Noise in the weights prefers flat minima
========================================

With `weight_noise` each step takes its gradient at weights that are off by Gaussian noise E of
standard deviation s. What is minimised is the mean around the weights,

.. math:: E\left[J(W + E)\right] \approx J(W) + \frac{s^2}{2} \operatorname{tr} H(W),

with the matrix H of second derivatives: of two minima alike in J the flatter one is better. Is the
minimum that is found indeed flat? Two networks for the digits are trained, without and with noise,
and then all their weights are shaken, more and more.
"""

from copy import deepcopy

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.metrics import log_loss

from skregnet import RegularizedMLPClassifier

X, y = load_digits(return_X_y=True)

# %%
# Plain networks without a penalty, which would keep the weights small as well.
models = {}
for weight_noise in (0.0, 0.15):
    model = RegularizedMLPClassifier(
        (32, 32), activation="relu", init="he", weight_noise=weight_noise, alpha=0,
        scaling="standard", learning_rate="constant", learning_rate_init=5e-3, max_iter=150,
        early_stopping=False, random_state=0,
    )  # fmt: skip
    models[weight_noise] = model.fit(X, y)


# %%
# `coefs_` are views of the numbers that the network predicts with, so a copy can be shaken. The
# shaking is measured by the size of the weights, so that large weights are no advantage.
def loss_when_shaken(model, share, n_repeats=20):
    rng = np.random.default_rng(0)
    losses = []
    for _ in range(n_repeats):
        shaken = deepcopy(model)
        for W in shaken.coefs_:
            W += rng.normal(0.0, share * np.std(W), W.shape)
        losses.append(log_loss(y, shaken.predict_proba(X)))
    return np.mean(losses), np.std(losses)


shares = np.linspace(0, 0.8, 9)
means, spreads = {}, {}
for weight_noise, model in models.items():
    results = np.array([loss_when_shaken(model, share) for share in shares])
    means[weight_noise], spreads[weight_noise] = results.T
    figures = "  ".join(f"{mean:.3f}" for mean in means[weight_noise])
    print(f"weight_noise={weight_noise}: log-loss by shaking {figures}")

# %%
# The lines are means over twenty ways to shake, the bands one standard deviation wide each way.
fig, ax = plt.subplots(figsize=(7, 4.5), layout="constrained")
for weight_noise, color, marker in [(0.0, "#D55E00", "o"), (0.15, "#0072B2", "s")]:
    mean, spread = means[weight_noise], spreads[weight_noise]
    label = f"trained with weight_noise={weight_noise:g}"
    ax.plot(shares, mean, marker=marker, color=color, label=label)
    ax.fill_between(shares, mean - spread, mean + spread, color=color, alpha=0.2, linewidth=0)
ax.set(
    title="Digits: after training with noisy weights the loss rises more slowly",
    xlabel="noise added to the trained weights (in standard deviations of the weights)",
    ylabel="log-loss on the training rows (nats)",
)
ax.legend()

rise = {key: mean - mean[0] for key, mean in means.items()}
assert np.all(rise[0.15][2:] < 0.5 * rise[0.0][2:])
plt.show()
