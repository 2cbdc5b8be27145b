"""Options: constructors that convert and store what they are given, and configs that follow."""

import inspect
from typing import Annotated, Any

import pytest

from fastrnn.core.options import (
    Configurable,
    Finite,
    Flag,
    Kind,
    OnlyNone,
    PositiveInt,
    Share,
    Unused,
    extends_options,
    set_defaults,
    takes_options,
    values_of_options,
)
from fastrnn.typing import InitializerLike


class Base(Configurable):
    config_order = ("name",)

    @takes_options
    def __init__(
        self, rate: Share = 0.5, limit: PositiveInt | None = None, name: str | None = None,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        if kwargs:
            raise ValueError(f"unknown: {sorted(kwargs)}")


class Extended(Base):
    @extends_options
    def __init__(
        self,
        units: PositiveInt,
        rate: Share = 0.25,
        *,
        kernel_initializer: InitializerLike = "zeros",
        lora: OnlyNone = None,
        dtype: Unused[str | None] = None,
        **options: Any,
    ) -> None:
        super().__init__(rate, **options)


class Narrow(Base):
    @takes_options
    def __init__(self, name: str | None = "narrow") -> None:
        super().__init__(1, name=name)


def test_base_options_stand_behind_the_own_ones_and_before_those_by_keyword():
    parameters = inspect.signature(Extended).parameters
    expected = ["units", "rate", "limit", "name", "kernel_initializer", "lora", "dtype", "kwargs"]
    assert list(parameters) == expected
    assert parameters["rate"].default == 0.25
    assert Extended(3, 1, 4, "a", "ones").get_config() == {
        "name": "a", "rate": 1.0, "limit": 4, "units": 3,
        "kernel_initializer": {
            "module": "keras.initializers", "class_name": "Ones", "config": {},
            "registered_name": None,
        },
    }  # fmt: skip
    assert list(Extended(3).get_config())[:3] == ["name", "rate", "limit"]


def test_a_config_makes_an_equal_object():
    config = Extended(3, limit=2, kernel_initializer="ones").get_config()
    assert Extended.from_config(config).get_config() == config


def test_what_a_constructor_lacks_is_not_in_the_config():
    assert Narrow().get_config() == {"name": "narrow"}
    assert Narrow().rate == 1.0


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        ((), {}, TypeError, "missing 1 required positional argument: 'units'"),
        ((0,), {}, ValueError, "`units`: expected a positive integer"),
        ((1, 2), {}, ValueError, "`rate`: expected a number from 0 to 1"),
        ((1,), {"limit": 0.5}, ValueError, "`limit`: expected a positive integer"),
        ((1,), {"units": 1}, TypeError, "several values for argument 'units'"),
        ((1,), {"other": 1}, ValueError, r"unknown: \['other'\]"),
        ((1,), {"lora": 3}, ValueError, "`lora`: expected one of None"),
        ((1,), {"kernel_initializer": "nil"}, ValueError, "`initializer`: expected one of"),
        (range(9), {}, TypeError, "at most 7 arguments, but 9 were given"),
    ],
)
def test_wrong_arguments_are_refused(arguments, options, error, message):
    with pytest.raises(error, match=message):
        Extended(*arguments, **options)


def test_a_config_by_hand_extends_the_one_that_follows():
    class Own(Base):
        def __init__(self, units, **kwargs):
            super().__init__(**kwargs)
            self.units = units

        def get_config(self):
            return {**super().get_config(), "units": self.units}

    own = Own("many", rate=0)
    assert own.get_config() == {"name": None, "rate": 0.0, "limit": None, "units": "many"}
    assert Own.from_config(own.get_config()).rate == 0


def test_properties_and_other_attributes():
    class Kept(Configurable):
        @takes_options
        def __init__(
            self, value: Finite = 0, given: Annotated[Any, Kind(attribute="_given")] = None,
            flag: Flag = 0,
        ) -> None:  # fmt: skip
            self._value = 2 * value

        @property
        def value(self):
            return self._value

    kept = Kept(2, given=[1])
    assert not hasattr(kept, "given")
    assert kept.get_config() == {"value": 4.0, "given": [1], "flag": False}


def test_defaults_of_a_class_without_a_constructor():
    class Named(Base):
        pass

    set_defaults(Named, name="named")
    assert inspect.signature(Named).parameters["name"].default == "named"
    assert list(inspect.signature(Named).parameters) == list(inspect.signature(Base).parameters)
    assert Named().get_config()["name"] == "named"
    assert Named(1, 2, "other").get_config() == {"name": "other", "rate": 1.0, "limit": 2}


def test_a_closed_constructor_refuses_what_it_does_not_know_in_its_own_name():
    class Closed(Narrow):
        pass

    set_defaults(Closed, name="closed")
    with pytest.raises(TypeError, match=r"Closed.__init__\(\) got an unexpected .* 'rate'"):
        Closed(rate=1)


def test_order_of_a_config():
    class Ordered(Extended):
        config_order = ("units", ..., "limit")

        @extends_options
        def __init__(self, units: int, *, more: Flag = True, **options: Any) -> None:
            super().__init__(units, **options)

    expected = ["units", "name", "rate", "kernel_initializer", "more", "limit"]
    assert list(Ordered(units=2).get_config()) == expected


def test_values_beside_those_of_the_base():
    found = values_of_options(Extended(3, kernel_initializer=None), Base)
    assert found == {"units": 3, "kernel_initializer": None}
