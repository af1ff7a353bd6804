"""What runs under `infra/local watch` has the settings of the deployed functions."""

from __future__ import annotations

from harness import Harness

from stack import template
from stack.commands import up


def test_the_file_of_variables_has_every_setting_of_every_function(harness: Harness) -> None:
    loaded = template.load()
    everywhere = loaded["Globals"]["Function"]["Environment"]["Variables"]
    declared = [
        function["Properties"].get("Environment", {}).get("Variables", {})
        for function in template.functions(loaded).values()
    ]
    said = up.variables(harness.stack)
    assert said.keys() >= {name for one in (everywhere, *declared) for name in one}
    assert said["QUIET_PERIOD_SECONDS"] == "3", "the timing profile's"
    assert said["BULK_QUEUE_URL"] == harness.stack.outputs["BulkQueueUrl"]
    assert all(isinstance(value, str) for value in said.values())
