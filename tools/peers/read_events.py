"""What TensorBoard makes of a folder of event files: python3 read_events.py FOLDER

Prints one JSON object: {"version": …, "runs": {run: {tag: [[step, value], …]}}}. Needs the package tensorboard
(requirements-tensorboard.txt beside this file).
"""

import json
import sys

from tensorboard import version
from tensorboard.backend.event_processing.event_multiplexer import EventMultiplexer

multiplexer = EventMultiplexer(size_guidance={"scalars": 0})  # 0: all of them, no sampling
multiplexer.AddRunsFromDirectory(sys.argv[1])
multiplexer.Reload()
runs = {
    run: {tag: [[event.step, event.value] for event in multiplexer.Scalars(run, tag)] for tag in tags["scalars"]}
    for run, tags in multiplexer.Runs().items()
}
print(json.dumps({"version": version.VERSION, "runs": runs}))
