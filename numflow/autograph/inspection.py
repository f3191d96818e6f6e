"""What became of a function: as a function, as text, as messages."""

from __future__ import annotations

import ast
from types import FunctionType, MethodType
from typing import Any

from numflow.autograph import conversion, functions, scan, source
from numflow.errors import explain
from numflow.logs import get_logger


def to_graph(
    entity: Any, recursive: bool = True, experimental_optional_features: Any = None
) -> Any:
    """The function whose `if`, `while` and `for` become ops where they depend on tensors.

    Called outside of a trace it does what the function does. `nf.function` does this by itself.

    Args:
      entity: a function or method.
      recursive: whether functions that it calls are converted too.
      experimental_optional_features: without effect.

    Raises:
      TypeError: entity is no function.

    Example:
      >>> def double(x):
      ...     if x > 0:
      ...         x = x * 2
      ...     return x
      >>> nf.autograph.to_graph(double)(3)
      6
    """
    if not callable(entity):
        raise TypeError(explain("to_graph", f"takes a function, not {entity!r:.50}"))
    return functions.converted(_plain(entity), recursive)


def to_code(entity: Any, recursive: bool = True, experimental_optional_features: Any = None) -> str:
    """The text of the converted function; of one with nothing to convert, its own.

    Args:
      entity: a function or method.
      recursive, experimental_optional_features: without effect.

    Raises:
      TypeError: entity is no function with a source.

    Example:
      >>> print(nf.autograph.to_code(lambda x: 1 if x > 0 else 2))
      def tf__lambda(x):
          return ag__.if_exp(x > 0, lambda: 1, lambda: 2)
      <BLANKLINE>
    """
    function = _plain(entity)
    if isinstance(function, MethodType):
        function = function.__func__
    if not isinstance(function, FunctionType):
        raise TypeError(explain("to_code", f"takes a function with a source, not {entity!r:.50}"))
    name = function.__name__.strip("<>")
    written = source.syntax_of(function)
    if written is None:
        raise TypeError(explain("to_code", f"{name} has no source"))
    tree = conversion.syntax(function)
    if tree is None:
        node: ast.FunctionDef | ast.Lambda = written
    else:
        found = (n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef))
        node = next(n for n in found if n.name == conversion.MADE)
        node.args = written.args  # with their defaults and annotations
        node.returns = getattr(written, "returns", None)
    if isinstance(node, ast.Lambda):
        return f"tf__{name} = {ast.unparse(node)}\n"
    node.decorator_list = []
    node.name = f"tf__{name}"
    return ast.unparse(node) + "\n"


def _plain(entity: Any) -> Any:
    """The Python function in what nf.function made."""
    return getattr(entity, "python_function", entity)


def set_verbosity(level: int, alsologtostdout: bool = False) -> None:
    """How much is said of conversions: 0 nothing, 1 what is converted, 3 and more the code.

    Args:
      level: an integer.
      alsologtostdout: print it, too.

    Example:
      >>> nf.autograph.set_verbosity(0)
    """

    def log(least: int, text: str) -> None:
        if level >= least:
            get_logger().info("%s", text)
            if alsologtostdout:
                print(text)

    scan.conversion_log = log if level > 0 else None


def trace(*args: Any) -> None:
    """Print the arguments while a function is traced, and not when it runs.

    Example:
      >>> @nf.function
      ... def double(x):
      ...     nf.autograph.trace("traced with", x.shape)
      ...     return x + x
      >>> double(nf.constant([1.0])).numpy().tolist()
      traced with (1,)
      [2.0]
    """
    print(*args)
