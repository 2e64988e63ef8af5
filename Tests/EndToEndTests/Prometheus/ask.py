"""Has a Prometheus server read a gateway, the alert rules, and each question of the board.

    ask.py FOLDER GATEWAY OPERATORS RULES BOARD KEY

GATEWAY and OPERATORS are ports. Calls with a key and without one go on until each question has an answer. Prints as
JSON: questions without an answer, rules that cannot be evaluated, and the number of both.
"""

import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

folder, gateway, operators, rules, board, key = sys.argv[1:7]
patience = 180


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def ask(path):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/{path}") as answer:
        return json.load(answer)["data"]


def answers(question):
    try:
        return ask("query?" + urllib.parse.urlencode({"query": question}))["result"]
    except urllib.error.HTTPError as error:
        raise SystemExit(f"{question}: {error.read().decode()}") from error


def call():
    body = {"model": "gpt-4o", "stream": True, "stream_options": {"include_usage": True}, "messages": []}
    request = urllib.request.Request(
        f"http://127.0.0.1:{gateway}/v1/chat/completions", json.dumps(body).encode(),
        {"Content-Type": "application/json", "Authorization": f"Bearer {key}"})
    try:
        urllib.request.urlopen(request).read()
    except urllib.error.HTTPError as error:
        # A limit refuses some of them: that is a figure of the board, too.
        assert error.code == 429, error.code


port = free_port()
with open(f"{folder}/prometheus.yml", "w", encoding="utf-8") as file:
    file.write(f"""global:
  scrape_interval: 1s
  evaluation_interval: 1s
rule_files: ["{rules}"]
scrape_configs:
- job_name: weir
  static_configs:
  - targets: ["127.0.0.1:{operators}"]
""")
with open(board, encoding="utf-8") as file:
    panels = json.load(file)["panels"]
questions = [target["expr"].replace('"$instance"', '".*"').replace('"$vendor"', '".*"')
             for panel in panels for target in panel.get("targets", [])]
server = subprocess.Popen(
    ["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/series",
     f"--web.listen-address=127.0.0.1:{port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
try:
    end = time.monotonic() + patience
    waiting, found = questions, []
    while time.monotonic() < end:
        call()
        time.sleep(0.2)
        try:
            waiting = [question for question in waiting if not answers(question)]
            found = [rule for group in ask("rules")["groups"] for rule in group["rules"]]
        except urllib.error.URLError:
            continue
        if not waiting and found and all(rule["health"] != "unknown" for rule in found):
            break
    print(json.dumps({
        "questions": len(questions), "unanswered": waiting, "rules": len(found),
        "unfit": [f"{rule['name']}: {rule['health']} {rule.get('lastError', '')}"
                  for rule in found if rule["health"] != "ok"]}))
finally:
    server.terminate()
    server.wait()
