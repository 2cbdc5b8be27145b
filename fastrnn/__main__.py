"""``python -m fastrnn``: the same as the command ``fastrnn``."""

from fastrnn.cli import main

raise SystemExit(main())
