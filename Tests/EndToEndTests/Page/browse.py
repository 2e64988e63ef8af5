"""Opens the gateway's page in Chromium, view by view, and prints what it saw as JSON.

    browse.py ORIGIN TOKEN FOLDER [AXE] < views

Each line of the input is a view's address behind the hash and a text to wait for, with a tab between
them; behind another tab a file that is chosen in the view, and a text to wait for then. Screenshots go to
FOLDER.
"""

import json
import sys
import urllib.parse

from browser import Browser, complaints, requests

origin, token, folder = sys.argv[1:4]
axe = open(sys.argv[4], encoding="utf-8").read() if len(sys.argv) > 4 else None
views = [line.rstrip("\n").split("\t") for line in sys.stdin if line.strip()]
widths = {400: 860, 1280: 900, 2560: 1400}

browser = Browser(folder)
browser.open()
browser.size(1280, 900)
browser.sign_in(origin, token)
shown = []
for address, wanted, *chosen in views:
    name = urllib.parse.unquote(address).split("?")[0].split("/")[0]
    browser.events = []
    text = json.dumps(wanted)
    browser.evaluate(f"location.hash = {json.dumps('#/' + address)}")
    browser.wait(f"document.getElementById('main').innerText.includes({text})", f"{address}: {wanted}")
    if chosen:
        with open(chosen[0], encoding="utf-8") as file:
            content = json.dumps(file.read())
        browser.evaluate(
            f"const files = new DataTransfer(); files.items.add(new File([{content}], 'report.json'));"
            + "const input = document.querySelector('input[type=file]'); input.files = files.files;"
            + "input.dispatchEvent(new Event('change'))")
        browser.wait(f"document.getElementById('main').innerText.includes({json.dumps(chosen[1])})", chosen[1])
    # What is folded is looked at, too.
    browser.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    is_first = all(one["view"] != name for one in shown)
    seen = {"view": name, "tables": browser.evaluate("document.querySelectorAll('table').length")}
    seen["scripts"] = browser.evaluate(
        "document.querySelectorAll('#main script, #main iframe, #main object, #main embed, #main base, '"
        " + '#main meta, #main link, #main [onerror], #main [onload], #main img:not([src^=\"data:\"])').length")
    seen["marks"] = browser.evaluate(
        "/[\\u0008\\u202a-\\u202e\\u2066-\\u2069]/.test(document.body.textContent)")
    seen["odd"] = browser.evaluate(
        "/\\[object |undefined|NaN/.test(document.getElementById('main').innerText)")
    seen["ran"] = browser.evaluate("String(window.hostile || '')")
    seen["wide"] = []
    for width, height in widths.items():
        # Of several of one kind the first is tried at every width.
        if not is_first and width != 1280:
            continue
        browser.size(width, height)
        if browser.evaluate("document.documentElement.scrollWidth > innerWidth + 1"):
            seen["wide"].append(width)
        for scheme in ("light", "dark") if is_first else ("light",):
            browser.call("Emulation.setEmulatedMedia",
                         features=[{"name": "prefers-color-scheme", "value": scheme}])
            if axe and (width == 1280 or width == 400 and scheme == "light"):
                # Read as a value: the page's policy lets no text become a script.
                browser.evaluate(axe + "; true")
                result = browser.evaluate(
                    "axe.run(document).then((found) => JSON.stringify(found.violations.map("
                    "(one) => [one.id, one.impact, one.nodes.map((n) => n.html.slice(0, 200))])))")
                seen.setdefault("axe", []).extend(
                    [width, scheme] + found for found in json.loads(result))
            browser.picture(f"{folder}/{name}-{width}-{scheme}.png")
    browser.size(1280, 900)
    seen["complaints"] = complaints(browser.events)
    seen["elsewhere"] = [url for url in requests(browser.events)
                         if not url.startswith(origin + "/") and not url.startswith("data:")]
    shown.append(seen)
print(json.dumps({"views": shown}))
browser.close()
