"""The Concrete (Gumbel-Softmax) distribution: parameters, noise to sample, log-densities.

Everything is computed in float64 log-space. Arrays have shape (..., K), category last.
"""

import math
import operator
import reprlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, Self, SupportsIndex, get_args

import numpy as np
import numpy.typing as npt

from gscli.arrays import FloatArray, RealArray, logsumexp
from gscli.distribution import extremes, gradients, moments
from gscli.distribution import noise as sampling
from gscli.distribution.gradients import GradientError
from gscli.distribution.quadrature import quadrature
from gscli.errors import ParameterError, ShapeError

Form = Literal["simplex", "log", "hard"]
Regime = Literal["boundary", "vertices", "interior"]
Seed = SupportsIndex | np.random.Generator

SIMPLEX_TOLERANCE = 1e-6
"""How far from 1 a row's sum may be, and still be rounding: float32 samples stay inside."""

SAFE_EXPONENT = 600.0
"""exp(-600) / K and K exp(600) are normal float64 numbers for every K that fits in memory."""

FEW_CATEGORIES = 64

NORMALISED = 1e-14
"""Rounding of the sum of probabilities that add up to 1."""

BATCH_VALUES, BATCH_LANES = 2**16, 2**15
"""Values of many categories, or lanes of few, that pass through a softmax at a time."""

MIN_TEMPERATURE = float(np.finfo(np.float64).tiny)
"""The smallest temperature whose reciprocal is finite in float64."""


@dataclass(frozen=True, init=False, eq=False, repr=False, slots=True)
class Concrete:
    """The Concrete distribution over the simplex of K categories.

    A sample is ``softmax((logits + G) / temperature)`` with G iid standard Gumbel: a relaxed
    one-hot vector that becomes exactly one-hot as the temperature goes to 0. Distributions are
    immutable, also after pickling and copying; equal ones have the same hash.

    Parameters
    ----------
    probs : array_like of float, shape (K,)
        Unnormalised probabilities, each finite and > 0, K >= 2.
    temperature : float
        Positive and finite.
    logits : array_like of float, shape (K,)
        Unnormalised log-probabilities, each finite, in place of `probs`: the way to reach
        probabilities that span 1e-300 to 1e300 and beyond.

    Attributes
    ----------
    logits : ndarray, shape (K,)
        Normalised log-probabilities (their exponentials sum to 1). Read-only.
    temperature : float
        The temperature.

    Raises
    ------
    ParameterError
        If a parameter is not of numbers or outside its range, or if not exactly one of `probs`
        and `logits` is given.

    References
    ----------
    .. [1] Maddison, Mnih, Teh (2017), "The Concrete Distribution", ICLR, arXiv:1611.00712.
    .. [2] Jang, Gu, Poole (2017), "Categorical Reparameterization with Gumbel-Softmax", ICLR,
       arXiv:1611.01144.

    Examples
    --------
    >>> d = Concrete([1, 3, 6], temperature=3)
    >>> d
    Concrete(probs=[0.1, 0.3, 0.6], temperature=3)
    >>> d.sample(1000, seed=7).shape
    (1000, 3)
    >>> round(float(d.log_prob([0.2, 0.3, 0.5])), 6)
    2.858879
    >>> Concrete(logits=[0.0, 1000.0], temperature=1).probs.tolist()
    [0.0, 1.0]
    """

    logits: FloatArray
    temperature: float

    def __init__(
        self,
        probs: npt.ArrayLike | None = None,
        temperature: float | None = None,
        *,
        logits: npt.ArrayLike | None = None,
    ) -> None:
        if (probs is None) == (logits is None):
            given = "both given" if probs is not None else "both missing"
            raise ParameterError("probs", f"probs and logits are {given}; give one of them")
        scores = _log_probs(probs) if logits is None else _vector("logits", logits)
        with np.errstate(over="ignore"):
            total = float(logsumexp(scores))
            # Logits that are normalised already stay as they are, to the bit.
            normalised = scores if abs(total) < NORMALISED else scores - total
        if not np.isfinite(normalised).all():
            raise ParameterError("logits", "lie further apart than the largest float64 number")
        self.__setstate__((normalised, check_temperature(temperature)))

    def __setstate__(self, state: tuple[FloatArray, float]) -> None:
        # An array over bytes, unlike one that owns its memory, cannot be made writeable again.
        logits = np.frombuffer(np.asarray(state[0], dtype=np.float64).tobytes())
        object.__setattr__(self, "logits", logits)
        object.__setattr__(self, "temperature", state[1])

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Concrete):
            return NotImplemented
        return self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    @property
    def _key(self) -> tuple[bytes, float]:
        return self.logits.tobytes(), self.temperature

    def __repr__(self) -> str:
        shown = np.array2string(
            self.probs, precision=4, threshold=8, separator=", ", max_line_width=10**4
        )
        return f"Concrete(probs={shown}, temperature={self.temperature:.12g})"

    @property
    def num_categories(self) -> int:
        """K, the number of categories."""
        return len(self.logits)

    @property
    def probs(self) -> FloatArray:
        """Probabilities of the categories, shape (K,), summing to 1.

        They are those of the rounded sample at every temperature: P(argmax X = k) = probs[k]
        (Maddison et al. 2017, Proposition 1b). They are not the mean of X.
        """
        return np.exp(self.logits)

    @property
    def regime(self) -> Regime:
        """Where the density is unbounded, which depends on the temperature and on K alone.

        Where m of the K components go to 0 like ε, the density goes like ε^((K-m)t - m).

        - ``"boundary"``, t <= 1/(K-1): along the whole boundary of the simplex; the density is
          log-convex, without a mode inside (Maddison et al. 2017, Proposition 1d).
        - ``"vertices"``, 1/(K-1) < t < K-1: at the vertices, and at the faces where m components
          are 0 if t < m/(K-m).
        - ``"interior"``, t >= K-1: nowhere; the density has its peak inside.

        Two categories have no regime in the middle.
        """
        if self.temperature * (self.num_categories - 1) <= 1:
            return "boundary"
        return "interior" if self.temperature >= self.num_categories - 1 else "vertices"

    def sample(
        self, n: int, *, seed: Seed | None = None, threads: int | None = None, start: int = 0
    ) -> FloatArray:
        """Draw samples on the simplex.

        Parameters
        ----------
        n : int
            Number of rows, >= 0.
        seed : int or numpy.random.Generator, optional
            0 <= seed < 2**128, or a generator that one is drawn from; without it a fresh one.
            Row i depends on the seed, on K and on i alone: not on `n`, and not on the number of
            threads. Distributions of one K and one seed share their noise.
        threads : int, optional
            Number of threads; by default one for each usable core.
        start : int
            Index of the first row, >= 0: rows are drawn as if those before had been.

        Returns
        -------
        ndarray, shape (n, K)
            Rows >= 0 that sum to 1. At low temperature a component can underflow to exactly 0:
            `sample_log` keeps full precision there.

        Raises
        ------
        ParameterError
            If `n`, `seed` or `threads` is outside its range.

        Examples
        --------
        >>> d = Concrete([1, 3, 6], temperature=0.5)
        >>> bool((d.sample(100, seed=1)[90:] == d.sample(10, seed=1, start=90)).all())
        True
        """
        return self._draw(n, "simplex", seed, threads, start)

    def sample_log(
        self, n: int, *, seed: Seed | None = None, threads: int | None = None, start: int = 0
    ) -> FloatArray:
        """Draw log X, with full precision at any temperature.

        Takes the parameters of `sample` and shares its noise.

        Returns
        -------
        ndarray, shape (n, K)
            Rows <= 0 whose exponentials sum to 1.

        Examples
        --------
        >>> log_x = Concrete([1, 3, 6], temperature=0.001).sample_log(100, seed=1)
        >>> bool((log_x.min(axis=-1) < -700).any()), bool(np.isfinite(log_x).all())
        (True, True)
        """
        return self._draw(n, "log", seed, threads, start)

    def sample_hard(
        self, n: int, *, seed: Seed | None = None, threads: int | None = None, start: int = 0
    ) -> FloatArray:
        """Draw the one-hot vertices that samples round to: the limit of zero temperature.

        Takes the parameters of `sample` and shares its noise.

        Returns
        -------
        ndarray, shape (n, K)
            Rows with a 1 at the largest component of `sample` and 0 elsewhere.

        Examples
        --------
        >>> Concrete([1, 3, 6], temperature=0.5).sample_hard(3, seed=1).sum(axis=1).tolist()
        [1.0, 1.0, 1.0]
        """
        return self._draw(n, "hard", seed, threads, start)

    def stream(
        self,
        n: int,
        *,
        seed: Seed | None = None,
        form: Form = "simplex",
        threads: int | None = None,
    ) -> Iterator[FloatArray]:
        """Draw samples batch by batch, in memory that does not grow with n.

        Takes the parameters of `sample`; the batches one after the other are its rows.

        Parameters
        ----------
        form : {"simplex", "log", "hard"}
            As `sample`, `sample_log` or `sample_hard` draw.

        Yields
        ------
        ndarray, shape (rows, K)
            At most about 2**19 values.

        Examples
        --------
        >>> batches = Concrete([1, 3, 6], temperature=0.5).stream(1_000_000, seed=1)
        >>> sum(len(rows) for rows in batches)
        1000000
        """
        batches = sampling.stream(
            partial(self.from_noise, form=_form(form)),
            self.num_categories,
            _whole("n", n),
            seed=_seed(seed),
            threads=threads,
        )
        return (rows.astype(np.float64, copy=False) for rows in batches)

    def _draw(
        self, n: int, form: Form, seed: Seed | None, threads: int | None, start: int
    ) -> FloatArray:
        out = np.empty((sampling.check_count("n", _whole("n", n)), self.num_categories))
        transform = partial(self.from_noise, form=form)
        sampling.fill(transform, out, seed=_seed(seed), start=start, threads=threads)
        return out

    def from_noise(
        self,
        noise: FloatArray,
        out: RealArray | None = None,
        *,
        form: Form = "simplex",
    ) -> RealArray:
        """Turn noise into samples.

        This is the innermost loop of the package, so it works category-major: the categories
        lie on the axis *before* the last, and every step is one pass over contiguous memory.

        Parameters
        ----------
        noise : ndarray, shape (..., K, L)
            L columns of noise as `noise` makes it: log U = -E for iid uniform U, within
            `noise.NOISE_RANGE`, so that G = -log E is standard Gumbel. Overwritten.
        out : ndarray, shape (..., K, L), optional
            Where the samples go; by default into `noise`.
        form : {"simplex", "log", "hard"}
            X itself, log X, or the one-hot vertex of the largest component (the limit of zero
            temperature).

        Returns
        -------
        ndarray, shape (..., K, L)
            `out`, with the samples.

        References
        ----------
        Maddison, Mnih, Teh (2017), equation 10.
        """
        out = noise if out is None else out
        with np.errstate(over="ignore", under="ignore"):
            if form == "simplex" and self._ratios_are_finite:
                return self._normalise_ratios(noise, out)
            log_e = sampling.log_exponential(noise)
            scores = np.subtract(self.logits[:, None], log_e, out=noise)
            for batch in _batches(scores.shape):
                self._finish(scores[batch], out[batch], form)
        return out

    def _finish(self, scores: FloatArray, out: RealArray, form: Form) -> None:
        largest = scores.max(axis=-2, keepdims=True)
        if form == "hard":
            _one_hot(scores, largest, out)
            return
        scores -= largest
        scores *= 1 / self.temperature
        if form == "log":
            np.subtract(scores, np.log1p(_sum_of_others(scores)), out=out)
        else:
            np.exp(scores, out=scores)
            np.divide(scores, scores.sum(axis=-2, keepdims=True), out=out)

    def _normalise_ratios(self, noise: FloatArray, out: RealArray) -> RealArray:
        # X_k / X_K = (pi_k E_K / (pi_K E_k))^(1/t): the last category needs no second logarithm
        # and no exponential, and no maximum is taken off.
        ratios, last = noise[..., :-1, :], noise[..., -1:, :]
        np.divide(last, ratios, out=ratios)
        np.log(ratios, out=ratios)
        ratios *= 1 / self.temperature
        ratios += ((self.logits[:-1] - self.logits[-1]) / self.temperature)[:, None]
        np.exp(ratios, out=ratios)
        np.add.reduce(ratios, axis=-2, keepdims=True, initial=1, out=last)
        np.divide(1, last, out=last)
        np.multiply(ratios, last, out=out[..., :-1, :])
        out[..., -1:, :] = last
        return out

    @property
    def _ratios_are_finite(self) -> bool:
        # Whether no X_k / X_K can overflow or underflow, whatever the noise.
        low, high = sampling.NOISE_RANGE
        farthest = math.log(low / high) + float(np.abs(self.logits - self.logits[-1]).max())
        return farthest <= SAFE_EXPONENT * self.temperature

    def log_prob(self, x: npt.ArrayLike) -> FloatArray:
        """Return the log-density at points of the simplex, with respect to dx_1 ... dx_(K-1).

        Parameters
        ----------
        x : array_like, shape (..., K)
            Points. Those off the simplex (a negative component, or a sum that is not 1 within
            1e-6) get -inf. On its boundary (an exact 0) the density's limit is given: usually
            +inf at low temperature and -inf at high; see `log_prob_log` for a way around.

        Returns
        -------
        ndarray, shape (...)
            The log-density, in nats.

        Raises
        ------
        ShapeError
            If the last axis of `x` is not of length K.

        References
        ----------
        Maddison, Mnih, Teh (2017), Definition 1 (equation 11).

        Examples
        --------
        >>> bool(np.isclose(Concrete([1, 1], 1.0).log_prob([0.25, 0.75]), 0.0))
        True
        """
        points = self._points("x", x)
        columns = _category_first(points)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            log_x = np.log(columns)
            log_prob = self._log_prob_interior(log_x) - log_x.sum(axis=0)
            inside = np.abs(columns.sum(axis=0) - 1) <= SIMPLEX_TOLERANCE
            inside &= (columns >= 0).all(axis=0)
        log_prob = np.where(inside, log_prob, -np.inf)
        boundary = inside & (columns == 0).any(axis=0)
        if boundary.any():
            with np.errstate(divide="ignore"):
                log_prob[boundary] = self._log_prob_boundary(np.log(points[boundary]))
        return log_prob[()]

    def log_prob_log(self, log_x: npt.ArrayLike) -> FloatArray:
        """Return the log-density of Y = log X (ExpConcrete), finite at any temperature.

        Its reference measure is Lebesgue's in the K-1 log-ratios log(x_k / x_K); that is
        dx_1 ... dx_(K-1) / (x_1 ... x_K).

        Parameters
        ----------
        log_x : array_like, shape (..., K)
            Logarithms of points of the simplex. Rows whose exponentials do not sum to 1 within
            1e-6 get -inf.

        Returns
        -------
        ndarray, shape (...)
            The log-density, in nats.

        Raises
        ------
        ShapeError
            If the last axis of `log_x` is not of length K.

        References
        ----------
        Maddison, Mnih, Teh (2017), appendix C.3 (equation 26).

        Examples
        --------
        >>> d = Concrete([1, 3, 6], temperature=1e-3)
        >>> bool(np.isfinite(d.log_prob_log(d.sample_log(100, seed=0))).all())
        True
        """
        columns = _category_first(self._points("log_x", log_x))
        with np.errstate(invalid="ignore", over="ignore"):
            log_prob = self._log_prob_interior(columns)
            inside = np.abs(logsumexp(columns, axis=0)) <= SIMPLEX_TOLERANCE
            inside &= np.isfinite(columns).all(axis=0)
        return np.where(inside, log_prob, -np.inf)[()]

    def _points(self, parameter: str, x: npt.ArrayLike) -> FloatArray:
        points = _numbers(parameter, x)
        if points.ndim == 0 or points.shape[-1] != self.num_categories:
            raise ShapeError(
                f"points have shape {points.shape}, but the distribution has "
                f"{self.num_categories} categories: expected (..., {self.num_categories})"
            )
        return points

    @property
    def _log_constant(self) -> float:
        k = self.num_categories
        return math.lgamma(k) + (k - 1) * math.log(self.temperature)

    def _log_prob_interior(self, log_x: FloatArray) -> FloatArray:
        # The log-density of Y = log X, shape (K, ...). The scores s = a - t·y enter as
        # Σs - K·LSE(s), which does not change when their maximum is taken off: so the large terms
        # cancel before rounding.
        logits = self.logits.reshape(-1, *[1] * (log_x.ndim - 1))
        # The largest component's logarithm goes first: a high temperature would magnify it.
        scores = logits - self.temperature * (log_x - log_x.max(axis=0))
        scores -= scores.max(axis=0)
        log_prob: FloatArray = self._log_constant + scores.sum(axis=0)
        log_prob -= self.num_categories * np.log(np.exp(scores).sum(axis=0))
        return log_prob

    def _log_prob_boundary(self, log_x: FloatArray) -> FloatArray:
        # The limit as the m zero components of a row go to 0 together, x = ε → 0: the terms in
        # log ε have the factor K·t - m·(t+1), and only those components remain in the LSE.
        t, k = self.temperature, self.num_categories
        zero = np.isneginf(log_x)
        order = k * t - zero.sum(axis=-1) * (t + 1)
        rest = np.where(zero, 0.0, log_x)
        finite = self._log_constant + self.logits.sum() - (t + 1) * rest.sum(axis=-1)
        finite -= k * logsumexp(np.where(zero, self.logits, -np.inf))
        return np.where(order == 0, finite, np.where(order < 0, np.inf, -np.inf))

    def mean(self) -> FloatArray:
        """Return E[X], exact, shape (K,); see `gscli.distribution.moments.mean`.

        Examples
        --------
        >>> Concrete([1, 3, 6], temperature=3).mean().round(5).tolist()
        [0.23993, 0.33912, 0.42095]
        """
        return moments.mean(self.logits, self.temperature)

    def variance(self) -> FloatArray:
        """Return Var[X_k], exact, shape (K,): the diagonal of `covariance`, in memory of K.

        Examples
        --------
        >>> Concrete([1, 1], temperature=1).variance().round(6).tolist()
        [0.083333, 0.083333]
        """
        squares = quadrature(self.logits, self.temperature).expectation(2)
        variance: FloatArray = np.maximum(squares - self.mean() ** 2, 0)
        return variance

    def std(self) -> FloatArray:
        """Return the exact standard deviations, shape (K,): the root of `variance`."""
        return np.sqrt(self.variance())

    def covariance(self) -> FloatArray:
        """Return Cov[X], exact, shape (K, K); see `gscli.distribution.moments.covariance`."""
        return moments.covariance(self.logits, self.temperature)

    def entropy(self) -> float:
        """Return the exact differential entropy in nats, w.r.t. dx_1 ... dx_(K-1); see `moments`.

        Examples
        --------
        >>> round(Concrete([1, 3, 6], temperature=1).entropy(), 5)
        -1.40424
        """
        return moments.entropy(self.logits, self.temperature)

    def expected_max(self) -> float:
        """Return E[max X], between 1/K and 1: how close to one-hot samples are on average.

        Examples
        --------
        >>> round(Concrete([1, 1], temperature=1).expected_max(), 9)  # X_1 is uniform
        0.75
        """
        return extremes.expected_max(self.logits, self.temperature)

    def near_vertex(self, within: float = 0.05) -> float:
        """Return P(max X > 1 - within), the share of samples that are nearly one-hot.

        Parameters
        ----------
        within : float
            Distance from the vertex, 0 < within <= 0.5.

        Raises
        ------
        ParameterError
            If `within` is outside its range.

        Examples
        --------
        >>> round(Concrete([1, 1], temperature=1).near_vertex(), 9)  # X_1 is uniform
        0.1
        """
        return extremes.near_vertex(self.logits, self.temperature, within)

    def marginal_cdf(self, k: int, x: npt.ArrayLike) -> FloatArray:
        """Return P(X_k <= x), exact; see `extremes.marginal_cdf`.

        Parameters
        ----------
        k : int
            The category, 0 <= k < K.
        x : array_like, shape (...)
            Where.

        Returns
        -------
        ndarray, shape (...)
            The probability.

        Raises
        ------
        ParameterError
            If `k` is outside its range.

        Examples
        --------
        >>> Concrete([1, 1], temperature=1).marginal_cdf(0, [0.25, 2]).round(9).tolist()
        [0.25, 1.0]
        """
        return extremes.marginal_cdf(self.logits, self.temperature, k, x)

    def marginal_pdf(self, k: int, x: npt.ArrayLike) -> FloatArray:
        """Return the density of X_k with respect to dx, exact; see `extremes.marginal_pdf`.

        Takes the parameters of `marginal_cdf`.

        Examples
        --------
        >>> Concrete([1, 1], temperature=1).marginal_pdf(0, [0.25, 2]).round(9).tolist()
        [1.0, 0.0]
        """
        return extremes.marginal_pdf(self.logits, self.temperature, k, x)

    def marginal_quantile(self, k: int, probability: npt.ArrayLike) -> FloatArray:
        """Return quantiles of X_k, the inverse of `marginal_cdf`.

        Examples
        --------
        >>> Concrete([1, 1], temperature=1).marginal_quantile(0, 0.25).round(9).tolist()
        0.25
        """
        return extremes.marginal_quantile(self.logits, self.temperature, k, probability)

    def gradient_error(self) -> GradientError:
        """Return the exact bias and noise of the relaxed gradient; see `gradients`.

        Examples
        --------
        >>> cost = Concrete([1, 3, 6], temperature=1).gradient_error()
        >>> round(cost.relative_bias, 5), round(cost.noise, 7)
        (0.3042, 0.0354535)
        """
        return gradients.gradient_error(self.logits, self.temperature)

    def best_temperature(
        self, batch_size: int = 1, max_relative_bias: float | None = None
    ) -> float:
        """Return the temperature at which a gradient averaged over m samples errs least.

        It does not depend on this distribution's own temperature; see
        `gscli.distribution.gradients.best_temperature`.

        Parameters
        ----------
        batch_size : int
            m >= 1.
        max_relative_bias : float, optional
            The largest ``gradient_error().relative_bias`` that is accepted. Without it the least
            error can be that of a gradient that is shrunk towards 0; 0.5 excludes those.

        Examples
        --------
        >>> round(Concrete([1, 3, 6], temperature=1).best_temperature(32), 2)
        0.52
        >>> rare = Concrete([0.0001, 0.01, 1], temperature=1)
        >>> round(rare.best_temperature(), 1), round(rare.best_temperature(1, 0.5), 1)
        (29.2, 0.5)
        """
        return gradients.best_temperature(self.logits, batch_size, max_relative_bias)

    def kl_divergence(self, other: "Concrete") -> float:
        """Return KL(self ‖ other) = E[log p(X) - log q(X)] in nats, exact.

        At equal temperatures it does not depend on the temperature, nor is it the divergence of
        the categorical distributions, `categorical_kl`, which is smaller.

        Parameters
        ----------
        other : Concrete
            Over the same number of categories; its temperature may differ.

        Returns
        -------
        float
            At least 0; within 1e-9 of its largest term (see `divergence.kl_divergence`).

        Raises
        ------
        AccuracyError
            If a temperature is outside 0.001 ... 1000.
        ParameterError
            If `other` is not a Concrete.
        ShapeError
            If the numbers of categories differ.

        Examples
        --------
        >>> d = Concrete([1, 3, 6], temperature=1)
        >>> round(d.kl_divergence(Concrete([1, 1, 1], temperature=0.5)), 6)
        0.726702
        """
        from gscli.distribution import divergence  # which no sampling needs

        self._check_same_categories(other)
        return divergence.kl_divergence(
            self.logits, self.temperature, other.logits, other.temperature
        )

    def categorical_kl(self, other: "Concrete") -> float:
        """Return KL = Σ p_k log(p_k / q_k) of the categorical distributions, in nats.

        They are those of the one-hot vectors that samples round to, and do not depend on the
        temperatures. Rounding loses information, so it is at most `kl_divergence`, whose
        parameters it takes.

        Examples
        --------
        >>> d = Concrete([1, 3, 6], temperature=1)
        >>> round(d.categorical_kl(Concrete([1, 1, 1], temperature=0.5)), 6)
        0.200667
        """
        self._check_same_categories(other)
        return max(0.0, float(self.probs @ (self.logits - other.logits)))

    def _check_same_categories(self, other: "Concrete") -> None:
        if check_concrete("other", other).num_categories != self.num_categories:
            raise ShapeError(
                f"the distributions have {self.num_categories} and {other.num_categories} "
                "categories; a divergence needs the same number"
            )

    def subcomposition(self, indices: Sequence[int]) -> "Concrete":
        """Return the distribution of (X_i, i in indices) over its sum: again Concrete.

        Merging categories, on the other hand, does not give a Concrete distribution.

        Parameters
        ----------
        indices : sequence of int
            At least two different categories, 0 <= i < K.

        Returns
        -------
        Concrete
            The distribution over those categories, in that order, at the same temperature.

        Raises
        ------
        ParameterError
            If `indices` repeats one, has fewer than two, or leaves the range.

        Examples
        --------
        >>> Concrete([1, 3, 6], temperature=0.5).subcomposition([0, 1]).probs.round(9).tolist()
        [0.25, 0.75]
        """
        chosen = [_whole("indices", i) for i in indices]
        if len(set(chosen)) != len(chosen) or len(chosen) < 2:
            raise ParameterError("indices", f"{chosen} are not two or more different categories")
        for i in chosen:
            if not 0 <= i < self.num_categories:
                raise ParameterError("indices", f"{i} is not in 0 ... {self.num_categories - 1}")
        return Concrete(logits=self.logits[chosen], temperature=self.temperature)


def _batches(shape: tuple[int, ...]) -> Iterator[tuple[slice, ...]]:
    """Cut an array of shape (..., K, L) so that what is made of a batch is small.

    Larger arrays the system would map anew each time, which costs more than what is done to them.
    """
    *_, num_categories, lanes = shape
    axis = 0 if lanes == 1 else len(shape) - 1
    step = max(1, BATCH_VALUES // num_categories) if lanes == 1 else BATCH_LANES
    for low in range(0, shape[axis], step):
        yield (*(slice(None),) * axis, slice(low, low + step))


def _sum_of_others(scores: FloatArray) -> FloatArray:
    """Return Σ exp(scores) without the largest score, which is 0: from (..., K, L) to (..., 1, L).

    With the 1 of the largest one among them, the sum would not hold the others where they are
    tiny.
    """
    if scores.shape[-1] == 1:
        shares = np.exp(scores)
        np.put_along_axis(shares, scores.argmax(axis=-2, keepdims=True), 0, axis=-2)
        total: FloatArray = shares.sum(axis=-2, keepdims=True)
        return total
    # Category after category, since NumPy is slow at finding the largest across many lanes.
    largest = np.exp(scores[..., 0, :])
    share, less, others = np.empty_like(largest), np.empty_like(largest), np.zeros_like(largest)
    for k in range(1, scores.shape[-2]):
        np.exp(scores[..., k, :], out=share)
        others += np.minimum(largest, share, out=less)
        np.maximum(largest, share, out=largest)
    return others[..., None, :]


def _one_hot(scores: FloatArray, largest: FloatArray, out: RealArray) -> None:
    """Fill `out` with the vertex of the largest score, the first of those that tie."""
    if scores.shape[-1] == 1:
        out[...] = 0
        np.put_along_axis(out, scores.argmax(axis=-2, keepdims=True), 1, axis=-2)
        return
    free = np.ones_like(largest[..., 0, :], dtype=bool)
    for k in range(scores.shape[-2]):
        hit = scores[..., k, :] == largest[..., 0, :]
        hit &= free
        free ^= hit
        out[..., k, :] = hit


def _category_first(points: FloatArray) -> FloatArray:
    # Sums and maxima over a few categories are an order of magnitude faster when the categories
    # are the rows of an array: for many of them the last axis is as good, and costs no copy.
    moved = np.moveaxis(points, -1, 0)
    return np.ascontiguousarray(moved) if len(moved) <= FEW_CATEGORIES else moved


def kl_divergence(p: Concrete, q: Concrete) -> float:
    """Return KL(p ‖ q); see `Concrete.kl_divergence`.

    Examples
    --------
    >>> kl_divergence(Concrete([1, 3], 1), Concrete([1, 3], 1))
    0.0
    """
    return check_concrete("p", p).kl_divergence(q)


def check_concrete(parameter: str, value: object) -> Concrete:
    """Return a distribution, or raise `ParameterError` if it is not one."""
    if not isinstance(value, Concrete):
        raise ParameterError(
            parameter, f"{_shown(value)} is not a distribution; give Concrete(probs, temperature)"
        )
    return value


def check_temperature(temperature: float | None) -> float:
    """Return a temperature as a float, or raise `ParameterError` with the reason.

    Examples
    --------
    >>> check_temperature(3)
    3.0
    """
    if temperature is None:
        raise ParameterError("temperature", "is missing; give a positive, finite number")
    number = _numbers("temperature", temperature)
    if number.ndim:
        raise ParameterError("temperature", f"has shape {number.shape}; expected one number")
    value = float(number)
    if value == 0:
        raise ParameterError(
            "temperature",
            "0 is a limit, not a temperature: there the sample is the one-hot vertex of the "
            "largest logit plus Gumbel noise",
        )
    if not value > 0 or math.isinf(value):
        raise ParameterError("temperature", f"{value:g} is not a positive, finite number")
    if value < MIN_TEMPERATURE:
        raise ParameterError("temperature", f"{value:g} is below {MIN_TEMPERATURE:.3g}")
    return value


def _shown(value: object) -> str:
    return " ".join(reprlib.repr(value).split())


def _numbers(parameter: str, values: npt.ArrayLike) -> FloatArray:
    try:
        array = np.asarray(values)
    except (TypeError, ValueError, RuntimeError) as error:  # ragged; a tensor with a gradient
        reason = f"{_shown(values)} cannot be read as an array: {error}"
        raise ParameterError(parameter, " ".join(reason.split())) from error
    if array.dtype.kind not in "fiu" and array.size:
        raise ParameterError(parameter, f"{_shown(values)} does not hold real numbers alone")
    with np.errstate(over="ignore"):  # of a longer float
        return array.astype(np.float64, copy=False)


def _vector(parameter: str, values: npt.ArrayLike) -> FloatArray:
    vector = _numbers(parameter, values)
    if vector.ndim != 1:
        raise ParameterError(parameter, f"has shape {vector.shape}; expected (K,), one dimension")
    if len(vector) < 2:
        raise ParameterError(
            parameter, f"has {len(vector)} value; a choice needs two or more categories"
        )
    for position in np.flatnonzero(~np.isfinite(vector))[:1]:
        raise ParameterError(
            parameter, f"value {position + 1} is {vector[position]:g}; each must be finite"
        )
    return vector


def _log_probs(probs: npt.ArrayLike | None) -> FloatArray:
    vector = _vector("probs", probs if probs is not None else ())
    for position in np.flatnonzero(vector <= 0)[:1]:
        raise ParameterError(
            "probs",
            f"value {position + 1} is {vector[position]:g}; unnormalised probabilities must be "
            "> 0 (for log-probabilities use logits)",
        )
    return np.log(vector)


def _whole(parameter: str, value: SupportsIndex) -> int:
    try:
        return operator.index(value)
    except TypeError as error:
        raise ParameterError(parameter, f"{_shown(value)} is not a whole number") from error


def _seed(seed: Seed | None) -> int:
    if isinstance(seed, np.random.Generator):
        return int(seed.integers(2**63))
    return sampling.fresh_seed() if seed is None else _whole("seed", seed)


def _form(form: Form) -> Form:
    if form not in get_args(Form):
        raise ParameterError("form", f"{_shown(form)} is not one of {', '.join(get_args(Form))}")
    return form
