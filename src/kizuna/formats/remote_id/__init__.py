"""Remote ID of unmanned aircraft, Open Drone ID messages (ASTM F3411-22a, EN 4709-002), and the radio frames that carry them."""

from kizuna.formats.remote_id.messages import decode, encode, faults, pack, text

__all__ = ["decode", "encode", "faults", "pack", "text"]
