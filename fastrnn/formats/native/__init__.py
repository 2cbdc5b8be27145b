"""fastrnn's own format."""
