"""einsum: sums of products named by letters, made of transposes and matrix products.

Operands are joined from left to right. Of a pair, letters that both have and somebody still needs
are batch axes, letters that both have and nobody needs are summed by the product, letters that one
alone has and nobody needs are summed before. So every step is one (batched) matmul.
"""

from __future__ import annotations

from typing import Any

from numflow.errors import ShapeError, explain
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import linalg, matrix_parts, plain
from numflow.ops import reduce as reductions
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor
from numflow.shapes import Extent, product


def einsum(equation: str, *inputs: TensorLike, **kwargs: Any) -> Tensor:
    """The sum of products that an equation names: "ij,jk->ik" is a matrix product.

    Args:
      equation: letters of the axes of each input, after "->" those of the output; "..." stands for
        any axes in front, which broadcast. Without "->": letters that occur once, in order.
        A letter that stands twice in one input takes the diagonal of its axes.
      inputs: numbers of one dtype.
      kwargs: TensorFlow's optimize and name, without effect.

    Raises:
      ValueError: the equation is malformed, or does not fit the inputs.

    Example:
      >>> nf.einsum("bij,bj->bi", nf.ones([2, 3, 5]), nf.ones([2, 5])).numpy().tolist()
      [[5.0, 5.0, 5.0], [5.0, 5.0, 5.0]]
      >>> nf.einsum("ij->ji", [[1, 2]]).numpy().tolist()
      [[1], [2]]
    """
    plain.word(equation, "einsum", "equation")
    tensors = [as_tensor(x, None, "einsum", f"inputs[{k}]") for k, x in enumerate(inputs)]
    terms, output = _letters(equation, tensors)
    for k, term in enumerate(terms):
        tensors[k], terms[k] = _diagonal(equation, tensors[k], term)
    _check_sizes(equation, tensors, terms)
    x, letters = tensors[0], terms[0]
    for k in range(1, len(tensors)):
        needed = set(output).union(*terms[k + 1 :])
        x, letters = _join(x, letters, tensors[k], terms[k], needed)
    x, letters = _summed(x, letters, set(output))
    return shaping.transpose(x, [letters.index(c) for c in output])


def _letters(equation: str, tensors: list[Tensor]) -> tuple[list[list[str]], list[str]]:
    """The letters of each operand and of the output; "..." becomes "0", "1"... from the right."""
    text = equation.replace(" ", "")
    left, arrow, right = text.partition("->")
    parts = left.split(",")
    if len(parts) != len(tensors):
        raise _malformed(equation, f"names {len(parts)} inputs, {len(tensors)} are given")
    longest = 0
    terms = []
    for k, (part, t) in enumerate(zip(parts, tensors, strict=True)):
        named = part.replace("...", "", 1)
        if not named.isalpha() and named:
            raise _malformed(equation, f"{part!r} are not letters")
        extra = t.spec.rank - len(named) if "..." in part else 0
        if t.spec.rank != len(named) + extra or extra < 0:
            raise _malformed(equation, f"inputs[{k}] has {t.spec.rank} axes, not {part!r}")
        longest = max(longest, extra)
        terms.append(_expand(part, extra))
    if arrow:
        output = _expand(right, longest)
    else:
        flat = [c for term in terms for c in term]
        once = sorted(c for c in set(flat) if flat.count(c) == 1 and c.isalpha())
        output = [str(k) for k in reversed(range(longest))] + once
    if len(set(output)) != len(output):
        raise _malformed(equation, "a letter stands twice in the output")
    unknown = set(output) - {c for term in terms for c in term}
    if unknown:
        raise _malformed(equation, f"no input has {sorted(unknown)}")
    return terms, output


def _expand(part: str, extra: int) -> list[str]:
    front, dots, back = part.partition("...")
    middle = [str(k) for k in reversed(range(extra))] if dots else []
    return [*front, *middle, *back]


def _diagonal(equation: str, x: Tensor, letters: list[str]) -> tuple[Tensor, list[str]]:
    """Of axes with the same letter the elements at equal indices."""
    while len(set(letters)) != len(letters):
        c = next(c for c in letters if letters.count(c) > 1)
        p = letters.index(c)
        q = letters.index(c, p + 1)
        if x.spec.shape[p] != x.spec.shape[q]:
            shown = {"equation": repr(equation), "sizes": [x.spec.shape[p], x.spec.shape[q]]}
            raise ShapeError(explain("einsum", f"the sizes of {c!r} differ", shown))
        rest = [k for k in range(len(letters)) if k not in (p, q)]
        x = matrix_parts.diag_part(shaping.transpose(x, [*rest, p, q]))
        letters = [*(letters[k] for k in rest), c]
    return x, letters


def _malformed(equation: str, problem: str) -> ValueError:
    return ValueError(explain("einsum", problem, {"equation": repr(equation)}))


def _check_sizes(equation: str, tensors: list[Tensor], terms: list[list[str]]) -> None:
    """A letter has one size everywhere; axes of "..." broadcast: those of size 1 are made long."""
    sizes: dict[str, Extent] = {}
    for t, term in zip(tensors, terms, strict=True):
        for c, n in zip(term, t.spec.shape, strict=True):
            if sizes.get(c, n) != n and not (c.isdigit() and 1 in (n, sizes[c])):
                shown = {"equation": repr(equation), "sizes": [sizes[c], n]}
                raise ShapeError(explain("einsum", f"the sizes of {c!r} differ", shown))
            if sizes.get(c, 1) == 1:
                sizes[c] = n
    for k, (t, term) in enumerate(zip(tensors, terms, strict=True)):
        tensors[k] = shaping.broadcast_to(t, [sizes[c] for c in term])


def _summed(x: Tensor, letters: list[str], needed: set[str]) -> tuple[Tensor, list[str]]:
    """x summed over the letters that nobody needs."""
    gone = [k for k, c in enumerate(letters) if c not in needed]
    if not gone:
        return x, letters
    return reductions.reduce_sum(x, gone), [c for c in letters if c in needed]


def _join(
    x: Tensor, left: list[str], y: Tensor, right: list[str], needed: set[str]
) -> tuple[Tensor, list[str]]:
    """The product of two operands as one batched matmul."""
    x, left = _summed(x, left, needed | set(right))
    y, right = _summed(y, right, needed | set(left))
    sizes: dict[str, Extent] = dict(zip(left, x.spec.shape, strict=True))
    sizes |= dict(zip(right, y.spec.shape, strict=True))
    batch = [c for c in left if c in right and c in needed]
    inner = [c for c in left if c in right and c not in needed]
    rows = [c for c in left if c not in right]
    columns = [c for c in right if c not in left]

    def grouped(t: Tensor, letters: list[str], groups: list[list[str]]) -> Tensor:
        order = [letters.index(c) for group in groups for c in group]
        shape = [sizes[c] for c in batch]
        shape += [product(sizes[c] for c in group) for group in groups[1:]]
        return shaping.reshape_op(shaping.transpose(t, order), shape=tuple(shape))

    z = linalg.matmul(
        grouped(x, left, [batch, rows, inner]), grouped(y, right, [batch, inner, columns])
    )
    letters = batch + rows + columns
    return shaping.reshape_op(z, shape=tuple(sizes[c] for c in letters)), letters
