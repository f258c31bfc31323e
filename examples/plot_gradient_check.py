r"""
The gradient check finds a planted bug and names its place
==========================================================

Backpropagation is easy to get slightly wrong, and a network with a slightly wrong gradient still
learns a little. The check compares it, block by block of the parameters, with two-sided
differences of the objective, which need only the way forward:

.. math:: \frac{\|g_a - g_n\|}{\|g_a\| + \|g_n\|} < 10^{-7}.

Errors spread backwards only, so the last wrong block is the one next to the bug.
"""

from unittest.mock import patch

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_wine

from skregnet import RegularizedMLPClassifier, check_gradients
from skregnet.core.activations import Tanh
from skregnet.core.dense import Dense
from skregnet.core.normalization import BatchNorm
from skregnet.core.penalties import ElasticNet

# %%
# Four mistakes that people make. Each replaces one method while the check runs.
dense_backward, batchnorm_backward = Dense.backward, BatchNorm.backward


def mean_for_sum(layer, dY, p, g, ws):
    """The bias of the second layer gets the mean over the rows where the sum is due."""
    dX = dense_backward(layer, dY, p, g, ws)
    if layer.n_out == 6:
        g.b /= len(dY)
    return dX


def slope_without_square(layer, Z, Y, out):
    """The slope of tanh is 1 - y^2."""
    np.subtract(1.0, Y, out=out)


def constant_statistics(layer, dY, p, g, ws):
    """Mean and variance of the batch depend on its rows; here they are taken as constants."""
    dX = dY * ws.scale
    batchnorm_backward(layer, dY, p, g, ws)
    return dX


bugs = {
    "no bug": patch.object(Dense, "backward", dense_backward),
    "bias: mean for sum": patch.object(Dense, "backward", mean_for_sum),
    "tanh: 1 - y for 1 - y²": patch.object(Tanh, "slope", slope_without_square),
    "batch norm: statistics constant": patch.object(BatchNorm, "backward", constant_statistics),
    "L2: no gradient": patch.object(ElasticNet, "add_gradient", lambda *args: None),
}

# %%
# Two hidden layers with batch normalization behind the activation, an L2 penalty, the wine table.
# It starts by Xavier's rule, without the embedding of the columns that the default start brings
# along, which would be two more layers of the picture.
X, y = load_wine(return_X_y=True)
model = RegularizedMLPClassifier((8, 6), activation="tanh", init="xavier", batchnorm="after",
                                 alpha=10, scaling="standard", random_state=0)  # fmt: skip
reports, errors = {}, {}
for name, bug in bugs.items():
    with bug:
        reports[name] = check_gradients(model, X, y)
    errors[name] = {f"{b.layer}: {b.parameter}": b.error for b in reports[name].blocks}
print(reports["bias: mean for sum"])

# %%
# Rows are bugs, columns the parameters in the order of the way forward.
blocks = sorted(errors["no bug"], key=lambda block: int(block.split()[0]))
table = np.array([[errors[bug][block] for block in blocks] for bug in bugs])

fig, ax = plt.subplots(figsize=(9, 4.3), layout="constrained")
logarithm = np.log10(np.maximum(table, 1e-12))
image = ax.imshow(logarithm, cmap="cividis", vmin=-11, vmax=0, aspect="auto")
for (i, j), error in np.ndenumerate(table):
    text, color = (f"{error:.0e}", "k") if error > 1e-7 else ("ok", "w")
    ax.text(j, i, text, color=color, ha="center", va="center", fontsize="small")
ax.set_xticks(range(len(blocks)), blocks, rotation=35, ha="right")
ax.set_yticks(range(len(bugs)), bugs)
ax.set(xlabel="layer and parameter, input first", ylabel="planted bug")
ax.set_title("A wrong gradient stands out by five orders of magnitude and more")
fig.colorbar(image, label="log₁₀ of the relative error of the block")
plt.show()

# %%
wrong = {bug: {block for block in blocks if errors[bug][block] > 1e-7} for bug in bugs}
print({bug: len(wrong[bug]) for bug in bugs})

assert [bug for bug in bugs if reports[bug].passed] == ["no bug"]
assert table[table > 1e-7].min() > 1e5 * table[table < 1e-7].max()
assert wrong["bias: mean for sum"] == {"3 Dense: b"}
assert "FAILED, worst in layer 3 Dense, parameter b" in str(reports["bias: mean for sum"])
# Layers 4 (tanh) and 5 (batch normalization) spoil what lies before them, and nothing behind.
upstream = {block for block in blocks if int(block.split()[0]) <= 3}
assert wrong["tanh: 1 - y for 1 - y²"] == wrong["batch norm: statistics constant"] == upstream
assert wrong["L2: no gradient"] == {block for block in blocks if block.endswith("W")}
