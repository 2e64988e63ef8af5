"""Sessions of 20 turns with tools, of each SDK through chains into each other dialect.

session.py WEIR

The vendor checks each request as the real one would. In turn 7 it is out of order in the first
dialect, so that the chain goes on in another one, and in turn 12 it is back.
"""

import base64
import json
import sys

import readers
import rules
from dialects import FORMS, Script
from gateway import DIALECTS, Gateway, chain, vendor
from google.genai import types
from vendor import Vendor

TURNS, AWAY, BACK = 20, 7, 12


def script(form, turn):
    """What the vendor answers in a turn: it thinks, says something, and calls up to three tools."""
    steps = [("reasoning", [f"think {form}", f" {turn}"])]
    if turn % 3 != 1 or turn % 5 == 0:
        steps.append(("text", [f"turn {turn}"]))
    name = {"messages": "toolu_{}_{}", "gemini": "g{}{}"}.get(form, "call_{}_{}")
    count = 0 if turn % 5 == 0 else 1 + turn % 3
    for number in range(count):
        pieces = ['{"a":', f'"{turn} \\u00e9"', "}"] if number != 1 else []
        steps.append(("call", name.format(turn, number), "f" if number != 1 else "g", pieces))
    sign = base64.b64encode(f"{form} {turn}".encode()).decode()
    return Script(*steps, weave=True, sign={form: sign for form in FORMS}, named=turn % 2 == 0)


# MARK: Agents, each as its SDK's own examples have them

class Chat:
    def __init__(self, base, model):
        self.api, self.model = readers.client("chat", base), model
        self.messages = [{"role": "system", "content": "S"}, {"role": "user", "content": "begin"}]

    def ask(self, streams):
        ask = {"model": self.model, "messages": self.messages, "tools": readers.chat_tools(),
               "reasoning_effort": "medium", "max_completion_tokens": 9999}
        if streams:
            with self.api.chat.completions.stream(**ask) as stream:
                for _ in stream:
                    pass
                message = stream.get_final_completion().choices[0].message
        else:
            message = self.api.chat.completions.create(**ask).choices[0].message
        kept = {"role": "assistant", "content": message.content}
        calls = message.tool_calls or []
        if calls:
            kept["tool_calls"] = [
                {name: value for name, value in call.to_dict().items() if name != "index"}
                for call in calls]
            for call in kept["tool_calls"]:
                call["function"].pop("parsed_arguments", None)
        self.messages.append(kept)
        return message.content or "", [(call.id, call.function.name) for call in calls]

    def results(self, calls):
        self.messages += [{"role": "tool", "tool_call_id": id, "content": f"done {id}"}
                          for id, _ in calls]

    def say(self, text):
        self.messages.append({"role": "user", "content": text})


class Responses:
    def __init__(self, base, model):
        self.api, self.model = readers.client("responses", base), model
        self.items = [{"role": "user", "content": "begin"}]

    def ask(self, streams):
        ask = {"model": self.model, "input": self.items, "tools": readers.responses_tools(),
               "instructions": "S", "store": False, "include": ["reasoning.encrypted_content"],
               "reasoning": {"effort": "medium", "summary": "auto"}}
        if streams:
            with self.api.responses.stream(**ask) as stream:
                for _ in stream:
                    pass
                answer = stream.get_final_response()
        else:
            answer = self.api.responses.create(**ask)
        for item in answer.output:
            kept = item.to_dict()
            kept.pop("parsed_arguments", None)
            for part in kept.get("content") or []:
                part.pop("parsed", None)
            self.items.append(kept)
        return answer.output_text, [(item.call_id, item.name) for item in answer.output
                                    if item.type == "function_call"]

    def results(self, calls):
        self.items += [{"type": "function_call_output", "call_id": id, "output": f"done {id}"}
                       for id, _ in calls]

    def say(self, text):
        self.items.append({"role": "user", "content": text})


class Messages:
    def __init__(self, base, model):
        self.api, self.model = readers.client("messages", base), model
        self.messages = [{"role": "user", "content": "begin"}]

    def ask(self, streams):
        ask = {"model": self.model, "messages": self.messages, "tools": readers.messages_tools(),
               "system": "S", "max_tokens": 9999, "thinking": {"type": "adaptive"}}
        if streams:
            with self.api.messages.stream(**ask) as stream:
                for _ in stream:
                    pass
                answer = stream.get_final_message()
        else:
            answer = self.api.messages.create(**ask)
        self.messages.append({"role": "assistant", "content": answer.content})
        text = "".join(block.text for block in answer.content if block.type == "text")
        return text, [(block.id, block.name) for block in answer.content
                      if block.type == "tool_use"]

    def results(self, calls):
        blocks = [{"type": "tool_result", "tool_use_id": id, "content": f"done {id}",
                   **({"is_error": True} if number == 1 else {})}
                  for number, (id, _) in enumerate(calls)]
        self.messages.append({"role": "user", "content": blocks})

    def say(self, text):
        self.messages.append({"role": "user", "content": text})


class Gemini:
    """The SDK keeps the history itself."""

    def __init__(self, base, model):
        config = types.GenerateContentConfig(
            tools=readers.gemini_tools(), system_instruction="S",
            thinking_config=types.ThinkingConfig(include_thoughts=True),
            automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True))
        self.chat = readers.client("gemini", base).chats.create(model=model, config=config)
        self.next = "begin"

    def ask(self, streams):
        answers = (self.chat.send_message_stream(self.next) if streams
                   else [self.chat.send_message(self.next)])
        text, calls = "", []
        for chunk in answers:
            for part in chunk.candidates[0].content.parts or []:
                if part.function_call:
                    calls.append((part.function_call.id, part.function_call.name))
                elif part.text and not part.thought:
                    text += part.text
        return text, calls

    def results(self, calls):
        self.next = [types.Part(function_response=types.FunctionResponse(
            id=id, name=name, response={"output": "done"})) for id, name in calls]

    def say(self, text):
        self.next = text


AGENTS = {"chat": Chat, "responses": Responses, "messages": Messages, "gemini": Gemini}
LISTS = {"chat": "messages", "responses": "input", "messages": "messages", "gemini": "contents"}


class Session:
    """One session, and what was wrong with it."""

    def __init__(self, source, first, second):
        self.source, self.ways = source, (first, second)
        self.name = f"{source}>{first}, {second}"
        self.turn = 0
        self.wrong = []
        self.served = []
        self.previous = ""
        self.signed = {form: set() for form in FORMS}

    def check(self, form, body, headers):
        """What the vendor says of a request; called on its thread."""
        relayed = DIALECTS[form] == DIALECTS[self.source]
        found = rules.fault(form, body, headers, self.signed[form], relayed)
        text = json.dumps(body[LISTS[form]])
        before = self.served[-1:] == [form]
        sign = script(form, self.turn - 1).sign[form]
        # A chat client has no field for it, but for Gemini's.
        carries = form != "chat" and (self.source != "chat" or form == "gemini")
        # Gemini signs calls alone here.
        if form == "gemini" and not script(form, self.turn - 1).calls():
            carries = False
        if not found and before and carries and sign not in text:
            found = "the vendor's own reasoning is gone"
        # A vendor's cache of the prompt's beginning stays good.
        if not found and before and not text.startswith(self.previous[:-1]):
            found = "the prompt's beginning changed"
        self.previous = text
        self.served.append(form)
        made = script(form, self.turn)
        value = made.sign[form]
        self.signed[form].add(
            ("".join(made.texts("reasoning")), value) if form == "messages" else value)
        return found

    def run(self, vendor, base):
        agent = AGENTS[self.source](base, "m-1")
        for self.turn in range(1, TURNS + 1):
            wanted = self.ways[1 if AWAY <= self.turn < BACK else 0]
            vendor.down = {self.ways[0]} if wanted == self.ways[1] else set()
            try:
                text, calls = agent.ask(streams=self.turn % 2 == 1)
            except Exception as error:
                self.wrong.append(f"turn {self.turn}: {type(error).__name__}: {error}")
                return
            made = script(wanted, self.turn)
            if self.served[-1] != wanted:
                self.wrong.append(f"turn {self.turn}: served in {self.served[-1]}")
            names = [call[1] for call in made.calls()]
            if text != "".join(made.texts("text")) or [name for _, name in calls] != names:
                self.wrong.append(f"turn {self.turn}: {text!r}, {calls}")
            if calls:
                agent.results(calls)
            else:
                agent.say("go on")


sessions = [Session(source, first, second) for source in FORMS for first in FORMS
            for second in FORMS if len({first, second}) == 2 and (source, first) != (second, first)]
current = None
made = Vendor(check=lambda *request: current.check(*request),
              script=lambda form, model, body: script(form, current.turn))
toml = "".join(vendor(form, form, made.port) for form in FORMS)
# No target is passed over for its failures: it is asked again at once.
more = "[chains.failover]\ncooldown_after = 1000\n"
toml += "".join(chain(f"{first}-{second}", [first, second], more)
                for first in FORMS for second in FORMS if first != second)
gateway = Gateway(sys.argv[1], toml)
wrong = 0
try:
    for current in sessions:
        first, second = current.ways
        made.faults.clear()
        current.run(made, f"http://127.0.0.1:{gateway.port}/{first}-{second}")
        faults = [f"{form}: {fault}" for form, fault in made.faults] + current.wrong
        if faults:
            wrong += 1
            print(f"{current.name}: {faults[:4]}")
finally:
    gateway.stop()
print(f"{len(sessions)} sessions of {TURNS} turns, {wrong} wrong")
sys.exit(1 if wrong else 0)
