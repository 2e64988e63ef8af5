"""Goes from the page's first view to the cause of each incident, and prints what it saw as JSON.

    incidents.py TOKEN FOLDER < incidents

Each line of the input is an incident as JSON: `name`, `origin` of its gateway, `steps`, and `cause`, texts that
must be in view at the end. A step is one click: ["link", TEXT] on what bears the text, ["row", TEXT] on the first
link of the row that has such a cell, ["view", TEXT] on a view's name. Screenshots go to FOLDER.
"""

import json
import sys

from browser import Browser, complaints

token, folder = sys.argv[1:3]
where = {
    "link": "[...document.querySelectorAll('#main a, #main button, #main summary')]"
            ".find((one) => one.innerText.includes(wanted))",
    "row": "[...document.querySelectorAll('#main tr')].find((row) => [...row.cells].some((cell) => "
           "cell.innerText.trim() === wanted))?.querySelector('a')",
    "view": "[...document.querySelectorAll('#nav a')].find((one) => one.innerText === wanted)",
}

browser = Browser(folder)
browser.open()
browser.size(1000, 640)
origin = None
seen = []
for line in sys.stdin:
    incident = json.loads(line)
    if incident["origin"] != origin:
        origin = incident["origin"]
        browser.sign_in(origin, token)
    browser.events = []
    browser.evaluate("location.hash = '#/bench'")
    browser.wait("document.getElementById('main').innerText.includes('A report of')", "another view")
    browser.evaluate("location.hash = '#/now'")
    browser.wait("document.getElementById('main').innerText.includes('Vendors')", "the first view")
    for number, (kind, text) in enumerate(incident["steps"]):
        # A view may still be loading, and the first one changes each second.
        browser.wait(
            f"(() => {{ const wanted = {json.dumps(text)}; const found = {where[kind]}; "
            "if (!found) return false; found.click(); return true; })()",
            f"{incident['name']}, click {number + 1}: {text}")
    for text in incident["cause"]:
        browser.wait(f"document.getElementById('main').textContent.includes({json.dumps(text)})",
                     f"{incident['name']}: {text}")
    browser.evaluate(
        f"[...document.querySelectorAll('#main *')].filter((one) => one.textContent.includes("
        f"{json.dumps(incident['cause'][0])})).at(-1).scrollIntoView({{ block: 'center' }})")
    browser.picture(f"{folder}/{incident['name']}.png")
    seen.append({"name": incident["name"], "clicks": len(incident["steps"]),
                 "complaints": complaints(browser.events)})
print(json.dumps({"incidents": seen}))
browser.close()
