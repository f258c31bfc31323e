r"""
Label smoothing under wrong labels
==================================

Where a share ε of the labels is wrong, a network that is trained towards probability 1 ends by
learning the mistakes by heart. Label smoothing trains towards

.. math:: 1 - \varepsilon \text{ for the label given, and } \frac{\varepsilon}{K - 1}
    \text{ for each of the other K - 1 classes,}

so that it is never worth becoming certain. The price is cautious probabilities: early in
training, before the mistakes have been learned, the log-loss is the worse for it. Here 20% of the
digits in the training rows get a wrong label, drawn at random; the test rows keep the right ones.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from skregnet import RegularizedMLPClassifier

X, y = load_digits(return_X_y=True)
X, X_test, y, y_test = train_test_split(X, y, test_size=0.4, random_state=0, stratify=y)
rng = np.random.default_rng(0)
wrong = rng.random(len(y)) < 0.2
y = np.where(wrong, (y + rng.integers(1, 10, len(y))) % 10, y)
print(f"{wrong.sum()} of {len(y)} training labels are wrong")

# %%
# Both runs go on to the last epoch, and the test rows are looked at after each. They choose
# nothing, and no temperature is fitted to them: what is compared is the end of the curves. Apart
# from the smoothing the network is plain.
curves = {}
for epsilon in (0.0, 0.2):
    model = RegularizedMLPClassifier(
        (30,), activation="relu", init="he", alpha=1e-4, label_smoothing=epsilon,
        scaling="standard", learning_rate="constant", learning_rate_init=0.01, max_iter=150,
        early_stopping=True, n_iter_no_change=None, monitor="accuracy", calibration=None,
        random_state=0,
    ).fit(X, y, X_val=X_test, y_val=y_test)  # fmt: skip
    curves[epsilon] = model.validation_loss_curve_, model.validation_scores_

for epsilon, (loss, accuracy) in curves.items():
    print(f"label_smoothing={epsilon}: log-loss {loss[-1]:.3f}, accuracy {accuracy[-1]:.3f}")

# %%
fig, axes = plt.subplots(1, 2, figsize=(9, 4.2), layout="constrained")
for epsilon, style in [(0.0, dict(color="#D55E00", ls="--")), (0.2, dict(color="#0072B2"))]:
    for ax, score in zip(axes, curves[epsilon], strict=True):
        ax.plot(np.arange(1, len(score) + 1), score, **style, label=f"label_smoothing={epsilon}")
fig.suptitle("Digits, 20% wrong labels: with smoothing it does less harm to learn them by heart")
axes[0].set(xlabel="epoch", ylabel="log-loss on clean test rows (nats)")
axes[1].set(xlabel="epoch", ylabel="accuracy on clean test rows")
axes[1].legend()

(plain_loss, plain_accuracy), (smooth_loss, smooth_accuracy) = curves[0.0], curves[0.2]
assert smooth_loss[-1] < plain_loss[-1] - 0.1
assert smooth_accuracy[-1] > plain_accuracy[-1] + 0.01
plt.show()
