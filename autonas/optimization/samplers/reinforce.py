"""REINFORCE: a recurrent controller writes configurations down value by value."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from ConfigSpace import Configuration, ConfigurationSpace

from autonas.optimization.interfaces import Trial
from autonas.optimization.samplers._observations import at_largest
from autonas.optimization.samplers._vectors import Floats, VectorSpace

__all__ = ["Reinforce"]

_BINS = 8
"""A number is a choice of so many equal parts of its range, and uniform inside one."""
_TRIES = 20


class Reinforce:
    """A controller learnt by policy gradients [1]_: an LSTM reads what it has chosen and chooses the next value.

    The space is a sequence, parents before children; what is inactive is passed over. The controller is trained,
    from the results at the largest fidelity that has ``n_first`` of them, in the order in which they came back:
    one step of Adam for every ``batch_size``, in the direction of (reward minus baseline) times the gradient of the
    log-probability, plus a bonus for entropy. The reward is the share of earlier results that are worse: it has no
    scale, and does not change as results come in, so a trained controller can be kept and trained on. It is a
    function of the results alone; one that is asked for the first time goes through all of them.

    Parameters
    ----------
    space : ConfigurationSpace
        The space to propose from.
    n_first : int, default=8
        Results at a fidelity before the controller is used; random proposals until then.
    batch_size : int, default=4
        Results of a step.
    width : int, default=32
        Units of the LSTM.
    learning_rate : float, default=0.02
        Of Adam. The paper's 0.0006 is for thousands of trainings.
    entropy : float, default=0.01
        Weight of the bonus.

    References
    ----------
    .. [1] B. Zoph and Q. V. Le. Neural Architecture Search with Reinforcement Learning. ICLR 2017, Section 3.
    """

    def __init__(
        self,
        space: ConfigurationSpace,
        *,
        n_first: int = 8,
        batch_size: int = 4,
        width: int = 32,
        learning_rate: float = 0.02,
        entropy: float = 0.01,
    ) -> None:
        self._vectors = VectorSpace(space)
        self._columns = np.flatnonzero(self._vectors.varying)
        self._sizes = np.where(self._vectors.levels > 0, self._vectors.levels, _BINS)[self._columns]
        self._first = n_first
        self._batch_size = batch_size
        self._options = {"width": width, "learning_rate": learning_rate, "entropy": entropy}
        if len(self._columns):
            # Torch is imported now, all that Adam wants of it too: no proposal has to wait for that.
            _Controller(self._sizes, **self._options)  # type: ignore[arg-type]
        self._trained: tuple[_Controller, Floats, Floats] | None = None

    def suggest(self, trials: Sequence[Trial], rng: np.random.Generator) -> Configuration:
        """Propose a configuration, see :class:`~autonas.optimization.Sampler`."""
        found = at_largest(trials, self._first)
        if found is None or not len(self._columns):
            return self._vectors.random(rng)
        controller = self._controller(*found)
        for _ in range(_TRIES):
            rows, legal = self._vectors.settle(self._written(controller, rng)[None])
            if legal[0]:
                return self._vectors.configuration(rows[0], "reinforce")
        return self._vectors.random(rng)

    def _controller(self, vectors: Floats, losses: Floats) -> _Controller:
        """Train a controller, or go on with the last one if it has seen the beginning of these results."""
        done = len(losses) - len(losses) % self._batch_size
        vectors, losses = vectors[:done], losses[:done]
        if self._trained is not None:
            controller, old_vectors, old_losses = self._trained
            known = len(old_losses)
            goes_on = np.array_equal(old_losses, losses[:known]) and np.array_equal(
                old_vectors, vectors[:known], equal_nan=True
            )
        if self._trained is None or not goes_on:
            controller, known = _Controller(self._sizes, **self._options), 0  # type: ignore[arg-type]
        rewards = _rewards(losses)
        choices = self._choices(vectors)
        for start in range(known, done, self._batch_size):
            batch = slice(start, start + self._batch_size)
            controller.learn(choices[batch], rewards[batch])
        self._trained = (controller, vectors, losses)
        return controller

    def _choices(self, vectors: Floats) -> npt.NDArray[np.int_]:
        """Turn rows into indices of choices, -1 where inactive."""
        rows = vectors[:, self._columns]
        numbers = self._vectors.levels[self._columns] == 0
        indices = np.where(numbers, np.minimum(np.floor(rows * _BINS), _BINS - 1), rows)
        return np.where(np.isnan(rows), -1, np.nan_to_num(indices)).astype(int)

    def _written(self, controller: _Controller, rng: np.random.Generator) -> Floats:
        """Let the controller choose from left to right."""
        row: Floats = self._vectors.draw(1, rng)[0]
        row[self._columns] = np.nan
        active = [self._vectors.is_active(column, row) for column in range(len(row))]
        row[~np.array(active) & ~self._vectors.varying] = np.nan
        state, last = None, -1
        for place, column in enumerate(self._columns.tolist()):
            probabilities, state = controller.step(place, last, state)
            last = -1
            if not self._vectors.is_active(column, row):
                continue
            last = int(rng.choice(len(probabilities), p=probabilities))
            row[column] = last if self._vectors.levels[column] else (last + rng.random()) / _BINS
        return row


class _Controller:
    """An LSTM with one vocabulary: a token for every choice of every place, and one for "nothing before"."""

    def __init__(self, sizes: npt.NDArray[np.int_], *, width: int, learning_rate: float, entropy: float) -> None:
        import torch  # noqa: PLC0415 - the search needs it nowhere else

        self._torch = torch
        self._sizes = sizes
        self._starts = np.cumsum(sizes) - sizes
        total = int(sizes.sum())
        self._entropy = entropy
        self._baseline: float | None = None
        dice = torch.Generator().manual_seed(0)  # the process's own generator is not ours to use
        nn = torch.nn
        self._embedding = nn.Embedding(total + len(sizes), width, device="meta").to_empty(device="cpu")
        self._lstm = nn.LSTM(width, width, batch_first=True, device="meta").to_empty(device="cpu")
        self._head = nn.Linear(width, total, device="meta").to_empty(device="cpu")
        self._parameters = [p for m in (self._embedding, self._lstm, self._head) for p in m.parameters()]
        with torch.no_grad():
            for parameter in self._parameters:
                # The paper's range; so the first policy is about uniform.
                parameter.uniform_(-0.08, 0.08, generator=dice)
        self._optimizer = torch.optim.Adam(self._parameters, lr=learning_rate)
        # Of each place, which tokens are its choices.
        owner = np.repeat(np.arange(len(sizes)), sizes)
        self._mine = torch.from_numpy(owner[None] == np.arange(len(sizes))[:, None])

    def step(self, place: int, last: int, state: Any) -> tuple[Floats, Any]:
        """Give the probabilities of the choices at a place, after the choice before (-1: none)."""
        torch = self._torch
        with torch.no_grad():
            token = torch.tensor([[self._token(place - 1, last)]])
            hidden, state = self._lstm(self._embedding(token), state)
            first = int(self._starts[place])
            logits = self._head(hidden[0, 0])[first : first + int(self._sizes[place])]
            probabilities = torch.softmax(logits.double(), dim=0).numpy()
        return probabilities / probabilities.sum(), state

    def learn(self, choices: npt.NDArray[np.int_], rewards: Floats) -> None:
        """Make one step of policy gradient."""
        torch = self._torch
        if self._baseline is None:
            self._baseline = float(rewards.mean())
        advantage = torch.from_numpy(rewards - self._baseline).float()
        places = np.arange(len(self._sizes))
        before = np.full_like(choices, -1)
        before[:, 1:] = choices[:, :-1]
        tokens = self._tokens(places - 1, before)
        hidden, _ = self._lstm(self._embedding(torch.from_numpy(tokens)))
        logits = self._head(hidden).masked_fill(~self._mine, -1e9)
        logs = torch.log_softmax(logits, dim=-1)
        active = torch.from_numpy(choices >= 0)
        chosen = torch.from_numpy(self._starts + np.maximum(choices, 0))
        taken = (logs.gather(-1, chosen[..., None])[..., 0] * active).sum(dim=1)
        entropy = (-(logs.exp() * logs * self._mine).sum(dim=-1) * active).sum(dim=1)
        loss = -(advantage * taken).mean() - self._entropy * entropy.mean()
        self._optimizer.zero_grad()
        loss.backward()
        self._optimizer.step()
        self._baseline += 0.1 * (float(rewards.mean()) - self._baseline)

    def _token(self, place: int, choice: int) -> int:
        return int(self._tokens(np.array([place]), np.array([[choice]]))[0, 0])

    def _tokens(self, places: npt.NDArray[np.int_], choices: npt.NDArray[np.int_]) -> npt.NDArray[np.int_]:
        """Give the numbers of choices at places; the last tokens stand for nothing chosen there."""
        return np.where(
            choices >= 0, self._starts[places] + choices, int(self._sizes.sum()) + places % len(self._sizes)
        )


def _rewards(losses: Floats) -> Floats:
    """Of each loss the share of those before it that are worse; equal ones count half."""
    ordered: list[float] = []
    rewards = []
    for loss in losses.tolist():
        low, high = bisect.bisect_left(ordered, loss), bisect.bisect_right(ordered, loss)
        worse = len(ordered) - high + (high - low) / 2
        rewards.append(worse / len(ordered) if ordered else 0.5)
        ordered.insert(high, loss)
    return np.array(rewards)
