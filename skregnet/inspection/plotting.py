"""What the displays share: colours, axes, and the histogram of a layer."""

import numpy as np

# Okabe and Ito's colours, which also colour-blind readers tell apart.
BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#666666"
PANEL_WIDTH, PANEL_HEIGHT = 4.2, 3.4  # inches


def check_matplotlib(caller):
    """Raise ImportError naming the caller if matplotlib is not installed."""
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise ImportError(
            f"{caller} requires matplotlib. You can install matplotlib with "
            "`pip install matplotlib`"
        ) from error


def one_axes(ax):
    """Return the axes to draw on, new ones for None."""
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.subplots(layout="constrained")[1]


def panels(ax, n, n_cols):
    """Return axes for `n` panels in the way of scikit-learn's PartialDependenceDisplay.

    Parameters
    ----------
    ax : matplotlib Axes, array-like of Axes or None
        One axes is divided into a grid, several are drawn on as they are, None makes a figure.
    n : int
        Number of panels.
    n_cols : int
        Most columns of the grid.

    Returns
    -------
    axes, bounding_ax : ndarray of Axes, and Axes or None
        Places of the grid without a panel hold None.
    """
    import matplotlib.pyplot as plt
    from matplotlib.gridspec import GridSpecFromSubplotSpec

    if ax is not None and not isinstance(ax, plt.Axes):
        axes = np.asarray(ax, dtype=object)
        if axes.size != n:
            raise ValueError(f"Expected ax to have {n} axes, got {axes.size}")
        return axes, None
    n_cols = min(n_cols, n)
    n_rows = -(-n // n_cols)
    if ax is None:
        figsize = (PANEL_WIDTH * n_cols, PANEL_HEIGHT * n_rows)
        ax = plt.subplots(figsize=figsize, layout="constrained")[1]
    if not ax.axison:
        raise ValueError(
            "The ax was already used in another plot function, please set ax=display.axes_ instead"
        )
    ax.set_axis_off()
    # A layout engine leaves room for the labels by itself.
    space = {} if ax.figure.get_layout_engine() else {"wspace": 0.35, "hspace": 0.6}
    grid = GridSpecFromSubplotSpec(n_rows, n_cols, ax.get_subplotspec(), **space)
    axes = np.empty((n_rows, n_cols), dtype=object)
    for i, place in zip(range(n), grid, strict=False):
        axes.flat[i] = ax.figure.add_subplot(place)
    return axes, ax


def draw_distribution(ax, values, bins, **style):
    """Draw the histogram of what is not exactly zero; return its bars and the share of zeros.

    A bar of exact zeros would hide all others. The area is the share of the values drawn.
    """
    values = np.ravel(values)
    drawn = values[values != 0]
    zeros = 1.0 - drawn.size / values.size
    _, edges = np.histogram(drawn, bins)
    density = np.full(drawn.size, 1.0 / (values.size * (edges[1] - edges[0])))
    bars = ax.hist(drawn, edges, weights=density, **style)[2]
    text = f"mean {values.mean():.2g}, std {values.std():.2g}"
    return bars, zeros, text + (f"\n{zeros:.0%} exactly 0, not drawn" if zeros else "")
