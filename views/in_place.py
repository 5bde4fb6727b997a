"""Parts of a page that a script asks for: what changed, and what to say about it."""

from __future__ import annotations

import json
from collections.abc import Iterable

from flask import make_response, request
from werkzeug.wrappers import Response


def asked_in_place() -> bool:
    """Whether a script of the page asks, for a part of it."""
    return request.headers.get("HX-Request") == "true"


def asked_for_json() -> bool:
    """Whether a script asks, for an answer that it reads itself."""
    return request.accept_mimetypes.best == "application/json"


def said_in_place(part: str, said: Iterable[tuple[str, str]] = (), status: int = 200) -> Response:
    """A part of a page, and the sentences that the page shows with it: category, sentence."""
    answer = make_response(part, status)
    answer.headers["HX-Trigger"] = json.dumps({"ys:said": {"messages": list(said)}})
    return answer
