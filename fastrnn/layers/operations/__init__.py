"""Operations of ``fastrnn.ops`` as layers of a graph."""
