"""What no generator can guess: signatures of the payment provider, and sessions after their end.

Schemathesis loads this file; `CAMPUS_FUZZ` holds what schemathesis.ts calls `Hooks`.
"""

import hashlib
import hmac
import json
import os
import time

import requests
import schemathesis

known = json.loads(os.environ["CAMPUS_FUZZ"])
locks_out = {"PUT /v1/users/{userId}/roles", "POST /v1/users/{userId}/suspend"}


def sign(request):
    """Signs the very bytes of a webhook, as the provider does."""
    moment = str(int(time.time()))
    body = request.body or b""
    signed = f"{moment}.".encode() + (body.encode() if isinstance(body, str) else body)
    digest = hmac.new(known["webhookSecret"].encode(), signed, hashlib.sha256).hexdigest()
    request.headers["psp-timestamp"] = moment
    request.headers["psp-signature"] = f"v1={digest}"
    return request


class Leaver:
    """Signs in again whenever its session has ended."""

    def __init__(self, email, password):
        self.email = email
        self.password = password
        self.token = None

    def __call__(self, request):
        if self.token is None:
            body = {"email": self.email, "password": self.password}
            answer = requests.post(f"{known['gatewayUrl']}/v1/auth/login", json=body, timeout=10)
            # Somebody who was suspended meanwhile goes on with a token that is none.
            self.token = answer.json().get("accessToken", "none")
        request.headers["Authorization"] = f"Bearer {self.token}"
        return request

    def hear(self, case, status):
        """Of an answer to its request."""
        has_left = status < 300
        if has_left and case.operation.path == "/v1/me/password":
            self.password = case.body["password"]
        if has_left or status == 401:
            self.token = None


leavers = {
    label: Leaver(leaver["email"], leaver["password"])
    for label, leaver in known.get("leavers", {}).items()
}


@schemathesis.hook
def before_call(context, case, kwargs):
    label = case.operation.label
    if label in leavers:
        kwargs["auth"] = leavers[label]
    if label == "POST /v1/psp/webhooks":
        kwargs["auth"] = sign
    # Whoever asks is needed until the end.
    if label in locks_out and case.path_parameters.get("userId") == known.get("ownId"):
        case.path_parameters["userId"] = known["otherId"]


@schemathesis.hook
def after_call(context, case, response):
    label = case.operation.label
    if label in leavers:
        leavers[label].hear(case, response.status_code)
