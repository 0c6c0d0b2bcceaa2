"""What schemathesis cannot know of jobhook: a webhook is signed over its bytes, and a followed log goes on for as long as its task runs."""

import base64
import hashlib
import hmac
import os
import re
import sys
import time

import requests.auth
import schemathesis
import yaml
from schemathesis.core.media_types import YAML_MEDIA_TYPES

# CPython 3.11 stumbles ("AST constructor recursion depth mismatch") where hypothesis looks at itself near the usual limit.
sys.setrecursionlimit(20_000)


@schemathesis.hook
def before_call(context, case, kwargs):
    if case.operation.path.endswith("/logs") and isinstance(case.query, dict):
        case.query.pop("follow", None)


@schemathesis.hook
def filter_case(context, case):
    """A member that is null is absent, which JSON Schema has no word for: such a case is left out."""
    return not _has_null_member(case.body)


def _has_null_member(value):
    if isinstance(value, dict):
        return any(member is None or _has_null_member(member) for member in value.values())
    return isinstance(value, list) and any(_has_null_member(item) for item in value)


# All of them: otherwise the one that knows single documents only is asked first.
@schemathesis.deserializer(*YAML_MEDIA_TYPES)
def read_manifests(context, response):
    """Several documents, which must be readable as kubectl reads them; the API document calls the whole a string."""
    text = response.content.decode()
    list(yaml.safe_load_all(text))
    return text


class Signature(requests.auth.AuthBase):
    """In the last moment, when the body is bytes. A header that is missing or malformed on purpose stays so."""

    def __call__(self, request):
        identity = _text(request.headers.get("webhook-id"))
        timestamp = _text(request.headers.get("webhook-timestamp"))
        if not request.headers.get("webhook-signature"):
            return request
        if not re.fullmatch(r"[!-\-/-~]{1,256}", identity) or not re.fullmatch(r"0|[1-9][0-9]{0,14}", timestamp):
            return request
        secret = base64.b64decode(os.environ["FUZZ_WEBHOOK_SECRET"].removeprefix("whsec_"))
        body = request.body or b""
        body = body.encode() if isinstance(body, str) else body
        now = str(int(time.time()))
        signed = hmac.new(secret, f"{identity}.{now}.".encode() + body, hashlib.sha256).digest()
        request.headers["webhook-timestamp"] = now
        request.headers["webhook-signature"] = "v1," + base64.b64encode(signed).decode()
        return request


def _text(value):
    return value.decode("latin-1") if isinstance(value, bytes) else value or ""


schemathesis.auth.set_from_requests(Signature()).apply_to(path="/v1/webhook", method="POST")
