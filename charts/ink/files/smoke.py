"""`helm test`: each part answers, and refuses requests without credentials. Exit code 1 if a check failed.

Standard library only.
"""

import http.client
import json
import os
import ssl
import sys
import time
import urllib.parse

SYSTEM = os.environ["SYSTEM"]
TRIES = 30


def ask(url, host=None, method="GET", body=None):
    """Status, headers and body of one request; the certificate is not verified here."""
    parts = urllib.parse.urlsplit(url)
    if parts.scheme == "https":
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPSConnection(parts.hostname, parts.port or 443, timeout=5, context=context)
    else:
        connection = http.client.HTTPConnection(parts.hostname, parts.port or 80, timeout=5)
    try:
        headers = {"Content-Type": "application/json"} | ({"Host": host} if host else {})
        connection.request(method, parts.path or "/", body=body, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read(65536)
    finally:
        connection.close()


def inside(name, port, path):
    return f"http://{name}.{SYSTEM}.svc.cluster.local:{port}{path}"


INGRESS = os.environ["INGRESS_URL"]
CHECKS = [
    ("gateway is healthy", lambda: ask(inside("gateway", 8080, "/healthz"), os.environ["GATEWAY_HOST"])[0] == 200),
    ("gateway is routed", lambda: ask(f"{INGRESS}/healthz", os.environ["GATEWAY_HOST"])[0] == 200),
    ("MCP asks for a key", lambda: ask(f"{INGRESS}/mcp", os.environ["GATEWAY_HOST"], "POST", "{}")[0] == 401),
    ("git is healthy", lambda: ask(inside("git", 8080, "/healthz"))[0] == 200),
    (
        "git asks for a token",
        lambda: ask(f"{INGRESS}/a/b.git/info/refs?service=git-upload-pack", os.environ["GIT_HOST"])[0] in (401, 404),
    ),
    (
        "resolver refuses private addresses",
        lambda: (
            ask(
                inside("resolver", 8080, "/v1/head"),
                method="POST",
                body=json.dumps({"url": "http://127.0.0.1/a/b.git", "branch": "main"}),
            )[0]
            == 422
        ),
    ),
    ("registry asks for a token", lambda: ask(inside("registry", 5000, "/v2/"))[0] == 401),
]
if os.environ["UNROUTED_PAGE"]:
    CHECKS.append(
        (
            "unknown hosts get the 404 page",
            lambda: ask(f"{INGRESS}/", os.environ["UNROUTED_HOST"])[1].get("X-Ink-Unrouted") == "1",
        )
    )


def passes(check):
    """A new pod's first connections may be dropped while its policies are programmed, so retry for a while."""
    seen = None
    for _ in range(TRIES):
        try:
            if check():
                return None
            seen = "unexpected answer"
        except OSError as error:
            seen = str(error)
        time.sleep(1)
    return seen


def main():
    failed = 0
    for name, check in CHECKS:
        problem = passes(check)
        failed += problem is not None
        print("ok  " if problem is None else "FAIL", name, problem or "", flush=True)
    return 1 if failed else 0


sys.exit(main())
