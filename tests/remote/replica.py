"""What stands for a replica of the warm pool: one process, one loop, several tasks at once.

In: on stdin a line of JSON a task, the words of its container; or a task's folder, if it shall be
cancelled. Out: on stdout that folder when the task is over. It runs them through the module that
the actor's executor uses in the SDK.

Source: `flyte._internal.runtime.rusty`; the options of `flyte._bin.runtime`.
"""

import asyncio
import json
import os
import sys
from functools import cache

from flyte._bin.runtime import main as a0
from flyte._internal.runtime import rusty

_load = cache(lambda resolver, words: rusty.load_task_from_code_bundle(resolver, list(words)))


async def run(words, controller, answers):
    """Run one task to its end; what it leaves is in its folder."""
    options = a0.make_context("a0", words[1:]).params
    task = _load(options["resolver"], tuple(options["resolver_args"]))
    same = ("org", "project", "domain", "run_name", "name", "version", "run_base_dir")
    try:
        await rusty.run_task(
            task,
            controller,
            **{name: options[name] for name in same},
            input_path=options["inputs"],
            output_path=options["outputs_path"],
            raw_data_path=options["raw_data_path"],
            checkpoint_path=options["checkpoint_path"],
            prev_checkpoint=options["prev_checkpoint"],
        )
    finally:
        print(options["outputs_path"], file=answers, flush=True)


async def main(answers):
    """Take tasks until stdin ends."""
    controller = await rusty.create_controller(os.environ["_U_EP_OVERRIDE"], insecure=True)
    tasks = {}
    async with asyncio.TaskGroup() as group:
        while line := await asyncio.to_thread(sys.stdin.readline):
            said = json.loads(line)
            if isinstance(said, str):
                tasks[said].cancel()
            else:
                outputs = said[said.index("--outputs-path") + 1]
                tasks[outputs] = group.create_task(run(said, controller, answers))
    await controller.stop()


if __name__ == "__main__":
    # Whatever a task prints is no answer.
    own = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    asyncio.run(main(own))
