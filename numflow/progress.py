"""A progress bar of a loop: on a terminal a line that redraws itself, elsewhere ten plain lines.

A training loop of small steps turns a million times a minute, so a turn that draws nothing costs
one clock reading. Values to show (a loss) become numbers only when a line is really drawn.
"""

import sys
import time
from collections.abc import Collection, Iterable, Iterator
from typing import Generic, SupportsFloat, TextIO, TypeVar

__all__ = ["Progress"]

T = TypeVar("T")

REDRAW = 0.1  # seconds: faster than the eye needs, slower than a terminal minds
PLAIN_LINES = 10
WIDTH = 24


class Progress(Generic[T]):
    """Iterate over `items` and show how far it is, at what rate, and when it ends.

    Args:
      items: what to iterate over.
      label: what stands before the bar.
      total: how many items there are; needed only if `items` has no length.
      stream: where to write; standard error by default.

    Example:
      >>> import sys
      >>> steps = Progress(range(2), label="walk", stream=sys.stdout)
      >>> for step in steps:
      ...     steps.show(loss=1 / (1 + step))
      walk 1/2 .../s loss 1
      walk 2/2 .../s 0:00 loss 0.5
    """

    def __init__(
        self,
        items: Iterable[T],
        label: str = "",
        *,
        total: int | None = None,
        stream: TextIO | None = None,
    ) -> None:
        self._items = items
        self._label = label
        self._total = len(items) if total is None and isinstance(items, Collection) else total
        self._stream = sys.stderr if stream is None else stream
        self._redraws = self._stream.isatty()
        self._values: dict[str, SupportsFloat] = {}
        self._done = 0
        self._start = 0.0
        self._drawn = 0  # characters of the line that stands on the terminal

    def show(self, **values: SupportsFloat) -> None:
        """Values to show behind the bar from now on, by name; read only when a line is drawn."""
        self._values |= values

    def __iter__(self) -> Iterator[T]:
        self._start = drawn_at = time.perf_counter()
        self._done = 0
        plain_every = max(1, -(-(self._total or 0) // PLAIN_LINES))
        try:
            for item in self._items:
                yield item
                self._done += 1
                if self._redraws:
                    now = time.perf_counter()
                    if now - drawn_at >= REDRAW:
                        drawn_at = now
                        self._draw()
                elif self._total and self._done % plain_every == 0 and self._done < self._total:
                    print(self._line(), file=self._stream, flush=True)
        finally:
            self._finish()

    def _finish(self) -> None:
        """The last line, which stays: also after a break, an exception, or nothing at all."""
        if self._redraws:
            self._draw()
            print(file=self._stream, flush=True)
        else:
            print(self._line(), file=self._stream, flush=True)

    def _draw(self) -> None:
        """Write the line over the one that stands there."""
        line = self._line()
        print("\r" + line.ljust(self._drawn), end="", file=self._stream, flush=True)
        self._drawn = len(line)

    def _line(self) -> str:
        seconds = max(time.perf_counter() - self._start, 1e-9)
        rate = self._done / seconds
        parts = [self._label] if self._label else []
        if self._total and self._redraws:
            filled = WIDTH * self._done // self._total
            parts.append(f"{self._done / self._total:4.0%} [{'#' * filled:<{WIDTH}}]")
        parts.append(f"{self._done}/{self._total}" if self._total else str(self._done))
        parts.append(f"{rate:,.0f}/s" if rate >= 10 else f"{rate:.2g}/s")
        if self._total and self._done < self._total:
            if self._done and self._redraws:
                parts.append(f"ETA {_clock((self._total - self._done) / rate)}")
        else:
            parts.append(_clock(seconds))
        parts += [f"{name} {float(value):.4g}" for name, value in self._values.items()]
        return " ".join(parts)


def _clock(seconds: float) -> str:
    """Minutes and seconds, or hours, minutes and seconds."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
