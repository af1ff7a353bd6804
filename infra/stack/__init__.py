"""The local stack: emulator, deployed functions, simulated VLM, and what a person does with them.

Everything runs on 127.0.0.1. `infra/local` is the way in; the end-to-end tests use the same modules.
"""
