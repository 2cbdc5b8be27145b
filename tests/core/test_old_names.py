"""Names that Keras 1 and 2 had for classes and functions."""

import re

import pytest

import fastrnn
from fastrnn.core.old_names import OLD_NAMES

ROWS = [(module, old) for module, names in OLD_NAMES.items() for old in names]


@pytest.mark.parametrize(("module", "old"), ROWS)
def test_an_old_name_is_that_of_today(module, old):
    place, today = getattr(fastrnn, module), OLD_NAMES[module][old]
    message = re.escape(f"`fastrnn.{module}.{old}`") + ".*" + re.escape(f"{module}.{today}`")
    with pytest.warns(DeprecationWarning, match=message) as told:
        found = getattr(place, old)
    assert found is getattr(place, today)
    assert [warning.filename for warning in told] == [__file__]


@pytest.mark.parametrize(("module", "old"), ROWS)
def test_an_old_name_means_an_object(module, old):
    place = getattr(fastrnn, module)
    if old in place.registry.classes:  # today's too
        assert place.get(old) is not None
        return
    with pytest.warns(DeprecationWarning, match=repr(old)) as told:
        found = place.get(old)
    assert type(found) is type(place.get(OLD_NAMES[module][old]))
    assert [warning.filename for warning in told] == [__file__]


@pytest.mark.parametrize("name", ["ADAM", "RMSProp", "AdaDelta", "Sgd", "AdamW"])
def test_optimizers_are_found_in_any_case(name):
    assert type(fastrnn.optimizers.get(name)).__name__.lower() == name.lower()


def test_others_are_not():
    with pytest.raises(ValueError, match="Glorot_Uniform"):
        fastrnn.initializers.get("Glorot_Uniform")
    with pytest.raises(ValueError, match="nothing"):
        fastrnn.optimizers.get("nothing")


def test_an_old_name_of_ones_own_comes_first():
    def cosine_proximity(y_true, y_pred):
        return (y_true - y_pred) ** 2

    with fastrnn.utils.custom_object_scope({"cosine_proximity": cosine_proximity}):
        assert fastrnn.losses.get("cosine_proximity").function is cosine_proximity
