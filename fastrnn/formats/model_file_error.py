"""The one exception of everything that reads model files."""

from __future__ import annotations


class ModelFileError(ValueError):
    """A file was refused: it is damaged, asks for something that no model file may ask, or is none.

    Nothing has been changed when it is raised.

    Args:
        reason: the rule that the file breaks, a short fixed code, e.g. ``"duplicate_member"``.
        source: the file's name, and the place in it where known.
        message: what was found, what is expected, and how to mend it.

    Attributes:
        reason: the code, for programs.
        source: the file and the place.

    >>> error = ModelFileError("not_json", "model.keras, config.json", "no JSON object")
    >>> error.reason, str(error)
    ('not_json', 'model.keras, config.json: no JSON object [not_json]')
    """

    def __init__(self, reason: str, source: str, message: str) -> None:
        super().__init__(f"{source}: {message} [{reason}]")
        self.reason = reason
        self.source = source
