"""The servers: how each is installed, pinned, below infra/.tools/servers, and how it is started.

# Invariants
- All but the simulated one serve the same tiny model with made-up weights: nothing is expected of
  what it sees.
- What is missing is said as a reason, never as a failure.
"""

from __future__ import annotations

import json
import os
import sys
import venv
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from .. import environment
from ..build import binary
from ..errors import StackError
from ..paths import INFRA, REPO, TOOLS, VLM_SETTINGS
from ..process import run
from ..say import say

MODEL = "Qwen/Qwen3-VL-8B-Instruct"
_HOME = TOOLS / "servers"
_VLLM = _HOME / "vllm"
#: Makes vLLM and the tiny model, from PyPI alone; it lies beside the working tree, if anywhere.
_SETUP = REPO.parent / "shared" / "vllm" / "setup.sh"
#: Beside vLLM's own transformers.
_ACCELERATE = "accelerate==1.15.0"
#: llama.cpp's source comes with its Python binding.
_LLAMA_CPP = "0.3.36"
_LLAMA_TOOLS = (
    "cmake==4.4.5",
    "ninja==1.13.2",
    "packaging==26.4",
    "pathspec==1.1.1",
    "pyproject-metadata==0.12.1",
    "scikit-build-core==1.1.2",
)
_DEEPEN = Path(__file__).with_name("deepen.py")
_NO_NETWORK = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "DO_NOT_TRACK": "1"}


class Skipped(Exception):
    """Why a server is not tried here."""


@dataclass(frozen=True)
class Start:
    """A program that is about to serve."""

    command: list[str]
    variables: dict[str, str] = field(default_factory=dict)
    #: The name of the model in requests.
    model: str = MODEL
    #: The key in requests.
    key: str = "none"


@dataclass(frozen=True)
class Kind:
    """A server: its name, its version, how to install and to start it on a port.

    `behind` is the address of another server that it passes requests on to.
    """

    name: str
    version: str
    install: Callable[[], None]
    start: Callable[[int, str | None], Start]
    behind: str | None = None


def _simulated(port: int, _behind: str | None) -> Start:
    command = [str(binary("simulated-vlm")), "--listen", f"127.0.0.1:{port}", "--latency", "none"]
    return Start([*command, "--model", MODEL])


def _install_vllm() -> None:
    if (_VLLM / "model-json" / "model.safetensors").exists():
        return
    if not _SETUP.exists():
        raise Skipped(f"{_SETUP}, which makes vLLM and the tiny model, is not there")
    say("Installing vLLM for this CPU, and making a tiny model (once; 6 GB) …")
    if run([str(_SETUP), str(_VLLM)]).returncode != 0:
        raise Skipped("its setup failed; the message is above")


def _vllm(port: int, _behind: str | None) -> Start:
    """With this system's settings; what needs a GPU, or much memory, is taken back."""
    command = [str(_VLLM / "venv/bin/vllm"), "serve", "--config", str(VLM_SETTINGS)]
    command += ["--model", str(_VLLM / "model-json"), "--host", "127.0.0.1", "--port", str(port)]
    command += ["--enforce-eager", "--skip-mm-profiling"]
    cache = str(_VLLM / "cache")
    variables = {
        **_NO_NETWORK,
        "LD_PRELOAD": str(_VLLM / "venv/lib/libiomp5.so"),
        "VLLM_NO_USAGE_STATS": "1",
        "VLLM_CPU_KVCACHE_SPACE": "1",
        "VLLM_CACHE_ROOT": cache,
        "VLLM_CONFIG_ROOT": cache,
        "VLLM_HOST_IP": "127.0.0.1",
        "HF_HOME": f"{cache}/hf",
    }
    return Start(command, variables)


def _install_transformers() -> None:
    _install_vllm()
    if not (_VLLM / "venv/bin/accelerate").exists():
        uv = [str(_VLLM / "tools/bin/uv"), "pip", "install", "--quiet", "--no-deps"]
        if run([*uv, "--python", str(_VLLM / "venv/bin/python"), _ACCELERATE]).returncode != 0:
            raise Skipped(f"{_ACCELERATE} can't be installed; the message is above")


def _transformers(port: int, _behind: str | None) -> Start:
    model = str(_VLLM / "model-json")
    command = [str(_VLLM / "venv/bin/transformers"), "serve", model, "--device", "cpu"]
    # Without it the server fails at the list of models.
    (_VLLM / "cache" / "hf" / "hub").mkdir(parents=True, exist_ok=True)
    variables = {**_NO_NETWORK, "HF_HOME": str(_VLLM / "cache/hf")}
    return Start([*command, "--host", "127.0.0.1", "--port", str(port)], variables, model)


def _install_litellm() -> None:
    home, pins = _HOME / "litellm", INFRA / "requirements-litellm.txt"
    if not (home / "bin" / "litellm").exists():
        say("Installing the LiteLLM proxy (once; 0.6 GB) …")
        venv.create(home, with_pip=True, symlinks=True)
        _pip(home, ["--requirement", str(pins)])


def _litellm(port: int, behind: str | None) -> Start:
    home = _HOME / "litellm"
    behind_it = {"model": f"hosted_vllm/{MODEL}", "api_base": f"{behind}/v1", "api_key": "none"}
    settings = {"model_list": [{"model_name": MODEL, "litellm_params": behind_it}]}
    config = home / "proxy.json"
    config.write_text(json.dumps(settings))
    command = [str(home / "bin" / "litellm"), "--config", str(config), "--host", "127.0.0.1"]
    key = "sk-local"
    variables = {
        **_NO_NETWORK,
        # It does not start without.
        "LITELLM_MASTER_KEY": key,
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_TELEMETRY": "False",
    }
    return Start([*command, "--port", str(port)], variables, key=key)


def _install_llama_cpp() -> None:
    _install_vllm()
    home = _HOME / "llama.cpp"
    home.mkdir(parents=True, exist_ok=True)
    tool = home / "tools"
    if not (tool / "bin" / "ninja").exists():
        venv.create(tool, with_pip=True, symlinks=True)
        _pip(tool, [*_LLAMA_TOOLS])
    source = home / f"llama_cpp_python-{_LLAMA_CPP}" / "vendor" / "llama.cpp"
    if not source.exists():
        _fetch_llama_cpp(home, tool)
    if not _llama_server().exists():
        _build_llama_cpp(source, tool)
    _convert(source)


def _fetch_llama_cpp(home: Path, tool: Path) -> None:
    wanted = [f"llama-cpp-python=={_LLAMA_CPP}", "--no-deps", "--no-binary", "llama-cpp-python"]
    command = [str(tool / "bin" / "pip"), "download", "--quiet", "--no-build-isolation", "--dest", str(home)]
    path = {**os.environ, "PATH": f"{tool / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"}
    archive = home / f"llama_cpp_python-{_LLAMA_CPP}.tar.gz"
    if run([*command, *wanted], env=path).returncode != 0:
        raise Skipped("its source can't be fetched from the package index")
    run(["tar", "--extract", "--gzip", "--file", str(archive), "--directory", str(home)], check=True)
    archive.unlink()


def _build_llama_cpp(source: Path, tool: Path) -> None:
    say("Building llama.cpp's server (once; some 15 minutes on two cores) …")
    off = ("BUILD_SHARED_LIBS", "LLAMA_OPENSSL", "LLAMA_BUILD_TESTS", "LLAMA_BUILD_EXAMPLES", "GGML_OPENMP")
    options = [f"-D{name}=OFF" for name in (*off, "LLAMA_BUILD_UI", "LLAMA_BUILD_APP")]
    # It serves a tiny model: compiling it well would take longer than all that it is asked.
    options += ["-DCMAKE_BUILD_TYPE=Release", "-DCMAKE_C_FLAGS_RELEASE=-O1", "-DCMAKE_CXX_FLAGS_RELEASE=-O1"]
    cmake, built = str(tool / "bin" / "cmake"), _HOME / "llama.cpp" / "build"
    ninja = f"-DCMAKE_MAKE_PROGRAM={tool / 'bin' / 'ninja'}"
    made = run([cmake, "-G", "Ninja", ninja, "-S", str(source), "-B", str(built), *options], stdout=sys.stderr.fileno())
    if made.returncode == 0:
        jobs = str(os.cpu_count() or 1)
        target = ["--target", "llama-server", "--parallel", jobs]
        made = run([cmake, "--build", str(built), *target], stdout=sys.stderr.fileno())
    if made.returncode != 0:
        raise Skipped("it can't be built here; the compiler's message is above")


def _convert(source: Path) -> None:
    """The tiny model in llama.cpp's form: the language model, and what looks at pictures."""
    python, deeper = str(_VLLM / "venv/bin/python"), _HOME / "llama.cpp" / "model"
    if not deeper.exists():
        run([python, str(_DEEPEN), str(_VLLM / "model-json"), str(deeper)], check=True)
    for name, options in (("model", []), ("mmproj", ["--mmproj"])):
        out = _HOME / "llama.cpp" / f"{name}.gguf"
        if out.exists():
            continue
        command = [python, str(source / "convert_hf_to_gguf.py"), str(deeper)]
        command += ["--outtype", "f16", "--outfile", str(out), *options]
        variables = {**environment.base(), **_NO_NETWORK, "PYTHONPATH": str(source / "gguf-py")}
        done = run(command, env=variables, capture=True)
        if done.returncode != 0:
            out.unlink(missing_ok=True)
            last = (done.stderr or "").strip().splitlines()[-1:]
            raise Skipped(f"the tiny model can't be converted: {' '.join(last)}")


def _llama_server() -> Path:
    return _HOME / "llama.cpp" / "build" / "bin" / "llama-server"


def _llama_cpp(port: int, _behind: str | None) -> Start:
    home = _HOME / "llama.cpp"
    command = [str(_llama_server()), "--model", str(home / "model.gguf"), "--mmproj", str(home / "mmproj.gguf")]
    command += ["--alias", MODEL, "--host", "127.0.0.1", "--port", str(port)]
    # Four requests at once, each with a context of 8,192 tokens.
    return Start([*command, "--ctx-size", "32768", "--parallel", "4", "--threads", str(os.cpu_count() or 1)])


def _pip(home: Path, what: list[str]) -> None:
    command = [str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if run([*command, *what]).returncode != 0:
        raise Skipped("pip can't install it; its message is above")


KINDS = (
    Kind("simulated", "this release", lambda: None, _simulated),
    Kind("vllm", "0.32.0", _install_vllm, _vllm),
    Kind("transformers", "5.19.0", _install_transformers, _transformers),
    Kind("litellm", "1.106.12", _install_litellm, _litellm, behind="vllm"),
    Kind("llama.cpp", f"of llama-cpp-python {_LLAMA_CPP}", _install_llama_cpp, _llama_cpp),
)


def of(name: str) -> Kind:
    """The kind of this name."""
    for kind in KINDS:
        if kind.name == name:
            return kind
    raise StackError(f"There is no server {name}.", f"Take of {', '.join(kind.name for kind in KINDS)}.")
