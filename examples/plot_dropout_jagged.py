r"""
Check the descent first, then switch dropout on
===============================================

Each step of a descent that uses all rows and a small enough rate lowers

.. math:: J(\theta) = \frac{1}{n} \sum_i \mathrm{loss}_i(\theta) + \frac{\alpha}{2n} \|W\|^2,

so a J that goes up is a sign of a mistake or of too large a rate. With dropout each step sees
another thinned network, :math:`J(\theta, M_t)`, and goes up and down even where all is well: it no
longer tells. So set `keep_prob=1`, see that J falls in every epoch, and only then turn to dropout.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

from skregnet import SGD, RegularizedMLPClassifier

X, y = load_digits(return_X_y=True)
X, y = X[:200], y[:200]

# %%
# Gradient descent: all rows in one batch, so that an epoch is a step, and the two runs differ in
# nothing but the masks. The rate stays as it is: a schedule that raises it again would be another
# reason for J to rise. `loss_curve_` is J as it was trained.
curves = {}
for keep_prob in (1.0, 0.5):
    model = RegularizedMLPClassifier(
        (16,), activation="relu", init="he", scaling="standard", keep_prob=keep_prob, alpha=1.0,
        solver=SGD(momentum=0), learning_rate="constant", learning_rate_init=0.1,
        batch_size=len(X), max_iter=150, early_stopping=False, random_state=0,
    ).fit(X, y)  # fmt: skip
    curves[keep_prob] = np.array(model.loss_curve_)

rises = {keep_prob: np.diff(J) > 0 for keep_prob, J in curves.items()}
for keep_prob, up in rises.items():
    print(f"keep_prob={keep_prob}: J rose in {up.sum()} of {len(up)} epochs")

# %%
# The triangles mark the epochs in which J rose.
fig, ax = plt.subplots(figsize=(7, 4.5), layout="constrained")
for keep_prob, color in [(0.5, "#D55E00"), (1.0, "#0072B2")]:
    J, up = curves[keep_prob], rises[keep_prob]
    epochs = np.arange(1, len(J) + 1)
    label = f"keep_prob={keep_prob}: J rose in {up.sum()} of {len(up)} epochs"
    ax.plot(epochs, J, color=color, label=label)
    ax.plot(epochs[1:][up], J[1:][up], "^", color=color, markersize=4)
ax.set(
    title="Without dropout J falls in every epoch; with dropout it is jagged",
    xlabel="epoch (one step with all rows)",
    ylabel="J as trained (nats)",
    yscale="log",
)
ax.set_yticks([0.2, 0.5, 1, 2, 4], ["0.2", "0.5", "1", "2", "4"])
ax.minorticks_off()
ax.legend()

assert not np.any(rises[1.0])
assert np.mean(rises[0.5]) > 0.2
assert curves[0.5][-1] < 0.5 * curves[0.5][0]  # it falls all the same, in the long run
plt.show()
