"""The same networks in PyTorch: a bare loop, and skorch."""

import numpy as np
import torch
from cases import KEEP_PROB, RATE
from torch import nn


def network(case, technique="plain"):
    """Return the layers: Linear, BatchNorm1d, ReLU, Dropout."""
    layers = []
    normalizes, drops = technique in ("batchnorm", "both"), technique in ("dropout", "both")
    *hidden, last = zip(case.widths, case.widths[1:], strict=False)
    for n_in, n_out in hidden:
        layers.append(nn.Linear(n_in, n_out, bias=not normalizes))
        layers += [nn.BatchNorm1d(n_out)] if normalizes else []
        layers.append(nn.ReLU())
        layers += [nn.Dropout(1 - KEEP_PROB)] if drops else []
    layers.append(nn.Linear(*last))
    for layer in layers:
        if isinstance(layer, nn.Linear):
            nn.init.xavier_uniform_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    return nn.Sequential(*layers)


def bare_loop(case, X, y, technique):
    """Fit by the shortest loop; it keeps no history, which ours does. Return the network."""
    torch.manual_seed(0)
    model = network(case, technique)
    weights = [layer.weight for layer in model if isinstance(layer, nn.Linear)]
    others = [p for p in model.parameters() if all(p is not W for W in weights)]
    groups = [
        {"params": weights, "weight_decay": 0.0 if technique == "L1" else case.l2},
        {"params": others},
    ]
    optimizer = torch.optim.Adam(groups, lr=RATE, fused=True)
    X, y = torch.from_numpy(X), torch.from_numpy(y)
    if case.classes == 2:
        y, loss = y.float()[:, None], nn.BCEWithLogitsLoss()
    else:
        loss = nn.CrossEntropyLoss()
    for _ in range(case.epochs):
        for rows in torch.randperm(len(X)).split(case.batch_size):
            optimizer.zero_grad()
            loss(model(X[rows]), y[rows]).backward()
            if technique == "L1":
                for W in weights:
                    W.grad.add_(W.detach().sign(), alpha=case.l2)
            optimizer.step()
    return model


def probabilities(model, X):
    """Return the predicted probabilities of a network of `bare_loop`."""
    model.eval()
    with torch.no_grad():
        raw = model(torch.from_numpy(X)).double()
    if raw.shape[1] == 1:
        p = torch.sigmoid(raw[:, 0]).numpy()
        return np.column_stack([1 - p, p])
    return torch.softmax(raw, dim=1).numpy()


def skorch_model(case):
    """Return skorch's estimator around the same network and optimizer, without techniques."""
    from skorch import NeuralNetBinaryClassifier, NeuralNetClassifier

    torch.manual_seed(0)
    kind, loss = NeuralNetClassifier, nn.CrossEntropyLoss
    if case.classes == 2:
        kind, loss = NeuralNetBinaryClassifier, nn.BCEWithLogitsLoss
    return kind(
        network(case),
        criterion=loss,
        optimizer=torch.optim.Adam,
        optimizer__fused=True,
        optimizer__param_groups=[("*weight", {"weight_decay": case.l2})],
        lr=RATE,
        batch_size=case.batch_size,
        max_epochs=case.epochs,
        iterator_train__shuffle=True,
        train_split=None,
        verbose=0,
    )
