"""Chromium, driven over its debugging pipe: no other program is needed."""

import base64
import json
import os
import subprocess
import time

patience = 60


class Browser:
    def __init__(self, folder):
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

    def open(self):
        """Takes a tab of its own, and hears what goes wrong in it."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def size(self, width, height):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height,
                  deviceScaleFactor=1, mobile=False)

    def sign_in(self, origin, token):
        self.call("Page.navigate", url=origin + "/login")
        self.wait(f"document.readyState == 'complete' && location.href == '{origin}/login'", "the login")
        self.call("Page.bringToFront")
        self.evaluate("document.getElementById('token').focus()")
        self.call("Input.insertText", text=token)
        self.evaluate("document.querySelector('form').requestSubmit()")
        self.wait("document.readyState == 'complete' && location.pathname == '/'", "the page")

    def picture(self, path):
        data = self.call("Page.captureScreenshot", format="png")["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))

    def close(self):
        self.session = None
        self.call("Browser.close")


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
