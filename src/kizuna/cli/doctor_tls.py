"""What `kizuna doctor` looks at of TLS: the certificate, and what is agreed on with this node and with partners."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from kizuna.cli.words import _
from kizuna.errors import KizunaError

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

    from kizuna.settings import Settings

State = Literal["ok", "warning", "failed"]
Finding = tuple[State, str]
SOON_DAYS = 30
DAY = 86_400
_HYBRID_SINCE = (3, 5)  # OpenSSL


def certificate(settings: Settings) -> Finding:
    """Whether the node's certificate is valid, for how long, and whether the key is its own."""
    if settings.tls_certificate is None:
        return "ok", _("no certificate is set; the node speaks plain HTTP")
    file = Path(settings.tls_certificate)
    try:
        found, matches = _read(file, Path(settings.tls_key or settings.tls_certificate))
    except (OSError, ValueError, TypeError) as error:
        return "failed", _("{file} or its key cannot be read: {error}", file=file, error=error)
    if not matches:
        return "failed", _("the key does not belong to {file}", file=file)
    now = time.time()
    begins, ends = found.not_valid_before_utc.timestamp(), found.not_valid_after_utc.timestamp()
    day = time.strftime("%Y-%m-%d", time.gmtime(ends))
    if not begins <= now < ends:
        return "failed", _("{file} is not valid now; it ends on {day}", file=file, day=day)
    if ends - now < SOON_DAYS * DAY:
        return "warning", _("{file} ends on {day}; renew it", file=file, day=day)
    return "ok", _("{file} is valid until {day}, and the key is its own", file=file, day=day)


def _read(file: Path, key: Path) -> tuple[Certificate, bool]:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
    from cryptography.x509 import load_pem_x509_certificate

    found = load_pem_x509_certificate(file.read_bytes())
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    own = load_pem_private_key(key.read_bytes(), None).public_key().public_bytes(*form)
    return found, own == found.public_key().public_bytes(*form)


def network(folder: Path, settings: Settings, *, served: bool) -> Iterator[Finding]:
    """What this node, if it is served over TLS, and each partner agree on with us."""
    from kizuna.store import open_store

    if served and settings.tls_certificate is not None:
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.listen, settings.listen)  # noqa: S104
        yield _looked_at(_("this node"), host, settings.port, trusted=False)
    store = open_store(folder, read_only=True)
    try:
        partners = [(partner.name, partner.url) for partner in store.partners() if partner.url]
    finally:
        store.close()
    for name, url in partners:
        parts = urlsplit(url)
        if parts.scheme != "https":
            yield "warning", _("{name}: its address is not https", name=name)
        else:
            yield _looked_at(name, parts.hostname or "", parts.port or 443, trusted=True)


def _looked_at(name: str, host: str, port: int, *, trusted: bool) -> Finding:
    from kizuna.exchange.handshake import handshake

    trust = ssl.create_default_context()
    if not trusted:  # our own, whoever signed it: nothing is told to it
        trust.check_hostname = False
        trust.verify_mode = ssl.CERT_NONE
    try:
        agreed = handshake(host, port, trust=trust)
    except KizunaError as error:
        return "warning", f"{name}: {error}"
    if agreed.untrusted is not None:
        reason = agreed.untrusted
        return "failed", _("{name}: its certificate is not trusted: {reason}", name=name, reason=reason)
    told = f"{name}: {agreed.version}, {agreed.cipher}, {agreed.group or '-'}"
    if agreed.hybrid:
        return "ok", told
    if ssl.OPENSSL_VERSION_INFO[:2] < _HYBRID_SINCE:
        why = _("{library} of this Python knows none, 3.5 does", library=ssl.OPENSSL_VERSION)
        return "warning", _("{told}: no hybrid post-quantum group ({why})", told=told, why=why)
    return "warning", _("{told}: no hybrid post-quantum group; the other side offers none", told=told)
