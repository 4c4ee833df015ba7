"""Files that pages need, from the package itself: nothing is ever fetched from elsewhere."""

from __future__ import annotations

from litestar import Response, get
from litestar.params import FromPath

from kizuna.errors import NotFound
from kizuna.web.pages.render import static as find


@get("/static/{name:str}", sync_to_thread=False)
def static(name: FromPath[str]) -> Response[bytes]:
    """One file; its address changes with its content, so it may be kept for good. Raises NotFound."""
    found = find(name)
    if found is None:
        raise NotFound("no such file")
    data, media_type = found
    return Response(data, media_type=media_type, headers={"Cache-Control": "public, max-age=31536000, immutable"})
