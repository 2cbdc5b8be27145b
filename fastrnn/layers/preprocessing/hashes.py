"""Hashes of strings, as TensorFlow computes them: FarmHash, and SipHash with a key."""

from __future__ import annotations

import struct

_MASK = 2**64 - 1
_K0, _K1, _K2 = 0xC3A5C85C97CB3127, 0xB492B66FBE98F273, 0x9AE16A3B2F90404F


def _rotate(value: int, by: int) -> int:
    """Rotate 64 bits to the right."""
    return ((value >> by) | (value << (64 - by))) & _MASK


def _shift_mix(value: int) -> int:
    return value ^ (value >> 47)


def _mix(u: int, v: int, mul: int) -> int:
    """Mix two words into one (HashLen16)."""
    a = _shift_mix(((u ^ v) * mul) & _MASK)
    b = _shift_mix(((v ^ a) * mul) & _MASK)
    return (b * mul) & _MASK


def farm_hash(text: bytes) -> int:
    """Return FarmHash's 64-bit fingerprint (Pike, 2014), farmhashna::Hash64.

    >>> farm_hash(b"hello")
    13009744463427800296
    """
    n = len(text)
    if n > 64:
        return _farm_long(text)
    mul = _K2 + 2 * n
    if n > 32:
        return _farm_33_to_64(text, mul)
    if n > 16:
        a, b = _word(text, 0) * _K1, _word(text, 8)
        c, d = _word(text, n - 8) * mul, _word(text, n - 16) * _K2
        return _mix(*_halves(a, b, c, d), mul)
    if n >= 8:
        a, b = _word(text, 0) + _K2, _word(text, n - 8)
        c = _rotate(b, 37) * mul + a
        d = (_rotate(a & _MASK, 25) + b) * mul
        return _mix(c & _MASK, d & _MASK, mul)
    if n >= 4:
        first, last = (struct.unpack_from("<I", text, at)[0] for at in (0, n - 4))
        return _mix(n + (first << 3), last, mul)
    if n:
        y = text[0] + (text[n >> 1] << 8)
        z = n + (text[-1] << 2)
        return (_shift_mix((y * _K2 ^ z * _K0) & _MASK) * _K2) & _MASK
    return _K2


def _word(text: bytes, at: int) -> int:
    return int.from_bytes(text[at : at + 8], "little")


def _halves(a: int, b: int, c: int, d: int) -> tuple[int, int]:
    y = _rotate((a + b) & _MASK, 43) + _rotate(c & _MASK, 30) + d
    z = a + _rotate((b + _K2) & _MASK, 18) + c
    return y & _MASK, z & _MASK


def _farm_33_to_64(text: bytes, mul: int) -> int:
    n = len(text)
    a, b = _word(text, 0) * _K2, _word(text, 8)
    y, z = _halves(a, b, _word(text, n - 8) * mul, _word(text, n - 16) * _K2)
    z = _mix(y, z, mul)
    e, f = _word(text, 16) * mul, _word(text, 24)
    g, h = (y + _word(text, n - 32)) * mul, (z + _word(text, n - 24)) * mul
    u = _rotate((e + f) & _MASK, 43) + _rotate(g & _MASK, 30) + h
    v = e + _rotate((f + a) & _MASK, 18) + g
    return _mix(u & _MASK, v & _MASK, mul)


def _weak(text: bytes, at: int, a: int, b: int) -> tuple[int, int]:
    """Hash 32 bytes into two words (WeakHashLen32WithSeeds)."""
    w, x, y, z = struct.unpack_from("<4Q", text, at)
    a = (a + w) & _MASK
    b = _rotate((b + a + z) & _MASK, 21)
    c = a
    a = (a + x + y) & _MASK
    return (a + z) & _MASK, (b + _rotate(a, 44) + c) & _MASK


def _farm_long(text: bytes) -> int:
    seed, n = 81, len(text)
    x, y = seed, (seed * _K1 + 113) & _MASK
    z = (_shift_mix((y * _K2 + 113) & _MASK) * _K2) & _MASK
    v, w = (0, 0), (0, 0)
    x = (x * _K2 + _word(text, 0)) & _MASK
    for at in range(0, (n - 1) // 64 * 64, 64):
        x, y, z, v, w = _round(text, at, (x, y, z, v, w), _K1, 1)
    mul = _K1 + ((z & 0xFF) << 1)
    w = ((w[0] + ((n - 1) & 63)) & _MASK, w[1])
    v = ((v[0] + w[0]) & _MASK, v[1])
    w = ((w[0] + v[0]) & _MASK, w[1])
    x, y, z, v, w = _round(text, n - 64, (x, y, z, v, w), mul, 9)
    first = _mix(v[0], w[0], mul) + _shift_mix(y) * _K0 + z
    return _mix(first & _MASK, (_mix(v[1], w[1], mul) + x) & _MASK, mul)


def _round(
    text: bytes,
    at: int,
    state: tuple[int, int, int, tuple[int, int], tuple[int, int]],
    mul: int,
    weight: int,
) -> tuple[int, int, int, tuple[int, int], tuple[int, int]]:
    """Return the state after 64 bytes; in the last round words count ``weight`` times."""
    x, y, z, v, w = state
    x = _rotate((x + y + v[0] + _word(text, at + 8)) & _MASK, 37) * mul & _MASK
    y = _rotate((y + v[1] + _word(text, at + 48)) & _MASK, 42) * mul & _MASK
    x ^= w[1] * weight & _MASK
    y = (y + v[0] * weight + _word(text, at + 40)) & _MASK
    z = _rotate((z + w[0]) & _MASK, 33) * mul & _MASK
    v = _weak(text, at, v[1] * mul & _MASK, (x + w[0]) & _MASK)
    w = _weak(text, at + 32, (z + w[1]) & _MASK, (y + _word(text, at + 16)) & _MASK)
    return z, y, x, v, w


def sip_hash(text: bytes, key: tuple[int, int]) -> int:
    """Return SipHash-2-4 (Aumasson and Bernstein, 2012) of 64 bits.

    >>> sip_hash(b"hello", (1, 2))
    2957200328589801622
    """
    k0, k1 = (part & _MASK for part in key)
    state = [
        k0 ^ 0x736F6D6570736575,
        k1 ^ 0x646F72616E646F6D,
        k0 ^ 0x6C7967656E657261,
        k1 ^ 0x7465646279746573,
    ]
    padded = text + bytes(7 - len(text) % 8) + bytes([len(text) & 0xFF])
    for (word,) in struct.iter_unpack("<Q", padded):
        state[3] ^= word
        _sip_rounds(state, 2)
        state[0] ^= word
    state[2] ^= 0xFF
    _sip_rounds(state, 4)
    return state[0] ^ state[1] ^ state[2] ^ state[3]


def _sip_rounds(state: list[int], count: int) -> None:
    v0, v1, v2, v3 = state
    for _ in range(count):
        v0, v2 = (v0 + v1) & _MASK, (v2 + v3) & _MASK
        v1, v3 = _rotate(v1, 51) ^ v0, _rotate(v3, 48) ^ v2
        v0, v2 = (_rotate(v0, 32) + v3) & _MASK, (v2 + v1) & _MASK
        v1, v3 = _rotate(v1, 47) ^ v2, _rotate(v3, 43) ^ v0
        v2 = _rotate(v2, 32)
    state[:] = v0, v1, v2, v3
