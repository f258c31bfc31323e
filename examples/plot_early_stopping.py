r"""
Stopping early is like L2
=========================

Gradient descent from w = 0 lets the weights grow, first along the directions in which the loss is
curved most. After t steps with the rate η the share of its way that an eigendirection of the
curvature λ has gone, and the share that L2 leaves it, are

.. math:: 1 - (1 - \eta \lambda)^t
    \qquad\text{and}\qquad \frac{\lambda}{\lambda + \alpha / n}.

Both are 1 where λ is large and 0 where it is small, and change over at the same place if
:math:`\alpha = n / (\eta t)`: few epochs correspond to a strong penalty.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_diabetes

from skregnet import SGD, RegularizedMLPRegressor

X, y = load_diabetes(return_X_y=True)
n, rate = len(X), 0.2
epochs = np.unique(np.geomspace(1, 5000, 30).round().astype(int))

# %%
# One descent, which `warm_start` continues from stop to stop, and one solution with L2 for each
# stop.
descent = RegularizedMLPRegressor(
    (), init="zeros", alpha=0, scaling="standard", solver=SGD(momentum=0),
    learning_rate="constant", learning_rate_init=rate, batch_size=n, warm_start=True,
    random_state=0,
)  # fmt: skip
stopped, penalised = [], []
for more, t in zip(np.diff(epochs, prepend=0), epochs, strict=True):
    descent.set_params(max_iter=int(more)).fit(X, y)
    stopped.append(descent.coefs_[0][:, 0].copy())
    l2 = RegularizedMLPRegressor(
        (), alpha=n / (rate * t), scaling="standard", solver="lbfgs", tol=1e-8, max_iter=1000,
        random_state=0,
    )  # fmt: skip
    penalised.append(l2.fit(X, y).coefs_[0][:, 0])
stopped, penalised = np.array(stopped), np.array(penalised)

norm_stopped, norm_penalised = (np.linalg.norm(w, axis=1) for w in (stopped, penalised))
final = np.linalg.norm(stopped[-1])
distance = np.linalg.norm(stopped - penalised, axis=1) / final
print(f"|w| grows from {norm_stopped[0]:.3f} to {norm_stopped[-1]:.3f}")
print(f"distance of the two paths at most {distance.max():.3f} of the last |w|")

# %%
# Read from left to right: ever more epochs, or an ever weaker penalty.
fig, ax = plt.subplots(figsize=(7, 4.5), layout="constrained")
ax.semilogx(rate * epochs, norm_stopped, "o-", color="#D55E00", label="stopped after t epochs")
ax.semilogx(rate * epochs, norm_penalised, "s--", color="#0072B2", label="L2 with α")
ax.semilogx(rate * epochs, distance * final, ":", color="black", label="distance of the two")
ax.set(
    title="Diabetes: more epochs let the weights grow as a weaker penalty does",
    xlabel="η t (rate times epochs)   =   n / α (rows over penalty)",
    ylabel="norm of the weights (standardised units)",
)
ax.legend()

assert np.all(np.diff(norm_stopped) > 0)
assert np.all(np.diff(norm_penalised) > 0)
assert np.corrcoef(norm_stopped, norm_penalised)[0, 1] > 0.95
assert distance.max() < 0.3
plt.show()
