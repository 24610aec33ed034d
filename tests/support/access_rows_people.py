"""Rows of the table of access: signing in, users and what they may do."""

from __future__ import annotations

from models.permissions import Permission
from tests.support import access_makers as make
from tests.support.access import Reach, Row, each, plain, row, rows
from tests.support.access_world import Caller
from tests.support.settings import PASSWORD

_OPERATORS = {Caller.STRANGER: 403}
"""Refused whatever the space: only operators may ask."""
_MEMBERS = {Caller.SCOPED: 200}
"""Who acts in a space sees it; in the lists in it, what they see elsewhere."""

AUTH: list[Row] = [
    row("POST", "/auth/login", body={"username": "admin", "password": PASSWORD}),
    # No identity provider is set up.
    row("POST", "/auth/oauth2", body={"code": "x", "redirectUri": "https://example.org"}, status=503),
    row("GET", "/auth/oauth2/login", status=503),
    row("GET", "/auth/oauth2/callback", status=503),
    row("GET", "/auth/oauth2/logout"),
    row("GET", "/me", reach=Reach.NOTHING),
    *[row(method, "/me", body={"firstname": "A"}, differs={Caller.KEY: 403}) for method in ("POST", "PATCH")],
]
_TOKEN, _SESSION = each(element_id=make.token), each(element_id=make.session)
TOKENS: list[Row] = [
    row("GET", "/tokens", _TOKEN, reads=Permission.READ_TOKEN),
    row("POST", "/tokens", body=lambda it: {"name": it["word"]}, status=201, differs={Caller.KEY: 403}),
    row("GET", "/tokens/<uuid:element_id>", _TOKEN, reads=Permission.READ_TOKEN),
    *rows(("POST", "PATCH"), "/tokens/<uuid:element_id>", _TOKEN, body={"meta": {"a": 1}}, reads=Permission.READ_TOKEN),
    row(
        "PUT", "/tokens/<uuid:element_id>", _TOKEN, reads=Permission.READ_TOKEN,
        body=lambda it: {"name": it["word"], "expires": None, "permissions": None, "meta": None},
    ),
    row("DELETE", "/tokens/<uuid:element_id>", _TOKEN, reads=Permission.READ_TOKEN),
    row("GET", "/sessions", _SESSION, reads=Permission.READ_TOKEN),
    row("GET", "/sessions/<uuid:element_id>", _SESSION, reads=Permission.READ_TOKEN),
    row("DELETE", "/sessions/<uuid:element_id>", _SESSION, reads=Permission.READ_TOKEN),
]  # fmt: skip
USERS: list[Row] = [
    *plain(
        "/users", make.user,
        create=lambda it: {"username": it["word"]}, change={"firstname": "A"},
        whole=lambda it: {
            "username": it["word"], "firstname": None, "lastname": None, "email": None, "enabled": True, "meta": None,
        },
        own={Caller.STRANGER: 1},
    ),
    row("GET", "/users/<uuid:element_id>/groups", each(element_id=make.user)),
    row("GET", "/users/<uuid:element_id>/roles", each(element_id=make.user)),
]  # fmt: skip
GROUPS: list[Row] = [
    *plain(
        "/groups", make.group, create=lambda it: {"name": it["word"]}, change={"meta": {"a": 1}},
        whole=lambda it: {"name": it["word"], "meta": None}, own={Caller.STRANGER: 2},
    ),
    row("GET", "/groups/<uuid:group_id>/users", make.group_user),
    row(
        "POST", "/groups/<uuid:group_id>/users/<uuid:user_id>",
        each(group_id=make.group, user_id=make.user), status=201,
    ),
    row("DELETE", "/groups/<uuid:group_id>/users/<uuid:user_id>", make.group_user),
    row("GET", "/groups/<uuid:group_id>/roles", make.group_role),
    row(
        "POST", "/groups/<uuid:group_id>/roles/<uuid:role_id>",
        each(group_id=make.group, role_id=make.role), status=201,
    ),
    row("DELETE", "/groups/<uuid:group_id>/roles/<uuid:role_id>", make.group_role),
]  # fmt: skip
ROLES: list[Row] = [
    *plain(
        "/roles", make.role, create=lambda it: {"name": it["word"]}, change={"meta": {"a": 1}},
        whole=lambda it: {"name": it["word"], "permissions": [], "meta": None}, own={Caller.STRANGER: 4},
    ),
    row("GET", "/roles/<uuid:element_id>/permissions", make.grant),
    row(
        "POST", "/roles/<uuid:element_id>/permissions", each(element_id=make.role, library_id=make.library),
        body=lambda it: {"permission": "READ_ASSET", "resource": f"library/{it['library_id']}"}, status=201,
    ),
    row("DELETE", "/roles/<uuid:element_id>/permissions/<uuid:grant_id>", make.grant),
]  # fmt: skip
_SPACE, _HOME = each(element_id=make.space), each(element_id=make.home_space)
SPACES: list[Row] = [
    row("GET", "/spaces", own={Caller.SCOPED: 1, Caller.STRANGER: 1}),
    row("POST", "/spaces", body=lambda it: {"name": it["word"]}, status=201, differs=_OPERATORS),
    row("GET", "/spaces/<uuid:element_id>", _HOME, differs=_MEMBERS),
    *[row("GET", f"/spaces/<uuid:element_id>/{plural}", _HOME, differs=_MEMBERS)
      for plural in ("libraries", "collections")],
    row(
        "POST", "/spaces/<uuid:element_id>/libraries/<uuid:library_id>",
        each(element_id=make.home_space, library_id=make.library),
    ),
    row(
        "POST", "/spaces/<uuid:element_id>/collections/<uuid:collection_id>",
        each(element_id=make.home_space, collection_id=make.collection),
    ),
    *rows(("POST", "PATCH"), "/spaces/<uuid:element_id>", _SPACE, body={"meta": {"a": 1}}),
    row(
        "PUT", "/spaces/<uuid:element_id>", _SPACE,
        body=lambda it: {"name": it["word"], "poolRoots": [], "meta": None},
    ),
    row("DELETE", "/spaces/<uuid:element_id>", _SPACE),
    row("GET", "/spaces/<uuid:space_id>/users", each(space_id=make.home_space)),
    row(
        "POST", "/spaces/<uuid:space_id>/users/<uuid:user_id>",
        each(space_id=make.home_space, user_id=make.outsider), status=201, differs=_OPERATORS,
    ),
    row(
        "DELETE", "/spaces/<uuid:space_id>/users/<uuid:user_id>",
        each(space_id=make.home_space, user_id=make.guest), differs=_OPERATORS,
    ),
]  # fmt: skip
ROWS = [*AUTH, *TOKENS, *USERS, *GROUPS, *ROLES, *SPACES]
