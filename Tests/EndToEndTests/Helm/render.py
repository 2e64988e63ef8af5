"""Lints a chart with Helm's own library and renders it as `helm template` does.

    render.py CHART FOLDER

Writes a file of manifests for each set of values, and the notes beside them. Ends with status 1 where Helm has
anything against the chart, or takes values that it should refuse.
"""

import sys

import helm_python
from helm_python import Chart, lint

VALUES = {
    "usual": {},
    "all": {
        "image": {"tag": "1", "pullSecrets": ["registry"]},
        "networkPolicy": {"egress": [{"to": [{"podSelector": {"matchLabels": {"app": "redis"}}}],
                                      "ports": [{"port": 6379, "protocol": "TCP"}]}]},
        "storage": {"className": "fast"},
        "nodeSelector": {"disk": "ssd"},
        "tolerations": [{"key": "llm", "operator": "Exists"}],
        "affinity": {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [
            {"weight": 1, "podAffinityTerm": {"topologyKey": "kubernetes.io/hostname"}}]}},
    },
    "none": {
        "replicas": 1,
        "keysSecret": "",
        "networkPolicy": {"enabled": False},
        "podDisruptionBudget": {"enabled": False},
        "autoscaling": {"enabled": False},
        "podAnnotations": None,
        "resources": None,
    },
    "closed": {"networkPolicy": {"clients": [], "operators": []}},
}
REFUSED = [
    {"replica": 3}, {"replicas": 0}, {"config": ""}, {"service": {"port": 0}},
    {"networkPolicy": {"clients": "all"}},
]


def main(path, folder):
    for name, values in VALUES.items():
        report = lint(path, values, strict=True, kube_version="v1.30.0")
        # That an icon is recommended is no finding.
        found = [one for one in report["messages"] if one["severity"] > 1] + report["errors"]
        if found:
            sys.exit(f"{name}: {found}")
        with Chart.load(path) as chart:
            for release in ("gate", "weir"):
                files = chart.render(values=values, name=release, namespace="ai")
                with open(f"{folder}/{name}-{release}.yaml", "w", encoding="utf-8") as out:
                    for file, text in sorted(files.items()):
                        if file.endswith(".yaml") and text.strip():
                            out.write(f"---\n{text.strip()}\n")
                        elif file.endswith("NOTES.txt") and "weir" not in text:
                            sys.exit(f"{name}: {text}")
    for values in REFUSED:
        with Chart.load(path) as chart:
            try:
                chart.validate_schema({**chart.values, **values})
            except helm_python.HelmError:
                continue
            sys.exit(f"not refused: {values}")
    print(f"Helm {helm_python.helm_sdk_version()}")


main(*sys.argv[1:])
