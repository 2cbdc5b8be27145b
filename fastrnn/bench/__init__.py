"""What ``fastrnn bench`` and the folder ``bench`` share: cases, clocks, limits of the machine."""
