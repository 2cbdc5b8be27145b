"""The page of old forms has every row of the tables."""

import pytest
from repository import REPOSITORY

from fastrnn.core import old_arguments, old_keywords, old_names, old_paths

PAGE = (REPOSITORY / "docs" / "compatibility.md").read_text(encoding="utf-8")
NAMED = {
    "paths": [path.removeprefix("fastrnn.") for path in old_paths.OLD_PATHS],
    "names": [f"{m}.{old}" for m, names in old_names.OLD_NAMES.items() for old in names],
    "arguments": [
        old for names in old_arguments.RENAMED.values() for old, new in names.items() if old != new
    ],
    "keywords": [*old_keywords.RENAMED, *old_keywords.WITHOUT_EFFECT],
}


@pytest.mark.parametrize("kind", NAMED)
def test_every_form_is_on_the_page(kind):
    assert [name for name in NAMED[kind] if f"`{name}`" not in PAGE] == []
