r"""
Tanh with a large alpha is a linear model
=========================================

A large penalty keeps weights small, small weights keep the pre-activations :math:`z = W^T x + b`
small, and near zero :math:`\tanh(z) = z - z^3/3 + \dots \approx z`. Every layer is then linear,
and so is their composition: with a large alpha the network is a linear model.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LinearRegression
from sklearn.preprocessing import StandardScaler

from skregnet import RegularizedMLPRegressor

# %%
# The diabetes table, 20 hidden units. How linear is the fitted function? Fit a linear model to
# the *predictions* of the network: the share of their variance that it explains is 1 only if
# they are a linear function of the columns.
X, y = load_diabetes(return_X_y=True)
X = StandardScaler().fit_transform(X)
alphas = np.logspace(-2, 2, 9)
linearity, pre_activations = [], []
for alpha in alphas:
    model = RegularizedMLPRegressor(
        (20,), activation="tanh", init="xavier", alpha=alpha, scaling=None, solver="lbfgs",
        max_iter=20_000, random_state=0,
    ).fit(X, y)  # fmt: skip
    prediction = model.predict(X)
    linearity.append(LinearRegression().fit(X, prediction).score(X, prediction))
    pre_activations.append(X @ model.coefs_[0] + model.intercepts_[0])
# For |z| < 1/2 the line z is within 8 % of tanh(z).
in_linear_part = [np.mean(np.abs(z) < 0.5) for z in pre_activations]

# %%
fig, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
for i, color in [(2, "#D55E00"), (8, "#0072B2")]:
    z = pre_activations[i].ravel()
    left.hist(np.clip(z, -4, 4), np.linspace(-4, 4, 41), weights=np.full(z.size, 1 / z.size),
              color=color, alpha=0.7, label=f"share of z, alpha = {alphas[i]:g}")  # fmt: skip
z = np.linspace(-4, 4, 200)
left.plot(z, np.tanh(z), color="k", label="tanh(z)")
left.plot(z, z, color="k", linestyle=":", label="the line z")
left.set(
    title="A large alpha keeps z where tanh is a line",
    xlabel="pre-activation z (beyond ±4 counted at ±4)",
    ylabel="tanh(z); share of rows and units",
    ylim=(-1.1, 1.1),
)
left.legend(loc="lower right", fontsize="small")

right.semilogx(alphas, linearity, "o-", color="#0072B2", label="R² of the linear model")
right.semilogx(alphas, in_linear_part, "s--", color="#E69F00", label="share of z with |z| < 1/2")
right.set(
    title="... so the network becomes a linear model",
    xlabel="alpha",
    ylabel="share",
    ylim=(0, 1.05),
)
right.legend(loc="lower right")
plt.show()

# %%
for alpha, r2, share in zip(alphas, linearity, in_linear_part, strict=True):
    print(f"alpha {alpha:6.2f}: R² of the linear model {r2:.4f}, in the linear part {share:.3f}")

assert linearity[0] < 0.7 and in_linear_part[0] < 0.2
assert linearity[-1] > 0.998 and in_linear_part[-1] > 0.98
assert np.all(np.diff(linearity) > -0.02)
