"""Copies a tiny Qwen3-VL with its last layer twice: `deepen.py FROM TO`, run by vLLM's own Python.

llama.cpp adds what the vision part found to the first layers, and cuts the last one down to the
tokens that are wanted: a model whose last layer is one of the first ones ends its server.
"""

import json
import shutil
import sys
from pathlib import Path

from safetensors.torch import load_file, save_file

_FROM, _TO = (Path(argument) for argument in sys.argv[1:3])


def main() -> None:
    """Writes the copy, as a whole or not at all."""
    partial = _TO.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    shutil.copytree(_FROM, partial)
    config = json.loads((_FROM / "config.json").read_text())
    last = config["text_config"]["num_hidden_layers"] - 1
    weights = load_file(_FROM / "model.safetensors")
    for name in list(weights):
        mark = f".layers.{last}."
        if "language_model" in name and mark in name:
            weights[name.replace(mark, f".layers.{last + 1}.")] = weights[name].clone()
    config["text_config"]["num_hidden_layers"] = last + 2
    # One entry for each layer, where there are any.
    kinds = config["text_config"].get("layer_types")
    if kinds:
        config["text_config"]["layer_types"] = [*kinds, kinds[-1]]
    (partial / "config.json").write_text(json.dumps(config, indent=1))
    save_file(weights, partial / "model.safetensors", metadata={"format": "pt"})
    partial.rename(_TO)


if __name__ == "__main__":
    main()
