"""`weir serve` on free ports, with one chain of targets for each prefix of a path."""

import os
import re
import subprocess
import tempfile

DIALECTS = {"chat": "openai", "responses": "openai", "messages": "anthropic", "gemini": "gemini"}


def vendor(name, form, port, more=""):
    """The lines of a vendor that is asked in a form."""
    dialect = DIALECTS[form]
    base = "/v1" if dialect == "openai" else ""
    apis = f'apis = ["{form}"]\n' if dialect == "openai" else ""
    return (f'[vendors.{name}]\ndialect = "{dialect}"\n'
            f'base_url = "http://127.0.0.1:{port}{base}"\n{apis}credential = "none"\n{more}\n')


def chain(name, targets, more=""):
    listed = ", ".join(f'{{ vendor = "{target}" }}' for target in targets)
    return f'[[chains]]\nname = "{name}"\nprefix = "/{name}"\ntargets = [{listed}]\n{more}\n'


class Gateway:
    def __init__(self, weir, toml, server=""):
        self.weir = weir
        self.folder = tempfile.TemporaryDirectory()
        self.file = os.path.join(self.folder.name, "config.toml")
        with open(self.file, "w") as file:
            file.write(f'[server]\nlisten = "127.0.0.1:0"\n{server}\n'
                       f'[admin]\nlisten = "127.0.0.1:0"\n'
                       f'[log]\npath = "{self.folder.name}/record"\njournal_size = "16MiB"\n{toml}')
        self.process = subprocess.Popen([weir, "serve", "--config", self.file],
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        said = b""
        for line in self.process.stdout:
            said += line
            if b" serving " in line:
                break
        else:
            raise SystemExit(f"the gateway did not start: {said.decode()}")
        self.port = int(re.search(rb" listen=\S*:(\d+)", line)[1])

    def stop(self):
        if self.process.poll() is not None:
            return
        self.process.terminate()
        self.process.stdout.read()
        self.process.wait(30)
