"""What AWS refuses, the local stack refuses: a layer around the emulator, in the emulator's process.

Files ending in `_rules`, and `item_size`, `units`, `lineage`, judge or count values and know no emulator.
`program`, `watch`, `services`, `invocations`, `streams`, `dead_letters` and `tables` are where the layer meets ministack, and nothing
else is.
"""
