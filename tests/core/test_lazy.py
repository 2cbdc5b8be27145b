"""Names of a package that are loaded when they are asked for."""

import sys

import pytest

from fastrnn.core.lazy import lazy_attributes


@pytest.fixture
def package(tmp_path, monkeypatch):
    (tmp_path / "a_package").mkdir()
    (tmp_path / "a_package" / "__init__.py").write_text(
        "from fastrnn.core.lazy import lazy_attributes\n"
        "places = {n: f'a_package.{n}' for n in ('part', 'missing', 'broken')}\n"
        "places['of_part'] = 'a_package.part:value'\n"
        "__getattr__ = lazy_attributes(__name__, places)\n"
    )
    (tmp_path / "a_package" / "part.py").write_text("value = [1]")
    (tmp_path / "a_package" / "broken.py").write_text("import not_installed")
    monkeypatch.syspath_prepend(tmp_path)
    import a_package

    yield a_package
    for name in [name for name in sys.modules if name.startswith("a_package")]:
        del sys.modules[name]


def test_a_module_is_loaded_when_it_is_asked_for(package):
    assert "a_package.part" not in sys.modules
    assert package.of_part is package.part.value
    assert vars(package)["part"] is sys.modules["a_package.part"]


def test_a_module_that_does_not_exist_is_no_attribute(package):
    assert not hasattr(package, "missing")
    assert not hasattr(package, "unknown")


def test_what_a_module_lacks_is_told(package):
    with pytest.raises(ModuleNotFoundError, match="not_installed"):
        _ = package.broken


def test_names_of_the_root():
    import fastrnn

    assert fastrnn.version() == fastrnn.__version__
    assert isinstance(fastrnn.Input((3,)), fastrnn.KerasTensor)
    for name in ("Layer", "Loss", "Metric", "Optimizer", "Initializer", "Regularizer"):
        assert isinstance(getattr(fastrnn, name), type)
    with pytest.raises(AttributeError, match="'anything'"):
        lazy_attributes("fastrnn", {})("anything")
