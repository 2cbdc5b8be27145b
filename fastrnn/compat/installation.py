"""fastrnn in the place of Keras and TensorFlow, for a whole process or a block."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType, TracebackType

from fastrnn.compat.aliases import KERAS, TENSORFLOW, AliasFinder

# What programs import, in the forms of Keras 1 to 3 and TensorFlow 1 and 2.
_ROOTS = {
    "keras_preprocessing": ("fastrnn.preprocessing", "fastrnn.preprocessing"),
    **dict.fromkeys(("keras", "keras.api", "keras.api._v2", "keras.api._v2.keras"), KERAS),
    **dict.fromkeys(("tf_keras", "tensorflow.keras", "tensorflow.python.keras"), KERAS),
    **dict.fromkeys(("tensorflow.contrib.keras", "tensorflow.compat.v1.keras"), KERAS),
    **dict.fromkeys(("tensorflow", "tensorflow.python", "tensorflow.contrib"), TENSORFLOW),
    **dict.fromkeys(
        ("tensorflow.compat", "tensorflow.compat.v1", "tensorflow.compat.v2"), TENSORFLOW
    ),
}


class Installation:
    """fastrnn as ``keras`` and ``tensorflow``, until ``undo`` or the end of a ``with`` block.

    Attributes:
        finder: finds the modules; it stands first in ``sys.meta_path``.
        replaced: the modules that had been imported under the names before.
    """

    def __init__(self) -> None:
        self.finder = AliasFinder(_ROOTS)
        self.replaced = self._take_modules()
        sys.meta_path.insert(0, self.finder)

    def undo(self) -> None:
        """Give the names back: to the modules that had them, and to the import system."""
        if self.finder in sys.meta_path:
            sys.meta_path.remove(self.finder)
            self._take_modules()
            sys.modules.update(self.replaced)

    def __enter__(self) -> Installation:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.undo()

    def _take_modules(self) -> dict[str, ModuleType]:
        names = [name for name in sys.modules if self.finder.covers(name)]
        taken = {name: sys.modules.pop(name) for name in names}
        importlib.invalidate_caches()
        return taken


def install_as_keras() -> Installation:
    """Make ``keras``, ``tensorflow.keras`` and ``tensorflow`` give fastrnn in all later imports.

    Modules of the real packages are left alone where they were imported before; a new import of
    their names gives fastrnn all the same, also in other packages.

    Returns:
        what was done, with ``undo``; also a context manager that undoes it.

    >>> import fastrnn
    >>> with fastrnn.compat.install_as_keras():
    ...     from tensorflow.keras.layers import LSTM
    >>> LSTM is fastrnn.layers.LSTM
    True
    """
    return Installation()
