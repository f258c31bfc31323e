r"""
L1 makes weights exactly zero, L2 only small
============================================

The penalty :math:`\alpha \sum |w|` pulls every weight by the same amount however small it is, so
weights that the data do not hold reach zero and stay there. :math:`\frac{\alpha}{2} \sum w^2` pulls
by :math:`\alpha w`, which fades together with the weight. Zeros need not be stored: L1 is a way to
make a model smaller.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.sparse import csr_array
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from skregnet import RegularizedMLPClassifier

# %%
# Handwritten digits, 64 hidden units, 60 epochs of Adam with a rate that falls to zero. In sparse
# form a weight takes 8 bytes (value and column), in dense form 4; the shorter form counts.
X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
alphas = np.logspace(-1, 1.5, 6)


def n_bytes(W):
    sparse = csr_array(W)
    return min(W.nbytes, sparse.data.nbytes + sparse.indices.nbytes + sparse.indptr.nbytes)


def path(l1_ratio):
    """Share of zeros, size in kB and test accuracy for each alpha."""
    rows = []
    for alpha in alphas:
        model = RegularizedMLPClassifier(
            (64,), activation="relu", init="he", alpha=alpha, l1_ratio=l1_ratio,
            scaling="standard", learning_rate="cosine", learning_rate_init=0.01, max_iter=60,
            early_stopping=False, random_state=0,
        ).fit(X_train, y_train)  # fmt: skip
        size = sum(n_bytes(W) for W in model.coefs_) / 1000
        rows.append((model.sparsity_, size, model.score(X_test, y_test)))
    return np.array(rows).T


zeros_l1, size_l1, accuracy_l1 = path(l1_ratio=1.0)
zeros_l2, size_l2, accuracy_l2 = path(l1_ratio=0.0)

# %%
fig, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
l1 = dict(color="#0072B2", marker="o", linestyle="-", label="L1")
l2 = dict(color="#D55E00", marker="s", linestyle="--", label="L2")
left.semilogx(alphas, zeros_l1, **l1)
left.semilogx(alphas, zeros_l2, **l2)
left.set(title="L1 makes exact zeros", xlabel="alpha", ylabel="share of weights that are exactly 0")
left.set_ylim(-0.03, 1)
left.legend()
right.semilogx(size_l1, accuracy_l1, **l1)
right.semilogx(size_l2, accuracy_l2, **l2)
for i in range(3, len(alphas)):
    right.annotate(f"alpha = {alphas[i]:.2g}", (size_l1[i], accuracy_l1[i]), (2, -14),
                   textcoords="offset points", fontsize="small")  # fmt: skip
right.set(
    title="... which make the model smaller",
    xlabel="size of the weights (kB)",
    ylabel="test accuracy (share of rows)",
    ylim=(0.88, 1),
    xlim=(1, 25),
    xticks=[1, 2, 5, 10, 20],
    xticklabels=["1", "2", "5", "10", "20"],
)
right.legend(loc="lower right")
plt.show()

# %%
for i, alpha in enumerate(alphas):
    print(f"alpha {alpha:5.2f}: L1 {zeros_l1[i]:.0%} zeros, {size_l1[i]:4.1f} kB, "
          f"accuracy {accuracy_l1[i]:.3f};  L2 {zeros_l2[i]:.0%} zeros, {size_l2[i]:.1f} kB, "
          f"accuracy {accuracy_l2[i]:.3f}")  # fmt: skip

assert np.all(zeros_l2 == 0) and np.all(size_l2 == size_l2[0])
assert np.all(np.diff(zeros_l1) > 0) and zeros_l1[-1] > 0.9
# A network of a third of the size loses at most five points of accuracy against the best L2.
assert accuracy_l1[size_l1 < size_l2[0] / 3].max() > accuracy_l2.max() - 0.05
