"""What a browser may load and run on our pages: nothing from other hosts, no script that we did not name.

Every script carries the nonce of its answer, so that text which somebody typed never runs as one.
"""

from __future__ import annotations

import secrets

from flask import Flask, current_app, g, request
from werkzeug.wrappers import Response

#: ASVS 5 3.4.3, 3.4.6: no objects, no other base, framed by nobody
POLICY = (
    "default-src 'self'; script-src 'nonce-{nonce}'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data: blob:; connect-src 'self'; "
    "font-src 'self'; frame-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
#: what is no page loads nothing at all
NO_PAGE = "default-src 'none'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
#: on every answer: ASVS 5 3.4.4, 3.4.5, 3.4.8
ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=(), serial=(), bluetooth=(), display-capture=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_STATIC = frozenset({"static", "appbuilder.static"})
#: a file whose address carries its own hash never changes under that address
A_YEAR = 31_536_000


def nonce() -> str:
    """The nonce of this answer; Flask-AppBuilder's templates ask for it by the name csp_nonce."""
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(16)
    return str(g.csp_nonce)


def _headers(answer: Response) -> Response:
    answer.headers.setdefault("Content-Security-Policy", POLICY.format(nonce=nonce()) if answer.mimetype == "text/html" else NO_PAGE)
    for name, value in ALWAYS.items():
        answer.headers.setdefault(name, value)
    if current_app.config["HTTPS_ONLY"]:
        answer.headers.setdefault("Strict-Transport-Security", f"max-age={A_YEAR}")
    if request.endpoint not in _STATIC:
        answer.headers["Cache-Control"] = "private, no-store"
    elif "v" in request.args and answer.status_code == 200:
        answer.headers["Cache-Control"] = f"public, max-age={A_YEAR}, immutable"
    return answer


def install(app: Flask) -> None:
    """Put the policy on every answer and the nonce into every template."""
    app.after_request(_headers)
    app.jinja_env.globals["csp_nonce"] = nonce
