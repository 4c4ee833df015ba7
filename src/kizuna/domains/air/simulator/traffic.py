"""Other traffic on the air: access points, data, answers, devices that look for a network, Bluetooth beacons."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kizuna.domains.air.simulator.flight import Floats
from kizuna.domains.air.simulator.radio import BLUETOOTH, WIFI, Scene
from kizuna.formats.pcap_writer import Frames
from kizuna.formats.remote_id import frames
from kizuna.formats.remote_id.blocks import Bytes

_POINTS = 4
_RATE_1M, _RATE_6M = 2, 12


def traffic(seed: int, scene: Scene, rate: float, *, bluetooth: bool) -> list[Frames]:
    """So many frames a second in all, half of them beacons of four access points."""
    rng = np.random.default_rng((seed, 5))
    out: list[Frames] = []
    for point in range(_POINTS):
        times = _times(rng, scene, rate / 2 / _POINTS)
        if len(times):
            out.append(_point(rng, point, times, scene))
    for share, build in ((0.25, _data), (0.15, _acknowledgements), (0.1, _probes)):
        times = _times(rng, scene, rate * share)
        if len(times):
            out.append(_kept(rng, build(rng, len(times)), times, scene, _RATE_6M))
    if bluetooth:
        times = _times(rng, scene, rate / 4)
        bodies = _numbered(rng, len(times), 31, b"\x1e\xff\x4c\x00\x02\x15")
        out.append(Frames(BLUETOOTH, scene.written(times), frames.advertisements(_address(rng), bodies)))
    return out


def _times(rng: np.random.Generator, scene: Scene, rate: float) -> Floats:
    n = int(rng.poisson(rate * scene.seconds))
    return scene.begin + np.sort(rng.uniform(0, scene.seconds, n))


def _address(rng: np.random.Generator) -> bytes:
    return b"\x02" + bytes(rng.integers(0, 256, 5).tolist())


def _numbered(rng: np.random.Generator, n: int, size: int, head: bytes = b"") -> Bytes:
    out = rng.integers(0, 256, (n, size), dtype=np.uint8)
    out[:, : len(head)] = np.frombuffer(head, np.uint8)
    return out


def _point(rng: np.random.Generator, point: int, times: Floats, scene: Scene) -> Frames:
    after = times - scene.begin
    boot, first = float(rng.uniform(1e3, 1e6)), int(rng.integers(0, 4096))
    sender = frames.Transmitter(address=_address(rng), ssid=f"net-{point}")
    sequence: NDArray[np.int64] = first + (after / 0.1024).astype(np.int64)
    rows = frames.beacons(sender, None, tsf=np.rint((boot + after) * 1e6), sequence=sequence)
    return _kept(rng, rows, times, scene, _RATE_1M)


def _data(rng: np.random.Generator, n: int) -> Bytes:
    return frames.data(_address(rng), _address(rng), _numbered(rng, n, 96), sequence=np.arange(n))


def _acknowledgements(rng: np.random.Generator, n: int) -> Bytes:
    return frames.acknowledgements(_address(rng), n)


def _probes(rng: np.random.Generator, n: int) -> Bytes:
    return frames.probes(_address(rng), "net-0", sequence=np.arange(n))


def _kept(rng: np.random.Generator, rows: Bytes, times: Floats, scene: Scene, rate: int) -> Frames:
    if scene.radiotap:
        level = np.rint(rng.uniform(-85, -45) + rng.normal(0, 2, len(times)))
        rows = frames.radiotap(rows, arrived=np.rint((times - scene.begin + 60) * 1e6), signal=level, rate=rate)
    return Frames(WIFI, scene.written(times), rows)
