"""How what is said is sent and heard: carriers, transmitters' clocks and counters, signal levels, losses. Makes rows for a file."""

from __future__ import annotations

from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from kizuna.domains.air.simulator.claims import Said
from kizuna.domains.air.simulator.flight import Floats, wander
from kizuna.formats.pcap_writer import Frames
from kizuna.formats.remote_id import frames
from kizuna.formats.remote_id.blocks import Bytes, pack_many

Carrier = Literal["beacon", "nan", "legacy", "extended"]
WIFI, BLUETOOTH = 0, 1
"""Interfaces of the file."""
TIME_UNIT = 1.024e-3
PERIODS: dict[Carrier, float] = {"beacon": 100 * TIME_UNIT, "nan": 512 * TIME_UNIT, "legacy": 0.25, "extended": 0.5}
"""Seconds between frames."""
_AT_ONE_METRE, _ANTENNA = 40.2, 6.0
"""dB of free space loss over one metre at 2.44 GHz; gain of the receiver's antenna in dBi."""
_FAINTEST = -94.0
"""dBm, of which the receiver decodes one frame in two."""


class Scene(msgspec.Struct, frozen=True):
    """The receiver: when it begins (true time, seconds since 1970), for how long, how far its clock is ahead, and how it writes."""

    begin: float
    seconds: int
    clock: float
    radiotap: bool

    def written(self, times: Floats) -> NDArray[np.int64]:
        """Nanoseconds since 1970 on the receiver's clock."""
        return np.rint((times - self.begin) * 1e9).astype(np.int64) + round(self.begin * 1e6 + self.clock * 1e6) * 1000


class Radio(msgspec.Struct, frozen=True, kw_only=True):
    """One transmitter and its habits."""

    carrier: Carrier
    address: bytes
    ssid: str = "RID"
    manner: frames.Manner = "access-point"
    channel: int = 6
    power: float = 18.0
    """dBm."""
    moves: bool = True
    """Whether it flies: then its signal fades by a standard deviation of 4 dB in all, else by 1."""
    clock: float | None = 0.0
    """Seconds that it had been running when the capture begins; nothing: its time stamps stay 0."""
    drift: float = 0.0
    """Of its clock, as a share."""
    sequence: int = 0
    sequence_step: int = 1
    """0: the sequence number does not move."""
    counter: int = 0
    counter_step: int = 1
    lost: float = 0.1
    """Share of frames that are lost besides those too faint."""
    period: float | None = None
    restart: float | None = None
    """Seconds after the beginning at which it falls silent, to come back twelve seconds later with all counters at zero."""
    silent: tuple[tuple[float, float], ...] = ()
    """Spans in seconds after the beginning in which nothing is heard of it."""
    full: bool = False
    """Whether every frame carries all messages."""
    injected: bool = False
    """Whether the machine that forges keeps the capture itself: it sees each frame twice, as it gives it to its radio."""
    rotation: float = 0.0
    """Seconds after which its Bluetooth address is another; 0: it stays."""


class Heard(msgspec.Struct, frozen=True):
    """What the receiver has of one transmitter."""

    carrier: Carrier
    frames: list[Frames]
    addresses: tuple[str, ...]

    @property
    def count(self) -> int:
        return sum(len(one.times) for one in self.frames)

    @property
    def first(self) -> int:
        """Microseconds since 1970 on the receiver's clock."""
        return min(int(one.times[0]) for one in self.frames) // 1000


_RESTART_LASTS = 12.0


def hear(
    rng: np.random.Generator, said: Said, radio: Radio, places: Floats, scene: Scene, *, since: float = 0.0
) -> Heard:
    """What is heard of one that says this, its transmitter being at those places (n, 3) second by second, from `since` on."""
    period = radio.period or PERIODS[radio.carrier]
    numbers = np.arange(max(int((scene.seconds - 1.5 - since) / period), 0))
    sent: Floats = said.moments[0] + since + numbers.astype(np.float64) * period
    sent += rng.uniform(0, 0.01 if radio.carrier == "legacy" else 2e-5, len(sent))
    second = np.clip((sent - said.moments[0]).astype(np.int64), 0, len(said.moments) - 1)
    signal = _signal(rng, radio, places[second], second)
    kept = rng.random(len(sent)) < (1 - radio.lost) / (1 + np.exp((_FAINTEST - signal) / 1.5))
    kept &= ~_silent(radio, sent - scene.begin)
    delay = np.minimum(rng.exponential(0.0008, len(sent)), 0.03)
    sending = _Sending(said, radio, scene, sent, delay, second, signal, kept)
    build = {"beacon": _beacons, "nan": _nan, "legacy": _legacy, "extended": _extended}[radio.carrier]
    return Heard(radio.carrier, build(sending), sending.named())


def _signal(rng: np.random.Generator, radio: Radio, places: Floats, second: NDArray[np.int64]) -> Floats:
    """dBm at the receiver: path loss, slow and fast fading, and for what flies the weak spots of its antenna."""
    distance = np.maximum(np.sqrt((places**2).sum(axis=1)), 1.0)
    level = radio.power + _ANTENNA - _AT_ONE_METRE - 21 * np.log10(distance)
    slow, fast = (3.3, 2.2) if radio.moves else (0.4, 0.9)
    if len(second):
        level = level + wander(rng, int(second[-1]) + 1, slow, 0.85)[second]
    level = level + rng.normal(0, fast, len(level))
    if radio.moves:
        steep = places[:, 2] / distance
        level = level - 10 * np.clip((steep - 0.8) / 0.2, 0, 1)
        bearing = np.arctan2(places[:, 0], places[:, 1])
        level = level - 3 * (1 + np.cos(2 * bearing + radio.power)) / 2
    return np.asarray(np.clip(level, -110, -12), dtype=np.float64)


def _silent(radio: Radio, after: Floats) -> NDArray[np.bool_]:
    spans = list(radio.silent)
    if radio.restart is not None:
        spans.append((radio.restart, radio.restart + _RESTART_LASTS))
    out = np.zeros(len(after), dtype=np.bool_)
    for start, end in spans:
        out |= (after >= start) & (after < end)
    return out


class _Sending:
    """All frames of one transmitter: when each is sent and written, its signal, whether it is heard, and the counters then."""

    def __init__(
        self,
        said: Said,
        radio: Radio,
        scene: Scene,
        sent: Floats,
        delay: Floats,
        second: NDArray[np.int64],
        signal: Floats,
        kept: NDArray[np.bool_],
    ) -> None:
        self.said, self.radio, self.scene = said, radio, scene
        self.sent, self.times, self.second, self.signal, self.kept = sent, sent + delay, second, signal, kept
        self.addresses, self.which = _addresses(radio, sent - scene.begin)
        self._count()

    def _count(self) -> None:
        radio, after = self.radio, self.sent - self.scene.begin
        numbers, turns = np.arange(len(after)), self.second
        running = after * (1 + radio.drift) + (radio.clock or 0.0)
        sequence, counter = np.full(len(after), radio.sequence), np.full(len(after), radio.counter)
        fresh = after >= (np.inf if radio.restart is None else radio.restart + _RESTART_LASTS)
        if fresh.any():
            first = int(np.argmax(fresh))
            running = np.where(fresh, after - after[first] + 0.8, running)
            sequence, counter = np.where(fresh, 0, sequence), np.where(fresh, 0, counter)
            numbers, turns = np.where(fresh, numbers - first, numbers), np.where(fresh, turns - turns[first], turns)
        self.tsf = np.zeros(len(after)) if radio.clock is None else np.rint(running * 1e6)
        self.sequence = sequence + numbers * radio.sequence_step
        self.counter = (counter + turns * radio.counter_step) % 256

    def named(self) -> tuple[str, ...]:
        """The addresses that were heard."""
        return tuple(self.addresses[index].tobytes().hex(":") for index in np.unique(self.which[self.kept]).tolist())

    def packs(self) -> list[tuple[NDArray[np.bool_], Bytes]]:
        """The frames heard that carry all messages, in every third second, and those that carry the place; each with its packs."""
        location, others = self.said.messages()
        full = (self.second % 3 == 0) | self.radio.full
        version = self.said.version
        all_packs = pack_many([others[0], location, *others[1:]], version=version)
        brief = pack_many([location], version=version)
        parts = [(self.kept & full, all_packs), (self.kept & ~full, brief)]
        return [(part, packs[self.second[part]]) for part, packs in parts if part.any()]


def _addresses(radio: Radio, after: Floats) -> tuple[Bytes, NDArray[np.int64]]:
    """All addresses, shape (m, 6), and which of them each frame bears. What rotates is random and cannot be resolved."""
    if not radio.rotation:
        return np.frombuffer(radio.address, np.uint8)[None, :], np.zeros(len(after), dtype=np.int64)
    which = ((after + 10.0 + radio.address[5]) / radio.rotation).astype(np.int64)
    which = np.maximum(which, 0)
    most = int(which.max(initial=0)) + 1
    drawn = np.random.default_rng(list(radio.address)).integers(0, 256, (most, 6), dtype=np.uint8)
    drawn[:, 0] &= 0x3F
    return drawn, which


def _wifi(rows: Bytes, sending: _Sending, part: NDArray[np.bool_], *, later: float = 0.0) -> list[Frames]:
    scene = sending.scene
    written = scene.written(sending.times[part] + later)
    if scene.radiotap and sending.radio.injected:
        echoes = Frames(WIFI, written + 100_000, frames.injected(rows, echo=True))
        return [Frames(WIFI, written, frames.injected(rows)), echoes]
    if scene.radiotap:
        arrived = np.rint((sending.sent[part] + later - scene.begin + 60) * 1e6)
        signal = np.rint(sending.signal[part])
        rows = frames.radiotap(rows, arrived=arrived, signal=signal, channel=sending.radio.channel)
    return [Frames(WIFI, written, rows)]


def _beacons(sending: _Sending) -> list[Frames]:
    radio = sending.radio
    sender = frames.Transmitter(address=radio.address, ssid=radio.ssid, channel=radio.channel, manner=radio.manner)
    out: list[Frames] = []
    for part, packs in sending.packs():
        tsf, sequence, counter = sending.tsf[part], sending.sequence[part], sending.counter[part]
        out += _wifi(frames.beacons(sender, packs, tsf=tsf, sequence=sequence, counter=counter), sending, part)
    return out


def _nan(sending: _Sending) -> list[Frames]:
    """Every action frame is full, and a synchronisation beacon stands before it."""
    out: list[Frames] = []
    address = sending.radio.address
    for part, packs in sending.packs():
        sequence = 2 * sending.sequence[part]
        before = frames.nan_syncs(address, tsf=sending.tsf[part], sequence=sequence)
        after = frames.nan_actions(address, packs, sequence=sequence + 1, counter=sending.counter[part])
        out += _wifi(before, sending, part) + _wifi(after, sending, part, later=0.0006)
    return out


def _legacy(sending: _Sending) -> list[Frames]:
    """One message at a time: the place in every second frame, the others in turn between; each kind has its counter."""
    location, others = sending.said.messages()
    number = np.arange(len(sending.sent))
    out = []
    for turn, block in enumerate([location, *others]):
        its_turn = (number % 2 == 1) & (number // 2 % len(others) == turn - 1) if turn else number % 2 == 0
        part = sending.kept & its_turn
        if part.any():
            counter = sending.counter[part]
            if turn:
                counter = (sending.radio.counter + 37 * turn + number[part] // 8) % 256
            senders = sending.addresses[sending.which[part]]
            rows = frames.legacy_advertisements(senders, block[sending.second[part]], counter=counter)
            out.append(Frames(BLUETOOTH, sending.scene.written(sending.times[part]), rows))
    return out


def _extended(sending: _Sending) -> list[Frames]:
    out: list[Frames] = []
    for part, packs in sending.packs():
        senders = sending.addresses[sending.which[part]]
        rows = frames.extended_advertisements(senders, packs, counter=sending.counter[part])
        out.append(Frames(BLUETOOTH, sending.scene.written(sending.times[part]), rows))
    return out
