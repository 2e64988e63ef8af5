"""Opens the gateway's page in Chromium, view by view, and prints what it saw as JSON.

    browse.py ORIGIN TOKEN FOLDER [AXE] < views

Each line of the input is a view's address behind the hash and a text to wait for, with a tab between
them. Chromium is driven over its debugging pipe: no other program is needed. Screenshots go to FOLDER.
"""

import base64
import json
import os
import subprocess
import sys
import time
import urllib.parse

origin, token, folder = sys.argv[1:4]
axe = open(sys.argv[4], encoding="utf-8").read() if len(sys.argv) > 4 else None
views = [line.rstrip("\n").split("\t") for line in sys.stdin if line.strip()]
widths = {400: 860, 1280: 900, 2560: 1400}
patience = 60


class Browser:
    def __init__(self):
        theirs, self.out = os.pipe()
        self.into, ours = os.pipe()
        # The pipe's ends have the numbers 3 and 4 in the browser.
        self.process = subprocess.Popen(
            ["/bin/sh", "-c", f"exec chromium \"$@\" 3<&{theirs} 4>&{ours}", "sh", "--headless",
             "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--force-color-profile=srgb",
             f"--user-data-dir={folder}/profile", "--remote-debugging-pipe", "about:blank"],
            pass_fds=(theirs, ours), stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        os.close(theirs)
        os.close(ours)
        self.buffer = b""
        self.number = 0
        self.events = []
        self.session = None

    def receive(self):
        while b"\0" not in self.buffer:
            piece = os.read(self.into, 1 << 20)
            if not piece:
                raise SystemExit("the browser ended")
            self.buffer += piece
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.receive()
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise SystemExit(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def evaluate(self, text):
        result = self.call("Runtime.evaluate", expression=text, awaitPromise=True,
                           returnByValue=True)
        if "exceptionDetails" in result:
            raise SystemExit(f"{text[:200]}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def wait(self, condition, what):
        end = time.monotonic() + patience
        while time.monotonic() < end:
            if self.evaluate(condition):
                return
            time.sleep(0.02)
        raise SystemExit(f"{what} did not appear: {self.evaluate('document.body.innerText')[:800]}")


def complaints(events):
    found = []
    for event in events:
        parameters = event.get("params", {})
        if event.get("method") == "Runtime.exceptionThrown":
            found.append(str(parameters["exceptionDetails"])[:500])
        if event.get("method") == "Runtime.consoleAPICalled":
            found.append(str(parameters.get("args"))[:500])
        if event.get("method") == "Log.entryAdded":
            found.append(parameters["entry"]["text"][:500])
        if event.get("method") == "Page.javascriptDialogOpening":
            found.append("a dialog: " + parameters["message"])
    return found


def requests(events):
    return [event["params"]["request"]["url"] for event in events
            if event.get("method") == "Network.requestWillBeSent"]


browser = Browser()
target = browser.call("Target.createTarget", url="about:blank")["targetId"]
browser.session = browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
for domain in ("Page", "Runtime", "Network", "Log"):
    browser.call(f"{domain}.enable")
browser.call("Emulation.setDeviceMetricsOverride", width=1280, height=900, deviceScaleFactor=1,
             mobile=False)
browser.call("Page.navigate", url=origin + "/")
browser.wait("document.readyState == 'complete' && location.pathname == '/login'", "the login")
browser.call("Page.bringToFront")
browser.evaluate("document.getElementById('token').focus()")
browser.call("Input.insertText", text=token)
browser.evaluate("document.querySelector('form').requestSubmit()")
browser.wait("document.readyState == 'complete' && location.pathname == '/'", "the page")
shown = []
for address, wanted in views:
    name = urllib.parse.unquote(address).split("?")[0].split("/")[0]
    browser.events = []
    text = json.dumps(wanted)
    browser.evaluate(f"location.hash = {json.dumps('#/' + address)}")
    browser.wait(f"document.getElementById('main').innerText.includes({text})", f"{address}: {wanted}")
    seen = {"view": name, "tables": browser.evaluate("document.querySelectorAll('table').length")}
    seen["scripts"] = browser.evaluate(
        "document.querySelectorAll('#main script, #main iframe, #main object').length")
    seen["ran"] = browser.evaluate("String(window.hostile || '')")
    seen["wide"] = []
    for width, height in widths.items():
        browser.call("Emulation.setDeviceMetricsOverride", width=width, height=height,
                     deviceScaleFactor=1, mobile=False)
        if browser.evaluate("document.documentElement.scrollWidth > innerWidth + 1"):
            seen["wide"].append(width)
        for scheme in ("light", "dark") if width == 1280 else ("light",):
            browser.call("Emulation.setEmulatedMedia",
                         features=[{"name": "prefers-color-scheme", "value": scheme}])
            if axe and width != 2560:
                # Read as a value: the page's policy lets no text become a script.
                browser.evaluate(axe + "; true")
                result = browser.evaluate(
                    "axe.run(document).then((found) => JSON.stringify(found.violations.map("
                    "(one) => [one.id, one.impact, one.nodes.map((n) => n.html.slice(0, 200))])))")
                seen.setdefault("axe", []).extend(
                    [width, scheme] + found for found in json.loads(result))
            picture = browser.call("Page.captureScreenshot", format="png")["data"]
            with open(f"{folder}/{name}-{width}-{scheme}.png", "wb") as file:
                file.write(base64.b64decode(picture))
    browser.call("Emulation.setDeviceMetricsOverride", width=1280, height=900, deviceScaleFactor=1,
                 mobile=False)
    seen["complaints"] = complaints(browser.events)
    seen["elsewhere"] = [url for url in requests(browser.events)
                         if not url.startswith(origin + "/") and not url.startswith("data:")]
    shown.append(seen)
print(json.dumps({"views": shown}))
browser.session = None
browser.call("Browser.close")
