"""What `diagnose` returns: findings, and the report that holds them."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One thing that looks wrong.

    Attributes
    ----------
    finding : str
        Identifier, such as ``"dead_units"``; the notes of `diagnose` list them all.
    value : float
        The number that raised the alarm.
    where : str or None
        The layer ("hidden 2", "output") or the column ("column 3", "column 'age'") that is
        concerned; None for the network as a whole.
    message : str
        The finding in words, with the number.
    advice : str
        The hyperparameter to turn, and which way.
    """

    finding: str
    value: float
    where: str | None
    message: str
    advice: str

    def __str__(self):
        place = f" ({self.where})" if self.where else ""
        return f"{self.finding}{place}: {self.message}\n    {self.advice}"


@dataclass(frozen=True, repr=False)
class Diagnosis(Sequence):
    """What `diagnose` found: a sequence of `Finding` that prints as text.

    Attributes
    ----------
    findings : tuple of Finding
        Causes before effects: data, start, training, result.
    """

    findings: tuple[Finding, ...]

    def __len__(self):
        return len(self.findings)

    def __getitem__(self, index):
        return self.findings[index]

    @property
    def names(self):
        """The set of the findings' identifiers."""
        return {finding.finding for finding in self.findings}

    def __repr__(self):
        if not self.findings:
            return "diagnosis: nothing alarming"
        number = "1 finding" if len(self) == 1 else f"{len(self)} findings"
        return "\n".join([f"diagnosis: {number}", *map(str, self.findings)])
