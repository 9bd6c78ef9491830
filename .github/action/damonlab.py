#!/usr/bin/env python3
"""The steps of action.yml: `keys` names the caches, `install` builds damonlab and installs what it needs, `run` is the run.

Inputs come as JSON in INPUTS. What a later step needs goes to the file that GITHUB_OUTPUT names. Python, because
damonlab needs it anyway and a shell would read the inputs.
"""

import hashlib
import json
import os
import pathlib
import subprocess
import sys

ACTION = pathlib.Path(__file__).resolve().parents[2]
BINARY = ACTION / "target/release/damonlab"
# What the command is made of.
SOURCES = ["Cargo.toml", "Cargo.lock", "harness", "guest", "protocol", "docs", "examples", "kernel-config", "patches",
           "scenarios", "snapshots"]
# Each input whose lines are values of one option.
OPTIONS = {"kernel": "--kernel", "series": "--series", "patch": "--patch", "config": "--config", "seeds": "--seeds",
           "profile": "--profile", "shard": "--shard"}
COMMANDS = ["run", "explore", "coverage", "mutants"]


def lines(text):
    return [line.strip() for line in text.splitlines() if line.strip()]


def fail(message):
    # One line, and no command of the runner in it.
    print("::error title=damonlab::" + message.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A"))
    sys.exit(2)


def output(**values):
    with open(os.environ.get("GITHUB_OUTPUT", os.devnull), "a", encoding="utf-8") as file:
        for name, value in values.items():
            if "\n" in str(value):
                fail(f"the output {name} has several lines")
            file.write(f"{name.replace('_', '-')}={value}\n")


def command(inputs):
    """The arguments of damonlab, and the folder of its results."""
    verb, folder = inputs.get("command") or "run", "damonlab-results"
    if inputs.get("merge"):
        given = [name for name in [*OPTIONS, "scenarios", "arguments"] if inputs.get(name)]
        if given:
            fail(f"`merge` runs nothing, so these inputs have no effect: {', '.join(given)}")
        shards = sorted(str(path) for path in pathlib.Path(inputs["merge"]).glob("*") if path.is_dir())
        if not shards:
            fail(f"`merge` is to name a folder with the artifacts of shards; there is no folder in {inputs['merge']}")
        return ["merge", "--out", folder, *shards], folder
    if verb not in COMMANDS:
        fail(f"`command` is to be one of {', '.join(COMMANDS)}; it is {verb!r}")
    scenarios = lines(inputs.get("scenarios", ""))
    if scenarios and verb in ("explore", "mutants"):
        fail(f"`scenarios` has no effect on {verb}, which chooses its own")
    arguments = [verb, "--out", folder]
    for name, option in OPTIONS.items():
        for value in lines(inputs.get(name, "")):
            # Joined, so that no value is taken for an option.
            arguments.append(f"{option}={value}")
    arguments += lines(inputs.get("arguments", ""))
    if verb == "run" and not scenarios:
        arguments.append("--all")
    return arguments + (["--", *scenarios] if scenarios else []), folder


def reports(arguments, folder):
    """The reports go before a `--`."""
    wanted = ["--format=github", f"--report=junit={folder}/damonlab.xml", f"--report=json={folder}/damonlab.jsonl"]
    return arguments[:1] + wanted + arguments[1:]


def digest(paths):
    total = hashlib.sha256()
    for root in paths:
        files = sorted(path for path in root.rglob("*") if path.is_file()) if root.is_dir() else [root]
        for file in files:
            if file.is_file():
                name = str(file.relative_to(ACTION) if file.is_relative_to(ACTION) else file)
                total.update(name.encode() + b"\0" + hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()[:16]


def head(kernel):
    """The commit of a kernel tree, so that a new one gets a new entry in the cache."""
    tree = kernel.split("@")[0]
    if not tree or not os.path.isdir(tree):
        return kernel
    ref = kernel.split("@")[1] if "@" in kernel else "HEAD"
    found = subprocess.run(["git", "-C", tree, "rev-parse", "--verify", "--end-of-options", ref], capture_output=True, text=True)
    return found.stdout.strip() if found.returncode == 0 else kernel


def keys(inputs):
    source = digest([ACTION / name for name in SOURCES])
    prefix = f"damonlab-kernel-{os.environ.get('ImageOS', 'unknown')}-"
    what = [head(inputs.get("kernel", "")), inputs.get("profile", "")]
    files = [pathlib.Path(line) for name in ("series", "patch", "config") for line in lines(inputs.get(name, ""))]
    what.append(digest([ACTION / "patches", ACTION / "kernel-config", *files]))
    kernel = hashlib.sha256("\0".join(what).encode()).hexdigest()[:16]
    output(binary=f"damonlab-{os.environ.get('ImageOS', 'unknown')}-{source}", kernel=prefix + kernel, kernel_prefix=prefix)


def install(inputs):
    if not BINARY.exists():
        build = ["cargo", "build", "--release", "--locked", "--manifest-path", str(ACTION / "Cargo.toml")]
        subprocess.run(build, check=True)
    if not inputs.get("merge"):
        subprocess.run([BINARY, "setup"], check=True)


def run(inputs):
    arguments, folder = command(inputs)
    # A test gives the command that cargo has built for it.
    binary = os.environ.get("DAMONLAB", str(BINARY))
    artifact = inputs.get("artifact", "")
    shard = inputs.get("shard", "")
    output(results=folder, artifact=f"{artifact}-{shard.split('/')[0]}" if shard else artifact)
    print("+ damonlab", *reports(arguments, folder), flush=True)
    status = subprocess.run([binary, *reports(arguments, folder)]).returncode
    output(status=status)
    # Findings of a shard are reported by the job that joins the shards.
    sys.exit(0 if shard and status == 1 else status)


def main():
    steps = {"keys": keys, "install": install, "run": run}
    if len(sys.argv) != 2 or sys.argv[1] not in steps:
        fail(f"the argument is to be one of {', '.join(steps)}; it is {sys.argv[1:]}")
    try:
        inputs = json.loads(os.environ["INPUTS"])
    except (KeyError, ValueError) as error:
        fail(f"INPUTS is to be the inputs of the action as JSON: {error}")
    steps[sys.argv[1]](inputs)


main()
