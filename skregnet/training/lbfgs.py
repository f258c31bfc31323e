"""Training by SciPy's L-BFGS-B on all rows at once, L1 included."""

from contextlib import suppress

import numpy as np
from scipy.optimize import minimize

from ..exceptions import NotConvergedWarning


def minimize_lbfgs(run, solver, callbacks, max_epochs, tol):
    """Minimise J with SciPy's L-BFGS-B; an iteration counts as an epoch.

    L1 has no gradient at 0, so W is split into W+ - W- with W+, W- >= 0, where |W|_1 is the sum of
    both and linear: the bounds make the zeros exact.

    Parameters
    ----------
    run : Run
        Its batches must hold all rows in one.
    solver : LBFGS
        The recipe.
    callbacks : list of Callback
        As for `train`, but `on_step_end` is not called.
    max_epochs : int
        Iterations.
    tol : float
        The largest entry of the (projected) gradient of J at which to stop.
    """
    objective, theta = run.objective, run.theta
    [(X, Y, weight)] = run.batches.epoch()
    split = _Split(objective.l1_strengths())
    last = {}

    def evaluate(x):
        split.unpack(x, theta.trainable)
        theta.statistics[...] = 0.0  # the next forward pass sets them to those of all rows
        last["x"] = x.copy()
        last["loss"] = objective.step_gradient(theta, X, Y, weight)
        J = last["loss"] + objective.penalty_value(theta) + split.excess(x)
        return J, split.pack_gradient(objective.gradient.trainable)

    def after_iteration(x):
        if not np.array_equal(x, last["x"]):
            evaluate(x)
        for callback in callbacks:
            callback.on_epoch_begin(run)
        if run.end_epoch(last["loss"], np.nan, callbacks):
            last["stopped"] = True
            raise StopIteration

    options = {
        "maxfun": max_epochs * solver.max_line_search,
        "gtol": tol,
        "ftol": 64 * np.finfo(float).eps,
        "maxcor": solver.memory,
        "maxls": solver.max_line_search,
    }
    x, J, n_iter, converged = split.pack(theta.trainable), np.inf, 0, False
    with np.errstate(all="ignore"):
        while True:
            result = minimize(
                evaluate, x, jac=True, method="L-BFGS-B", bounds=split.bounds(x.size),
                callback=after_iteration, options=options | {"maxiter": max_epochs - n_iter},
            )  # fmt: skip
            n_iter += result.nit
            converged = result.success or (converged and n_iter < max_epochs)
            if run.diverged:
                return
            fell, J, x = result.fun < J, result.fun, result.x
            _, g = evaluate(x)
            # A step into the bounds that gains nothing ends L-BFGS-B short of the optimum; from
            # there a new start, with its memory empty, goes on.
            at_rest = split.projected_gradient(x, g) <= tol
            if at_rest or not fell or not split.active or n_iter >= max_epochs or "stopped" in last:
                break
        if n_iter == 0:  # already at the optimum: one epoch for the record
            with suppress(StopIteration):
                after_iteration(x)
    if not np.isfinite(last["loss"]) and not run.diverged:
        run.diverge()
    elif not converged and "stopped" not in last:
        reason = (
            f"L-BFGS stopped after {n_iter} iterations before the gradient fell below "
            f"tol={tol:g} ({result.message}). Increase max_iter or tol."
        )
        run.notes.append((NotConvergedWarning, reason))


class _Split:
    """x = [W+ | W- | offsets] with L1, and x = [W | offsets] without."""

    def __init__(self, l1_strengths):
        self.active = bool(np.any(l1_strengths))
        self.l1 = l1_strengths
        self.n = len(l1_strengths)

    def pack(self, trainable):
        x = trainable.astype(np.float64)
        if self.active:
            W = x[: self.n]
            x = np.concatenate([np.maximum(W, 0.0), np.maximum(-W, 0.0), x[self.n :]])
        return x

    def unpack(self, x, trainable):
        if self.active:
            trainable[: self.n] = x[: self.n] - x[self.n : 2 * self.n]
            trainable[self.n :] = x[2 * self.n :]
        else:
            trainable[:] = x

    def pack_gradient(self, g):
        g = g.astype(np.float64)
        if not self.active:
            return g
        return np.concatenate([g[: self.n] + self.l1, self.l1 - g[: self.n], g[self.n :]])

    def excess(self, x):
        """Return what |W+| + |W-| counts beyond |W+ - W-|."""
        if not self.active:
            return 0.0
        return 2.0 * float(self.l1 @ np.minimum(x[: self.n], x[self.n : 2 * self.n]))

    def bounds(self, size):
        if not self.active:
            return None
        return [(0.0, None)] * (2 * self.n) + [(None, None)] * (size - 2 * self.n)

    def projected_gradient(self, x, g):
        """Return the largest entry of the gradient that does not push against a bound."""
        if self.active:
            bounded = slice(0, 2 * self.n)
            g = g.copy()
            g[bounded][(x[bounded] <= 0.0) & (g[bounded] > 0.0)] = 0.0
        return float(np.max(np.abs(g)))
