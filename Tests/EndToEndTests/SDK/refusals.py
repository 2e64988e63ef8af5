"""Calls with keys that are refused, each in its own way, with the official SDKs and their own retries on.

    refusals.py GATEWAY_PORT ADMIN_PORT NAME=KEY...

The names say what becomes of a call. Ends with status 1 when a refusal does not raise the right exception, is tried
again in vain, or does not name its limit.
"""

import sys
import urllib.request

import anthropic
import openai
from google import genai
from google.genai import types

MESSAGES = [{"role": "user", "content": "hello"}]

# What a refusal is in each SDK: the class, the status, and a part of its text.
CLASSES = {
    "limited": ("RateLimitError", "RateLimitError", "ClientError", 429, "key limited"),
    "spent": ("RateLimitError", "RateLimitError", "ClientError", 429, "key spent"),
    "large": ("RateLimitError", "RateLimitError", "ClientError", 429, "alone may use more"),
    "malformed": ("AuthenticationError", "AuthenticationError", "ClientError", 401, "malformed"),
    "narrow": ("PermissionDeniedError", "PermissionDeniedError", "ClientError", 403, "narrow"),
    "expired": ("AuthenticationError", "AuthenticationError", "ClientError", 401, "expired"),
    "unknown": ("AuthenticationError", "AuthenticationError", "ClientError", 401, "x-weir-key"),
}


def refused(admin):
    """How many requests were refused so far."""
    with urllib.request.urlopen(f"http://127.0.0.1:{admin}/metrics") as answer:
        for line in answer.read().decode().splitlines():
            if line.startswith("weir_requests_refused_total "):
                return int(line.split()[1])
    raise RuntimeError("nothing is counted")


def calls(base, key, is_own):
    """A call of each SDK: with the key where it has its own credential, or beside one."""
    own = "sk-own" if is_own else key
    fields = {"x-weir-key": key} if is_own else {}
    chat = openai.OpenAI(base_url=f"{base}/v1", api_key=own, default_headers=fields)
    messages = anthropic.Anthropic(base_url=base, api_key=own, default_headers=fields)
    gemini = genai.Client(
        api_key=own, http_options=types.HttpOptions(base_url=base, headers=fields)
    )
    return (
        ("openai", lambda: chat.chat.completions.create(model="gpt-4o", messages=MESSAGES)),
        ("responses", lambda: chat.responses.create(model="gpt-4o", input="hello")),
        ("anthropic", lambda: messages.messages.create(
            model="claude-sonnet-4-6", max_tokens=100, messages=MESSAGES)),
        ("gemini", lambda: gemini.models.generate_content(
            model="gemini-2.5-flash", contents="hello")),
    )


def fault(call, expected, status, text, admin):
    before = refused(admin)
    try:
        call()
    except Exception as error:  # noqa: BLE001: the class is what is looked at
        name = type(error).__name__
        code = getattr(error, "status_code", getattr(error, "code", None))
        if (name, code) != (expected, status):
            return f"raised {name} {code}: {error}"
        if text not in str(error):
            return f"does not say {text!r}: {error}"
        tries = refused(admin) - before
        return "" if tries == 1 else f"tried {tries} times"
    return "no error"


def main():
    gateway, admin = int(sys.argv[1]), int(sys.argv[2])
    keys = dict(argument.split("=", 1) for argument in sys.argv[3:])
    base = f"http://127.0.0.1:{gateway}"
    failed = count = 0
    for name, (chat, messages, gemini, status, text) in CLASSES.items():
        for is_own in (True, False) if name != "unknown" else (True,):
            classes = (chat, chat, messages, gemini)
            for (sdk, call), expected in zip(calls(base, keys[name], is_own), classes):
                wrong = fault(call, expected, status, text, admin)
                count += 1
                failed += bool(wrong)
                print(f"{name}, {sdk}: {wrong or 'right'}", flush=True)
    # A limit that lets a request pass soon says so, and the SDKs that ask again wait for it.
    for sdk, call in calls(base, keys["soon"], True)[:3]:
        call()
        call()
        count += 1
        print(f"soon, {sdk}: right", flush=True)
    print(f"{count} refusals, {failed} wrong")
    sys.exit(1 if failed else 0)


main()
