"""Official SDKs behind a chain into another dialect: the same message as in their own.

crossing.py WEIR [answers|bytes|cuts|failures|garbage …]

Each SDK asks a vendor directly, in its own dialect, and then the same vendor in each other dialect
through a gateway. What the SDK puts together must not differ.
"""

import sys

from dialects import ERRORS, FORMS, SCRIPTS, frames
from gateway import Gateway, chain, vendor
from readers import ask
from vendor import Vendor

PAIRS = [(source, target) for source in FORMS for target in FORMS if source != target]
BYTES = ("tools", "text", "cited", "thought")
CUT = ("tools", "reasoning")
counts = {"crossings": 0, "differ": 0}


def differs(what, found, wanted):
    counts["differ"] += 1
    print(f"{what}:\n   {found!r}\n   {wanted!r}")


def shown(answer):
    return f"{type(answer).__name__}: {answer}" if isinstance(answer, Exception) else answer


def allowed(name, source, target, wanted):
    """What another dialect cannot say, and is declared."""
    if not isinstance(wanted, dict):
        return wanted
    wanted = dict(wanted)
    if name == "cited" and (source in ("messages", "gemini") or target in ("messages", "gemini")):
        wanted["cites"] = None
    if name == "cut-call":
        # Some show how far a call came that the length cut off, and some do not.
        wanted["parts"] = [part for part in wanted["parts"] if part[0] != "call"]
    return wanted


def answers():
    """Each script, whole and as a stream, for each pair."""
    for name in SCRIPTS:
        for streams in (False, True):
            for source in FORMS:
                direct = ask(source, DIRECT, name, streams)
                for target in FORMS:
                    if source != target:
                        compare(name, name, source, target, streams, direct)


def compare(name, model, source, target, streams, direct):
    found = ask(source, f"{BASE}/{target}", model, streams)
    counts["crossings"] += 1
    wanted, got = (shown(allowed(name, source, target, each)) for each in (direct, found))
    if isinstance(wanted, dict) and isinstance(got, dict) and wanted["end"] == "refused":
        # The SDK raises for one of the two ways of a refusal, and shows the other. OpenAI's two
        # forms have both.
        if {source, target} != {"chat", "responses"} and None in (wanted["parts"], got["parts"]):
            wanted, got = ({"end": each["end"]} for each in (wanted, got))
    if got != wanted or isinstance(direct, Exception):
        kind = "stream" if streams else "whole"
        differs(f"{name}, {kind}: {source}>{target}", got, wanted)


def bytewise():
    """Streams that come byte by byte."""
    for name in BYTES:
        for source in FORMS:
            direct = ask(source, DIRECT, name, True)
            for target in FORMS:
                if source != target:
                    compare(name, f"{name}:bytes", source, target, True, direct)


def unended(name, form):
    """The events of a stream without those that end it."""
    # In chat the reason of the end, the usage, and the mark.
    last = {"chat": 2, "responses": 1, "messages": 1, "gemini": 1}[form]
    return frames(SCRIPTS[name], form, name)[:-last]


def cuts():
    """A stream that breaks off, or ends without its end, is no message."""
    for source, target in PAIRS:
        # Of a long text each piece is like the one before it.
        for name in (name for name in SCRIPTS if name != "long"):
            events = unended(name, target)
            ways = [f"{way}:{count}" for way in ("short", "fail") for count in range(len(events))]
            if name in CUT:
                size = sum(len(event) for event in events)
                ways += [f"cut:{count}" for count in range(0, size, max(1, size // 25))]
            for way in ways:
                found = ask(source, f"{BASE}/{target}", f"{name}:{way}", True)
                counts["crossings"] += 1
                if isinstance(found, dict):
                    differs(f"{name}:{way}: {source}>{target} looks whole", found, "an error")
            # Behind all of the content a failure is the one of the SDK's own dialect. That of
            # Responses has no exception for it, and raises one for the broken framing behind it.
            # An answer of nothing fails before its beginning, and has a status.
            if source == "responses" or name == "nothing":
                continue
            found = ask(source, f"{BASE}/{target}", f"{name}:fail:{len(events)}", True)
            direct = ask(source, DIRECT, f"{name}:fail:{len(unended(name, source))}", True)
            counts["crossings"] += 1
            if type(found) is not type(direct):
                differs(f"{name} fails: {source}>{target}", shown(found), shown(direct))


def error_facts(error):
    """What a program can ask an error of an SDK for."""
    status = getattr(error, "status_code", None) or getattr(error, "code", None)
    return type(error).__name__, status


def failures():
    """A refusal is the same exception as the vendor's own."""
    for name in ERRORS:
        for streams in (False, True):
            for source in FORMS:
                direct = error_facts(ask(source, DIRECT, f"error:{name}", streams))
                if name in ("key", "forbidden"):
                    # The credential is the gateway's.
                    direct = {"gemini": ("ServerError", 502)}.get(
                        source, ("InternalServerError", 502))
                if name == "large" and source == "gemini":
                    direct = ("ClientError", 413)
                for target in FORMS:
                    if source == target:
                        continue
                    found = ask(source, f"{BASE}/{target}", f"error:{name}", streams)
                    counts["crossings"] += 1
                    wanted = direct
                    if name == "large" and target == "gemini":
                        # Google has no status of its own for it.
                        wanted = error_facts(ask(source, DIRECT, "error:bad", streams))
                    if error_facts(found) != wanted:
                        differs(f"error {name}: {source}>{target}", shown(found), wanted)
                    elif name == "long" and source == "messages" \
                            and "prompt is too long" not in str(found):
                        differs(f"error {name}: {source}>{target}", shown(found), "the words")
                    elif name == "long" and source in ("chat", "responses") \
                            and found.code != "context_length_exceeded":
                        differs(f"error {name}: {source}>{target}", shown(found), "the code")


def garbage():
    """What is of no dialect is no answer."""
    for kind in ("html", "words", "other", "done", "empty", "comments", "binary", "json", "list",
                 "half", "text"):
        for source, target in PAIRS:
            for streams in (False, True):
                found = ask(source, f"{BASE}/{target}", f"garbage:{kind}", streams)
                counts["crossings"] += 1
                if isinstance(found, dict):
                    differs(f"garbage {kind}: {source}>{target}, {streams}", found, "an error")


WAYS = {"answers": answers, "bytes": bytewise, "cuts": cuts, "failures": failures,
        "garbage": garbage}
made = Vendor()
toml = "".join(vendor(form, form, made.port) + chain(form, [form]) for form in FORMS)
gateway = Gateway(sys.argv[1], toml)
DIRECT, BASE = f"http://127.0.0.1:{made.port}", f"http://127.0.0.1:{gateway.port}"
try:
    for way in sys.argv[2:] or WAYS:
        WAYS[way]()
finally:
    gateway.stop()
print(f"{counts['crossings']} crossings, {counts['differ']} differ")
sys.exit(1 if counts["differ"] else 0)
